/* collector - makes and drops 300000 nodes of a conservative collector of garbage, and says how large its heap is. */
#include <gc/gc.h>
#include <stdio.h>

int main(void)
{
	GC_INIT();
	for (int i = 0; i < 300000; i++) {
		void **const node = GC_MALLOC(64);

		*node = GC_MALLOC(32);
	}
	GC_gcollect();
	printf("%zu\n", (size_t)GC_get_heap_size() / 1024);
	return 0;
}
