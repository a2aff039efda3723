/* own_malloc_new - with arena.c: blocks of operator new that are given back to free, and the other way round. */
#include <cstdlib>
#include <new>
#include <string>

extern "C" unsigned long arena_calls();

static void *volatile kept;

int main()
{
	const unsigned long before = arena_calls();

	for (int i = 0; i < 100; i++) {
		kept = ::operator new(1001);
		std::free(kept);
		kept = std::malloc(1002);
		::operator delete(kept);
		kept = ::operator new[](1003, std::nothrow);
		std::free(kept);
		kept = ::operator new(1004, std::align_val_t(64));
		std::free(kept);
	}
	return arena_calls() - before == 400 ? 0 : 1;
}
