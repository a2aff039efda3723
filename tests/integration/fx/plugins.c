/* plugins A B - loads, calls and unloads two libraries in turn, 200 times. */
#include <dlfcn.h>

#include "truth.h"

static void use(const char *path, const char *function)
{
	void *const library = dlopen(path, RTLD_NOW);

	must(library != NULL, path);
	void (*const call)(void **) = (void (*)(void **))dlsym(library, function);
	void *p = NULL;

	must(call != NULL, function);
	call(&p);
	free(p);
	must(dlclose(library) == 0, "dlclose");
}

int main(int argc, char **argv)
{
	must(argc == 3, "two libraries");
	for (int i = 0; i < 200; i++) {
		use(argv[1], "plugin_first");
		use(argv[2], "plugin_second");
	}
	truth_churn(1001, 200);
	truth_churn(1002, 200);
	return 0;
}
