/*
 * torture_loader MODE [LIBRARY...] - the loader beside the heap: its locks, its namespaces, its
 * search for libraries.
 */
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>

#include "modes.h"

static char **libraries;
static _Atomic int done;

/* The plugin of fx_plugins: n blocks of 1001 or 1002 bytes. */
static void use(void *library, const char *function, int times)
{
	void (*const call)(void **, int) = library ? (void (*)(void **, int))dlsym(library, function) : NULL;

	must(call != NULL, function);
	for (int i = 0; i < times; i++) {
		void *p = NULL;

		call(&p, 5);
		free(p);
	}
}

static int with_the_lock(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)info;
	(void)size;
	(void)unused;
	churn(1003, 1);
	return 0;
}

static void *iterate(void *times)
{
	unsigned long n = 0;

	/* while the other one loads; how often is another number each time */
	while (n < 2000 || (n < 10000 && !atomic_load(&done))) {
		dl_iterate_phdr(with_the_lock, NULL);
		n++;
	}
	*(unsigned long *)times = n;
	return NULL;
}

static void *load(void *unused)
{
	for (int i = 0; i < 150; i++) {
		void *const library = dlopen(libraries[i % 2], RTLD_NOW);

		use(library, i % 2 ? "plugin_second" : "plugin_first", 3);
		must(dlclose(library) == 0, "dlclose");
	}
	done++;
	return unused;
}

static void *churner(void *unused)
{
	for (int i = 0; i < 1000 && !atomic_load(&done); i++)
		churn(4001, 100);
	return unused;
}

/*
 * One thread allocates under the loader's lock, one loads and unloads, one allocates all the
 * time: a hook that asks the loader in its own lock hangs.
 */
static void mode_lock(void)
{
	unsigned long times;
	pthread_t t[3];

	must(!pthread_create(&t[0], NULL, iterate, &times), "pthread_create");
	must(!pthread_create(&t[1], NULL, churner, NULL), "pthread_create");
	must(!pthread_create(&t[2], NULL, load, NULL), "pthread_create");
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	truth_churn(1001, 225);
	truth_churn(1002, 225);
	truth_line("E", "malloc,free", 1003, times < 2000 ? 0 : 2000);
}

/* A second copy of a library and of the C library, out of our sight: it works, and ours goes on. */
static void mode_namespace(void)
{
	for (int i = 0; i < 5; i++) {
		void *const library = dlmopen(LM_ID_NEWLM, libraries[0], RTLD_NOW);

		must(library != NULL, "dlmopen");
		void (*const call)(void **, int) = (void (*)(void **, int))dlsym(library, "plugin_first");
		void *p = NULL;

		call(&p, 5); /* of the other heap, to be freed there */
		must(p != NULL, "a block of the other heap");
		churn(1003, 10);
		must(dlclose(library) == 0, "dlclose");
	}
	truth_churn(1003, 50);
}

/* A library that asks itself first, then what it needs: its malloc is still the program's. */
static void mode_deepbind(void)
{
	for (int i = 0; i < 20; i++) {
		void *const library = dlopen(libraries[0], RTLD_NOW | RTLD_DEEPBIND);

		use(library, "plugin_first", 5);
		churn(1003, 10);
		must(dlclose(library) == 0, "dlclose");
	}
	truth_churn(1003, 200);
}

/* A name without a path: found by the RUNPATH of whoever asks, $ORIGIN. */
static void mode_origin(void)
{
	for (int i = 0; i < 20; i++) {
		void *const library = dlopen("fx_first.so", RTLD_NOW);

		must(library != NULL, "a plugin in our RUNPATH");
		use(library, "plugin_first", 5);
		must(dlclose(library) == 0, "dlclose");
	}
	truth_churn(1001, 100);
}

/* What is wrong with dlopen and dlsym is said in memory of the heap. */
static void mode_errors(void)
{
	for (int i = 0; i < 200; i++) {
		must(!dlopen("/nonexistent/library.so", RTLD_NOW) && dlerror() && !dlerror(), "dlopen");
		must(!dlsym(RTLD_DEFAULT, "no_such_function") && dlerror(), "dlsym");
		must(dlopen(NULL, RTLD_NOW) != NULL, "the program itself");
		churn(1001, 1);
	}
	truth_churn(1001, 200);
}

static const struct mode modes[] = {
	MODE(lock), MODE(namespace), MODE(deepbind), MODE(origin), MODE(errors),
};

int main(int argc, char **argv)
{
	libraries = argv + 2;
	return RUN_MODE(argc, argv, modes);
}
