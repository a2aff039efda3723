/* A test as it was before: it knows nothing of memory. "test_render forget" leaks. */
#include <string.h>

#include "render.h"

int main(int argc, char **argv)
{
	return render(10, argc > 1 && strcmp(argv[1], "forget") == 0) == 45 ? 0 : 1;
}
