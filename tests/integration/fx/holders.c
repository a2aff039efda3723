/*
 * holders - five functions that hold memory at the peak, one that leaks and one that wastes. What each of them has is
 * in the table below, which tests/integration/first_look.py knows as well. The argument says how the program ends.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS_MAX 10

static void *held[5][BLOCKS_MAX];
static void *volatile lost;

#define HOLD(name, place, blocks, bytes)                             \
	static void name(void)                                       \
	{                                                            \
		for (int i = 0; i < (blocks) && i < BLOCKS_MAX; i++) \
			held[place][i] = malloc(bytes);              \
	}

HOLD(hold_first, 0, 10, 50000)
HOLD(hold_second, 1, 8, 40000)
HOLD(hold_third, 2, 6, 30000)
HOLD(hold_fourth, 3, 4, 20000)
HOLD(hold_fifth, 4, 2, 10000)

static void lose(void)
{
	for (int i = 0; i < 7; i++)
		lost = malloc(1000);
}

static void waste(void)
{
	for (int i = 0; i < 1000; i++) {
		void *volatile p = malloc(24);

		free(p);
	}
}

static void hold_all(void)
{
	hold_first();
	hold_second();
	hold_third();
	hold_fourth();
	hold_fifth();
}

static void let_go(void)
{
	for (int p = 0; p < 5; p++)
		for (int i = 0; i < BLOCKS_MAX; i++)
			free(held[p][i]);
}

/* Ten processes with this one, each of which exits with 0 or is killed. */
static int become_ten(void)
{
	for (int i = 1; i < 10; i++) {
		if (fork() == 0) {
			lose();
			if (i == 9)
				raise(SIGTERM);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	return 0;
}

static int end_as(const char *how, char **argv)
{
	char byte;

	if (!strncmp(how, "signal", 6)) {
		signal(atoi(how + 6), SIG_DFL);
		raise(atoi(how + 6));
	}
	if (!strcmp(how, "wait")) {
		if (write(1, "ready\n", 6) != 6 || read(0, &byte, 1) < 0)
			return 1;
		return 4;
	}
	if (!strcmp(how, "exec")) {
		execl("/proc/self/exe", argv[0], "0", NULL);
		return 1;
	}
	return strcmp(how, "ten") ? atoi(how) : become_ten();
}

int main(int argc, char **argv)
{
	lose();
	waste();
	hold_all();
	let_go();
	return argc > 1 ? end_as(argv[1], argv) : 0;
}
