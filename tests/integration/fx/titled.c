/*
 * titled - processes that give themselves names. Arguments: what this one does, one word after the other, and then NAME=TITLE...
 *
 *   write TEXT   writes the text over its arguments, as setproctitle does; their room must be long enough
 *   name TEXT    prctl(PR_SET_NAME)
 *   cut          ends its first argument in the middle, as dirname does
 *   other TEXT   writes the text over its last argument
 *   fork         goes on in a child; the parent waits and exits
 *   thread TEXT  another thread, which this one names and which allocates 1001 bytes
 *   ready        writes its pid, and waits until standard input ends
 *   exit _exit kill   how it ends
 *   exec FILE    executes that program
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile kept;
static pthread_barrier_t named;

static void *thread(void *unused)
{
	kept = malloc(1001);
	pthread_barrier_wait(&named);
	pause();
	return unused;
}

static void start_thread(const char *name)
{
	pthread_t t;

	pthread_barrier_init(&named, NULL, 2);
	if (pthread_create(&t, NULL, thread, NULL) != 0)
		_exit(99);
	pthread_barrier_wait(&named);
	if (pthread_setname_np(t, name) != 0)
		_exit(99);
}

static void be_ready(void)
{
	char text[16], c;
	const int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (write(1, text, (size_t)n) != n)
		_exit(99);
	while (read(0, &c, 1) > 0)
		;
}

static void go_on_in_a_child(void)
{
	const pid_t child = fork();

	if (child > 0) {
		waitpid(child, NULL, 0);
		exit(0);
	}
	kept = malloc(1002);
}

int main(int argc, char **argv)
{
	char *last = argv[argc - 1], **words = calloc((size_t)argc + 1, sizeof(*words));
	const size_t room = (size_t)(last + strlen(last) - argv[0]);

	for (int i = 1; i < argc; i++)
		words[i] = strdup(argv[i]);
	for (int i = 1; i < argc; i++) {
		const char *const word = words[i], *const next = words[i + 1];

		if (strcmp(word, "write") == 0) {
			memset(argv[0], 0, room);
			snprintf(argv[0], room, "%s", words[++i]);
		} else if (strcmp(word, "name") == 0) {
			prctl(PR_SET_NAME, words[++i]);
		} else if (strcmp(word, "cut") == 0) {
			argv[0][strlen(argv[0]) / 2] = 0;
		} else if (strcmp(word, "other") == 0) {
			memset(last, 0, strlen(last));
			memcpy(last, words[++i], 1);
		} else if (strcmp(word, "fork") == 0) {
			go_on_in_a_child();
		} else if (strcmp(word, "thread") == 0) {
			start_thread(words[++i]);
		} else if (strcmp(word, "ready") == 0) {
			be_ready();
		} else if (strcmp(word, "exit") == 0) {
			return 0;
		} else if (strcmp(word, "_exit") == 0) {
			_exit(0);
		} else if (strcmp(word, "kill") == 0) {
			raise(SIGKILL);
		} else if (strcmp(word, "exec") == 0) {
			execl(next, next, "exit", (char *)NULL);
			_exit(99);
		}
	}
	return 99;
}
