/* host PLUGIN... - a C program that loads C++ for itself alone: no operator new is in the global scope. */
#include <dlfcn.h>
#include <stdio.h>

#include "truth.h"

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		void *const library = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);

		must(library != NULL, argv[i]);
		void (*const work)(void) = (void (*)(void))dlsym(library, "plugin_work");

		must(work != NULL, "plugin_work");
		work();
		must(dlerror() == NULL, "dlerror");
		dlclose(library);
	}
	return 0;
}
