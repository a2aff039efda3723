/*
 * traced_fork - a traced process forks. Its child has the traces of that moment: not those of the moment at which the recorder sees the
 * child. To tell the two apart, the child is held while its parent goes on.
 *
 * usage: traced_fork MODE; prints what the answers were.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "traced.h"

/* ---- holding a child ---- */

struct gate {
	int ends[2];
};

static struct gate gate_new(void)
{
	struct gate g;

	if (pipe(g.ends) != 0)
		abort();
	return g;
}

/* The child waits here until every other process has closed the gate. */
static void gate_wait(struct gate g)
{
	char unused;

	close(g.ends[1]);
	(void)!read(g.ends[0], &unused, 1);
}

static void gate_open(struct gate g)
{
	close(g.ends[0]);
	close(g.ends[1]);
}

/* While this is set, a child is held before any function of another fork handler has run in it. */
static struct gate early;
static bool early_is_set;

static void hold_early(void)
{
	if (early_is_set)
		gate_wait(early);
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, hold_early);
}

__attribute__((section(".preinit_array"), used)) static void (*const before_all_libraries)(void) = watch_forks;

static int status_of(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- one child ---- */

/* What the child must find: bits of what is wrong. */
static int differs(size_t base, size_t bytes, const void *kept, const void *released, uintptr_t made)
{
	return (now() - base != bytes) | (dumped(kept) <= 0) << 1 | (dumped(released) <= 0) << 2 | (dumped((const void *)made) != -1) << 3;
}

/*
 * After the fork the parent releases a block, makes another one, and resizes a third. `ask`: it waits until the recorder knows that.
 * Prints what the child found wrong, and what the parent has at the end.
 */
static void go_on_beside(pid_t (*make)(void), bool first, bool ask)
{
	start(3);
	const size_t base = now();
	char *const kept = block(1000), *const released = block(300), *grown = block(20);
	const struct gate g = gate_new(), answer = gate_new();
	uintptr_t made;
	pid_t pid;

	early = g;
	early_is_set = first;
	fflush(stdout);
	pid = make();
	if (pid == 0) {
		if (!first)
			gate_wait(g);
		(void)!read(answer.ends[0], &made, sizeof(made));
		_exit(differs(base, 1320, kept, released, made));
	}
	early_is_set = false;
	free(released);
	made = (uintptr_t)block(1 << 20);
	grown = realloc(grown, 5000);
	if (ask)
		(void)now();
	(void)!write(answer.ends[1], &made, sizeof(made));
	gate_open(g);
	printf("child %d, parent %zu\n", status_of(pid), now() - base);
	free(grown);
}

static void held(void)
{
	go_on_beside(fork, false, true);
}

static void held_at_once(void)
{
	go_on_beside(fork, false, false);
}

static void held_first(void)
{
	go_on_beside(fork, true, true);
}

static void bare(void)
{
	go_on_beside(_Fork, false, true);
}

static pid_t handled_pid;

static void fork_here(int number)
{
	(void)number;
	handled_pid = _Fork();
}

static pid_t fork_in_handler(void)
{
	signal(SIGUSR1, fork_here);
	raise(SIGUSR1);
	return handled_pid;
}

static void in_handler(void)
{
	go_on_beside(fork_in_handler, false, true);
}

/* ---- parents that end, or ask for something else ---- */

/* Its child, and that one's child, find what was there, though both parents have ended when they ask. */
static void orphans(void)
{
	start(3);
	const size_t base = now();
	char *const p = block(1000);
	const struct gate g = gate_new();

	fflush(stdout);
	if (fork())
		_exit(0);
	gate_wait(g);
	const struct gate h = gate_new();
	const size_t found = now() - base;
	char *const q = block(200);

	if (fork())
		_exit(0);
	gate_wait(h);
	printf("child %zu, its child %zu, frames %d %d\n", found, now() - base, dumped(p), dumped(q));
}

/* Whether a process is traced was decided at its fork. */
static void changed(void)
{
	const struct gate untraced = gate_new(), traced = gate_new(), cleared = gate_new();
	pid_t pids[3];

	fflush(stdout);
	if ((pids[0] = fork()) == 0) {
		gate_wait(untraced);
		const bool before = tracker_is_tracing();

		start(5);
		_exit(before || now() != 0 || tracker_get_traceback_limit() != 5);
	}
	start(3);
	const size_t base = now();
	char *const p = block(1000);

	if ((pids[1] = fork()) == 0) {
		close(untraced.ends[1]);
		gate_wait(cleared);
		_exit(now() - base != 1000 || dumped(p) <= 0);
	}
	tracker_clear_traces();
	if ((pids[2] = fork()) == 0) {
		close(untraced.ends[1]);
		close(cleared.ends[1]);
		gate_wait(traced);
		free(block(7));
		_exit(now() != 0 || peak() != 7 || tracker_get_traceback_limit() != 3);
	}
	tracker_stop();
	gate_open(untraced);
	gate_open(traced);
	gate_open(cleared);
	for (unsigned i = 0; i < 3; i++)
		printf("%d ", status_of(pids[i]));
	printf("parent %d\n", tracker_is_tracing());
}

/* ---- many ---- */

#define CHILDREN 40

/* All are held until the last one was forked; each is one block richer than the one before. */
static void many(void)
{
	const struct gate g = gate_new();
	pid_t pids[CHILDREN];
	int wrong = 0;

	start(2);
	const size_t base = now();

	fflush(stdout);
	for (size_t i = 0; i < CHILDREN; i++) {
		block(1000);
		if ((pids[i] = fork()) == 0) {
			gate_wait(g);
			_exit(now() - base != 1000 * (i + 1));
		}
	}
	gate_open(g);
	for (unsigned i = 0; i < CHILDREN; i++)
		wrong += status_of(pids[i]) != 0;
	printf("wrong %d\n", wrong);
}

/* The kernel refuses to make processes: what was kept for them is not kept for ever. */
static bool refuse_processes(void)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = { sizeof(program) / sizeof(*program), program };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static void refused(void)
{
	static void *all[20000];
	size_t before, after;
	int failed = 0;

	start(2);
	for (int i = 0; i < 20000; i++)
		all[i] = block(100);
	before = tracker_get_tracker_memory();
	if (!refuse_processes())
		abort();
	for (int i = 0; i < 50; i++) {
		errno = 0;
		failed += fork() < 0 && errno == EAGAIN;
		free(all[i]);
	}
	after = tracker_get_tracker_memory();
	printf("failed %d, memory %d\n", failed, after < 4 * before);
}

/* ---- among threads ---- */

#define THREADS 4
#define ROUNDS 30
#define KEPT 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t live; /* bytes, as the program counts them, under the lock */
static volatile bool stop;

static void *churn(void *data)
{
	static const size_t sizes[] = { 16, 100, 1000, 5000 };
	void *some[KEPT] = { NULL };
	size_t bytes[KEPT] = { 0 };

	for (unsigned i = 0; !stop; i++) {
		const unsigned at = i % KEPT;

		pthread_mutex_lock(&lock);
		live -= bytes[at];
		free(some[at]);
		bytes[at] = sizes[i % 4] + at;
		some[at] = malloc(bytes[at]);
		live += bytes[at];
		pthread_mutex_unlock(&lock);
		if (i % 16 == 0)
			(void)now(); /* it is answered when the recorder has read all that: so it keeps up on any machine */
	}
	for (unsigned i = 0; i < KEPT; i++) {
		pthread_mutex_lock(&lock);
		live -= bytes[i];
		free(some[i]);
		pthread_mutex_unlock(&lock);
	}
	return data;
}

/* The lock that the threads take for each block is taken for the fork, too: the child has what the program has counted. */
static void locked(void)
{
	pthread_t list[THREADS];
	int wrong = 0;

	start(2);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&list[i], NULL, churn, NULL);
	pthread_mutex_lock(&lock);
	const size_t base = now() - live;

	pthread_mutex_unlock(&lock);
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		const pid_t pid = fork();

		if (pid == 0)
			_exit(now() - base != live);
		pthread_mutex_unlock(&lock);
		wrong += status_of(pid) != 0;
	}
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(list[i], NULL);
	printf("wrong %d\n", wrong);
}

int main(int argc, char **argv)
{
	static const struct traced_mode modes[] = { { "held", held }, { "held_at_once", held_at_once }, { "held_first", held_first }, { "bare", bare }, { "in_handler", in_handler }, { "orphans", orphans }, { "changed", changed }, { "many", many }, { "refused", refused }, { "locked", locked }, { NULL, NULL } };

	return run_mode(modes, argc > 1 ? argv[1] : "");
}
