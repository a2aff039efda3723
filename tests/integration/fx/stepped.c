/*
 * stepped - a thread ends the recording of this program, as `tracker detach` has it do. It is executed one instruction at a time, and after each of
 * them another thread allocates in every way: at no point may the recording have ended for some calls and go on for others. The sizes are
 * those of fx/busy.c, and say which call of its thread each is (tests/integration/busy.py).
 */
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/shm.h"
#include "libtracker/late.h"

#define TURNS 4000u /* instructions after which the other thread has its turn; the recording ends much earlier */

struct shared {
	_Atomic pid_t stepped; /* the thread's id */
	atomic_bool begins, over;
	atomic_uint turn, done;
};

static struct shared *s;
static uint32_t answer = LATE_REFUSED;

static void *end_recording(void *call)
{
	struct late_order o = { .version = SHM_VERSION, .what = LATE_DETACH, .fd = -1 };

	s->stepped = (pid_t)syscall(SYS_gettid);
	while (!s->begins)
		;
	answer = ((uint32_t(*)(struct late_order *))call)(&o);
	s->over = true;
	return NULL;
}

static void *allocate(void *data)
{
	for (unsigned n = 0; !s->over && n < TURNS;) {
		char *a, *b;
		void *c = NULL;

		if (n >= s->turn) {
			sched_yield();
			continue;
		}
		a = malloc(10000 + n);
		b = calloc(1, 20000 + n);
		a = realloc(a, 30000 + n);
		if (!a || !b || posix_memalign(&c, 64, 40000 + n))
			abort();
		free(c);
		free(b);
		free(a);
		s->done = ++n;
	}
	return data;
}

/* In a process of its own, because a process cannot trace its own threads. */
static int step(void)
{
	int status;

	while (!s->stepped)
		sched_yield();
	if (ptrace(PTRACE_SEIZE, s->stepped, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, s->stepped, 0, 0) < 0)
		return 2;
	s->begins = true;
	while (waitpid(s->stepped, &status, __WALL) == s->stepped && WIFSTOPPED(status) && s->turn < TURNS && !s->over) {
		s->turn++;
		while (s->done < s->turn && !s->over)
			sched_yield();
		if (ptrace(PTRACE_SINGLESTEP, s->stepped, 0, 0) < 0)
			return 3;
	}
	return ptrace(PTRACE_DETACH, s->stepped, 0, 0) < 0 && !s->over ? 4 : 0;
}

int main(void)
{
	void *const call = dlsym(RTLD_DEFAULT, LATE_CALL);
	pthread_t threads[2];
	int status;
	pid_t stepper;

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!call || s == MAP_FAILED)
		return 1;
	stepper = fork();
	if (!stepper)
		_exit(step());
	prctl(PR_SET_PTRACER, stepper);
	pthread_create(&threads[0], NULL, allocate, NULL);
	pthread_create(&threads[1], NULL, end_recording, call);
	waitpid(stepper, &status, 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("answer %u, stepper %#x, turns %u\n", answer, (unsigned)status, s->turn);
	return answer == LATE_DONE && status == 0 ? 0 : 1;
}
