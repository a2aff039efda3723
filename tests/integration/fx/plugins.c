/* plugins A B [ROUNDS] - loads, calls and unloads two libraries in turn, at one address. */
#include <dlfcn.h>

#include "truth.h"

#define ROUNDS 200
#define CALLS 7

/* Returns where the function was. */
static void *use(const char *path, const char *function)
{
	void *const library = dlopen(path, RTLD_NOW);

	must(library != NULL, path);
	void *const code = dlsym(library, function);
	void (*const call)(void **, int) = (void (*)(void **, int))code;
	must(code != NULL, function);
	for (int i = 0; i < CALLS; i++) {
		void *p = NULL;

		call(&p, i); /* deeper each time: with frames that no stack before had */
		free(p);
	}
	must(dlclose(library) == 0, "dlclose");
	return code;
}

int main(int argc, char **argv)
{
	const int rounds = argc > 3 ? atoi(argv[3]) : ROUNDS;
	int reused = 0;

	must(argc >= 3, "two libraries");
	for (int i = 0; i < rounds; i++)
		reused += use(argv[1], "plugin_first") == use(argv[2], "plugin_second");
	must(reused > rounds / 2, "addresses reused");
	truth_churn(1001, rounds * CALLS);
	truth_churn(1002, rounds * CALLS);
	return 0;
}
