/*
 * failing - allocates, and says which calls failed; tracker run makes them.
 *
 *   calls N  N calls of malloc: the numbers, from 1, of those that failed, then what happened to a block that was kept
 *   fork N   the same in a child, then in the parent
 *   large    blocks of 5000, 100 and 5000 bytes, twice, the second time in a thread
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char buffer[1 << 16];

static void calls(int n)
{
	int failed = 0;

	for (int i = 1; i <= n; i++) {
		void *volatile p;

		errno = 0;
		p = malloc(100);
		if (!p)
			printf("%d%s ", i, errno == ENOMEM ? "" : "!");
		failed += !p;
		free(p);
	}
	printf("failed:%d\n", failed);
	fflush(stdout);
}

static void *large(void *data)
{
	void *volatile p;

	(void)data;
	for (int i = 0; i < 3; i++) {
		p = malloc(i == 1 ? 100 : 5000); /* large */
		free(p);
	}
	return NULL;
}

static int calls_in_fork(int n)
{
	const pid_t child = fork();

	calls(n);
	if (child)
		waitpid(child, NULL, 0);
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t t;

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	if (argc == 3 && !strcmp(argv[1], "calls"))
		calls(atoi(argv[2]));
	else if (argc == 3 && !strcmp(argv[1], "fork"))
		return calls_in_fork(atoi(argv[2]));
	else if (argc == 2 && !strcmp(argv[1], "large")) {
		large(NULL);
		pthread_create(&t, NULL, large, NULL);
		pthread_join(t, NULL);
	} else
		return 2;
	return 0;
}
