/*
 * arena - an allocator of one's own, as large programs bring: one lock, which no thread takes
 * twice, held around all that it asks the kernel for. Whoever takes it again in the thread
 * that has it would wait for ever; here the program ends with status 97. So it does when it is
 * given back a block of somebody else (96). With FORWARDS it only counts, and calls the next.
 */
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "truth.h"

enum { ARENA = 1 << 26, HEAD = 16, EVERY = 64 };

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static _Atomic uintptr_t holder;
static unsigned char *arena;
static size_t used;
static atomic_ulong calls;

unsigned long arena_calls(void);
unsigned long arena_calls(void) { return calls; }

static void give_up(const char *why, int status)
{
	if (write(2, why, strlen(why)) < 0)
		_exit(99);
	_exit(status);
}

static void lock(void)
{
	const uintptr_t me = (uintptr_t)__builtin_thread_pointer();
	uintptr_t nobody = 0;

	while (!atomic_compare_exchange_weak(&holder, &nobody, me)) {
		if (nobody == me)
			give_up("the allocator was called while it held its lock\n", 97);
		nobody = 0;
	}
}

static void unlock(void)
{
	atomic_store(&holder, 0);
}

static void *map(size_t bytes)
{
	void *const p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		give_up("mmap\n", 99);
	return p;
}

/* All kinds of calls that a library in between may look at. */
static void ask_the_kernel(void)
{
	char name[16];
	void *p = map(4096);

	p = mremap(p, 4096, 8192, MREMAP_MAYMOVE);
	if (p == MAP_FAILED || madvise(p, 8192, MADV_DONTNEED) || mprotect(p, 8192, PROT_READ) || munmap(p, 8192) ||
	    prctl(PR_GET_NAME, name, 0, 0, 0) || prctl(PR_SET_NAME, name, 0, 0, 0))
		give_up("the kernel refuses\n", 99);
}

static void *take(size_t align, size_t size)
{
	unsigned char *p;

	lock();
	if (!arena)
		arena = map(ARENA);
	if (atomic_fetch_add(&calls, 1) % EVERY == 0)
		ask_the_kernel();
	if (align < HEAD)
		align = HEAD;
	p = (unsigned char *)(((uintptr_t)arena + used + HEAD + align - 1) & ~(align - 1));
	memcpy(p - sizeof(size), &size, sizeof(size));
	used = (size_t)(p - arena) + size;
	if (used > ARENA)
		give_up("the arena is full\n", 99);
	unlock();
	return p;
}

static size_t size_of(const void *p)
{
	size_t size;

	if ((const unsigned char *)p < arena || (const unsigned char *)p >= arena + ARENA)
		give_up("a block of another allocator was given back\n", 96);
	memcpy(&size, (const unsigned char *)p - sizeof(size), sizeof(size));
	return size;
}

static void give(void *p)
{
	if (!p)
		return;
	(void)size_of(p);
	lock();
	unlock();
}

static void *move(void *p, size_t size)
{
	void *const q = take(HEAD, size);

	if (p)
		memcpy(q, p, size_of(p) < size ? size_of(p) : size);
	return q;
}

#ifdef FORWARDS
#define OWN_OR_NEXT(own, next) (0 ? (own) : (atomic_fetch_add(&calls, 1), (next)))
#else
#define OWN_OR_NEXT(own, next) (own)
#endif

void *malloc(size_t size) { return OWN_OR_NEXT(take(HEAD, size), __libc_malloc(size)); }
void *calloc(size_t n, size_t size) { return OWN_OR_NEXT(take(HEAD, n * size), __libc_calloc(n, size)); }
void *realloc(void *p, size_t size) { return OWN_OR_NEXT(move(p, size), __libc_realloc(p, size)); }
void *memalign(size_t align, size_t size) { return OWN_OR_NEXT(take(align, size), __libc_memalign(align, size)); }
void *aligned_alloc(size_t align, size_t size) { return memalign(align, size); }
void free(void *p) { OWN_OR_NEXT(give(p), __libc_free(p)); }
size_t malloc_usable_size(void *p) { return p ? size_of(p) : 0; }

int posix_memalign(void **ret, size_t align, size_t size)
{
	*ret = memalign(align, size);
	return *ret ? 0 : ENOMEM;
}
