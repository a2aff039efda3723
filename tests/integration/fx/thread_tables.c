/*
 * thread_tables COUNT [LIBRARY]... - so many threads at once; then each uses a thread-local variable of
 * every library (tls_plugin.c), for which the loader makes the thread's table larger.
 */
#include <dlfcn.h>
#include <pthread.h>

#include "truth.h"

enum { LIBRARIES_MAX = 64, STACK = 1 << 17 };

static int *(*variables[LIBRARIES_MAX])(void);
static int count;
static pthread_barrier_t started, loaded, done;

static void *thread(void *unused)
{
	pthread_barrier_wait(&started);
	pthread_barrier_wait(&loaded);
	for (int i = 0; i < count; i++)
		must((*variables[i]())++ == 1, "a thread's own variable");
	churn(1001, 10);
	pthread_barrier_wait(&done);
	return unused;
}

static void load(const char *path)
{
	void *const handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	must(handle != NULL && count < LIBRARIES_MAX, "dlopen");
	variables[count++] = (int *(*)(void))dlsym(handle, "tls_plugin_variable");
}

int main(int argc, char **argv)
{
	const unsigned threads = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
	pthread_t *const t = malloc((threads + 1) * sizeof(*t));
	pthread_attr_t small;

	must(threads > 0 && t, "usage");
	must(!pthread_attr_init(&small) && !pthread_attr_setstacksize(&small, STACK), "pthread_attr_setstacksize");
	pthread_barrier_init(&started, NULL, threads + 1);
	pthread_barrier_init(&loaded, NULL, threads + 1);
	pthread_barrier_init(&done, NULL, threads + 1);
	for (unsigned i = 0; i < threads; i++)
		must(!pthread_create(&t[i], &small, thread, NULL), "pthread_create");
	pthread_barrier_wait(&started);
	for (int i = 2; i < argc; i++)
		load(argv[i]);
	pthread_barrier_wait(&loaded);
	pthread_barrier_wait(&done);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	truth_churn(1001, 10ul * threads);
	return 0;
}
