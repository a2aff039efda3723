/*
 * pool_new - operators new and delete that are not malloc and free: a pool, into which nothing else may be given back.
 *
 * Only the two that most programs replace; the C++ library's other forms are made of them. Linked as a library
 * of pooled_new.cc, or into it.
 */
#include "pool_new.h"

#include <new>
#include <unistd.h>

/* The form with a size is left out on purpose. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wsized-deallocation"
#endif

static char memory[1 << 20] __attribute__((aligned(16)));
static size_t used;
unsigned long pool_allocated, pool_released;

void *operator new(size_t size)
{
	while (size > sizeof(memory) - used) {
		const std::new_handler handler = std::get_new_handler();

		if (!handler)
			throw std::bad_alloc();
		handler();
	}
	void *const p = memory + used;

	used += (size + 15) & ~(size_t)15;
	pool_allocated++;
	return p;
}

void operator delete(void *p) noexcept
{
	if (p && ((char *)p < memory || (char *)p >= memory + used))
		_exit(77);
	pool_released += p != nullptr;
}
