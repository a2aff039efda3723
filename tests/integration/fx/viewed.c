/*
 * viewed - a program that does one thing for each byte that it reads, says so, and then stands still: what it holds is in the
 * table of tests/integration/live.py.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void *held[1000];
static int count;

static void hold_many(void)
{
	for (int i = 0; i < 100; i++)
		held[count++] = malloc(1000);
}

static void hold_few(void)
{
	for (int i = 0; i < 10; i++)
		held[count++] = malloc(5000);
}

static void hold(void)
{
	held[count++] = malloc(300);
	hold_many();
	hold_few();
}

static void grow(void)
{
	for (int i = 0; i < 50; i++)
		held[count++] = malloc(2000);
}

static void waste(void)
{
	for (int i = 0; i < 1000; i++)
		free(malloc(64));
}

static void *in_thread(void *go)
{
	for (int i = 0; i < 3; i++)
		held[count++] = malloc(7000);
	pthread_setname_np(pthread_self(), "helper");
	(void)!write(((int *)go)[1], "x", 1);
	pause();
	return go;
}

static void start_thread(void)
{
	static int go[2];
	pthread_t thread;
	char byte;

	if (pipe(go) < 0 || pthread_create(&thread, NULL, in_thread, go) != 0)
		exit(1);
	if (read(go[0], &byte, 1) != 1)
		exit(1);
}

/* It holds as much as its parent, and a block more. It lives as long as the pipe of its parent. */
static void start_child(void)
{
	static int ready[2], alive[2];
	char byte;

	if (pipe(ready) < 0 || pipe(alive) < 0)
		exit(1);
	if (fork() == 0) {
		close(alive[1]);
		held[count++] = malloc(3000);
		(void)!write(ready[1], "x", 1);
		(void)!read(alive[0], &byte, 1);
		_exit(0);
	}
	if (read(ready[0], &byte, 1) != 1)
		exit(1);
}

static void act(char what)
{
	switch (what) {
	case 'h':
		hold();
		break;
	case 'g':
		grow();
		break;
	case 'w':
		waste();
		break;
	case 't':
		start_thread();
		break;
	case 'f':
		start_child();
		break;
	case 'p':
		(void)!write(1, "printed\n", 8);
		(void)!write(2, "complained\n", 11);
		break;
	case 'k':
		raise(SIGKILL);
		break;
	case 'x':
		_exit(5);
	}
}

/* What to do is read from the FIFO of the first name, and that it is done is written into that of the second. Nothing here allocates. */
int main(int argc, char **argv)
{
	const int from = argc > 2 ? open(argv[1], O_RDONLY) : -1, to = argc > 2 ? open(argv[2], O_WRONLY) : -1;
	char what;

	if (from < 0 || to < 0)
		return 1;
	while (read(from, &what, 1) == 1) {
		act(what);
		(void)!write(to, "d", 1);
	}
	return 0;
}
