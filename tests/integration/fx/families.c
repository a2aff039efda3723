/*
 * families - a process that forks three, of which one executes this program anew and has a child of its own. Each
 * allocates, in two threads, numbers and sizes that no other has, frees some, and says at its end in one write:
 *
 *   PID MALLOCS SIZE FREES KEPT_BLOCKS
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LEAST 50000

#include "../../../libtracker/tracker.h"

static void *kept[1000];

static void *work(void *number)
{
	const int n = *(int *)number;

	for (int i = 0; i < n; i++) {
		void *const p = malloc(LEAST + (size_t)n);

		if (i % 3)
			free(p);
		else
			kept[i] = p;
	}
	return NULL;
}

static void be(int n)
{
	char line[100];
	pthread_t t;
	int mine = n, length;

	if (pthread_create(&t, NULL, work, &mine) || pthread_join(t, NULL))
		exit(2);
	work(&mine);
	tracker_mark("done");
	length = snprintf(line, sizeof(line), "%d %d %d %d %d\n", (int)getpid(), 2 * n, LEAST + n, 2 * (n - (n + 2) / 3),
			  2 * ((n + 2) / 3));
	if (write(STDOUT_FILENO, line, (size_t)length) != length)
		exit(2);
}

static void child(int n, char *self)
{
	char *argv[] = { self, (char *)"again", NULL };

	if (fork())
		return;
	if (n == 103)
		execv(self, argv);
	be(n);
	exit(0);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		child(105, argv[0]);
		be(104);
	} else {
		for (int i = 101; i <= 103; i++)
			child(i, argv[0]);
		be(100);
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
