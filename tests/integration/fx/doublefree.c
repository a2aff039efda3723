/*
 * doublefree - what --check-free is for: a block that is freed twice, a pointer that no allocation returned, a block of malloc
 * that goes to delete. The library hides them from the compiler.
 *
 * usage: doublefree good|twice|late|nothing|inside|realloc|delete
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../libtracker/tracker.h"

static void *(*volatile allocate)(size_t) = malloc;
static void (*volatile release)(void *) = free;
static void *(*volatile resize)(void *, size_t) = realloc;
extern void delete_operator(void *) __asm__("_ZdlPv");

__attribute__((noinline)) static char *make_it(size_t size)
{
	char *const p = allocate(size);

	return p;
}

__attribute__((noinline)) static void free_first(void *p)
{
	release(p);
}

__attribute__((noinline)) static void free_again(void *p)
{
	release(p);
}

static void *churn(void *data)
{
	for (int i = 0; i < 2000; i++)
		release(allocate((size_t)i % 300));
	return data;
}

static void good(void)
{
	pthread_t t[2];
	char *p = make_it(40);

	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, churn, NULL);
	p = resize(p, 4000);
	p = resize(p, 10);
	release(p);
	release(NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	release(aligned_alloc(64, 640));
	release(strdup("text"));
	fclose(fopen("/dev/null", "w"));
	p = make_it(77);
	if (fork() == 0) { /* a copy of the parent's block: it may be freed, once */
		release(p);
		_exit(0);
	}
	wait(NULL);
	release(p);
}

int main(int argc, char **argv)
{
	const char *const mode = argc > 1 ? argv[1] : "good";
	char *p = NULL, *others[64], on_stack[64];

	setvbuf(stdout, NULL, _IONBF, 0);
	if (strcmp(mode, "good") == 0)
		good();
	if (strcmp(mode, "twice") == 0 || strcmp(mode, "late") == 0)
		free_first(p = make_it(123));
	if (strcmp(mode, "late") == 0) /* the C library's own checks would not see it any more */
		for (int i = 0; i < 64; i++)
			others[i] = make_it(2000 + (size_t)i);
	if (p)
		free_again(p);
	if (strcmp(mode, "child") == 0) { /* that watches besides */
		tracker_alarm a = TRACKER_ALARM_INIT;
		int status;

		a.minimum_block_count = 1000000;
		a.scope = TRACKER_SCOPE_PROCESS;
		tracker_alarm_enter(&a);
		if (fork() == 0) {
			free_first(p = make_it(123));
			free_again(p);
			_exit(0);
		}
		wait(&status);
		tracker_alarm_exit(&a);
		return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	}
	if (strcmp(mode, "nothing") == 0)
		free_again(on_stack + 16);
	if (strcmp(mode, "inside") == 0)
		free_again(make_it(123) + 16);
	if (strcmp(mode, "realloc") == 0) {
		free_first(p = make_it(123));
		p = resize(p, 500);
	}
	if (strcmp(mode, "delete") == 0)
		delete_operator(make_it(123));
	puts("survived");
	(void)others;
	return 0;
}
