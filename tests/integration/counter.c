/*
 * counter - counts a program's allocations on its own, for comparison.
 *
 * Preloaded behind libtracker (or alone). Shares no code and no idea with it:
 * one mutex, one table. The counts live in a file that is mapped from the first
 * call on ($COUNTER_DIR/PID.N), so no death loses them.
 *
 * Counting rules are those of reporters/replay/heap.h: a realloc that succeeds
 * on a live block is one allocation and one free; an anonymous mmap is one
 * allocation and is freed with its last page; a release of an unknown block
 * counts as nothing but `unmatched`.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The allocator below us: libc's, or one that the program is linked with. */
static struct {
	void *(*malloc)(size_t), *(*calloc)(size_t, size_t), *(*realloc)(void *, size_t);
	void *(*memalign)(size_t, size_t), *(*valloc)(size_t), *(*pvalloc)(size_t);
	void (*free)(void *);
} next;

__attribute__((constructor(101))) static void look_up(void)
{
	static const char *const names[] = {
		"malloc", "calloc", "realloc", "memalign", "valloc", "pvalloc", "free"
	};
	void *found[sizeof(names) / sizeof(names[0])];

	if (next.malloc)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		found[i] = dlsym(RTLD_NEXT, names[i]); /* does not allocate when it finds */
	memcpy(&next, found, sizeof(next));
}

enum { PAGE = 4096 };

/* Read by harness.py. */
struct counts {
	uint64_t pid, allocations, frees, bytes, live_bytes, live_blocks, peak_bytes;
	uint64_t unmatched, mmaps, mmap_bytes;
	char program[256]; /* path of the executable */
};

/* Open addressing: key is an address (blocks) or a number (mappings); 0 empty, 1 deleted. */
struct slot {
	uint64_t key, value;
};
struct table {
	struct slot *slots;
	size_t room, used;
};

/* What is mapped, by ascending address: a terabyte that is only reserved is one of these. */
struct range {
	uint64_t start, end, mapping;
};
struct ranges {
	struct range *all;
	size_t room, count;
};

/* Memory that the allocator below maps for itself is not the program's. */
static __thread int below __attribute__((tls_model("initial-exec")));

#define BELOW(function, ...)                                                                  \
	({                                                                                    \
		look_up();                                                                    \
		below++;                                                                      \
		__typeof__(next.function(__VA_ARGS__)) const r_ = next.function(__VA_ARGS__); \
		below--;                                                                      \
		r_;                                                                           \
	})

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct counts *counts;
static struct table blocks, mappings; /* mappings: number -> bytes left */
static struct ranges ranges;
static uint64_t mapping_number = 2;

static void *raw_mmap(size_t bytes, int flags, int fd)
{
	const long p = syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	return p == -1 ? NULL : (void *)p;
}

static struct slot *table_find(struct table *t, uint64_t key, int insert)
{
	struct slot *grave = NULL;

	for (size_t i = key * 0x9e3779b97f4a7c15ull >> 20;; i++) {
		struct slot *const s = &t->slots[i & (t->room - 1)];

		if (s->key == key)
			return s;
		if (s->key == 1 && !grave)
			grave = s;
		if (s->key == 0)
			return insert ? (grave ? grave : s) : NULL;
	}
}

static void table_grow(struct table *t)
{
	const struct table old = *t;

	t->room = old.room ? old.room * 2 : 1 << 16;
	t->used = 0;
	t->slots = raw_mmap(t->room * sizeof(*t->slots), MAP_PRIVATE | MAP_ANONYMOUS, -1);
	for (size_t i = 0; i < old.room; i++) {
		if (old.slots[i].key > 1) {
			*table_find(t, old.slots[i].key, 1) = old.slots[i];
			t->used++;
		}
	}
	if (old.slots)
		syscall(SYS_munmap, old.slots, old.room * sizeof(*old.slots));
}

static void table_put(struct table *t, uint64_t key, uint64_t value)
{
	if (t->used * 2 >= t->room)
		table_grow(t);
	struct slot *const s = table_find(t, key, 1);

	t->used += s->key == 0;
	*s = (struct slot){ key, value };
}

static int table_take(struct table *t, uint64_t key, uint64_t *ret)
{
	struct slot *const s = t->room ? table_find(t, key, 0) : NULL;

	if (!s)
		return 0;
	*ret = s->value;
	s->key = 1;
	return 1;
}

static void open_counts(void)
{
	const char *const dir = getenv("COUNTER_DIR");
	char path[512];
	int fd = -1;

	if (!dir)
		return;
	for (int n = 0; n < 1000 && fd < 0; n++) {
		snprintf(path, sizeof(path), "%s/%d.%d", dir, getpid(), n);
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	if (fd < 0 || ftruncate(fd, PAGE) < 0)
		return;
	counts = raw_mmap(PAGE, MAP_SHARED, fd);
	close(fd);
	counts->pid = (uint64_t)getpid();
	if (readlink("/proc/self/exe", counts->program, sizeof(counts->program) - 1) < 0)
		counts->program[0] = '?';
}

/* The child of a fork counts for itself, from nothing. */
static void forked(void)
{
	pthread_mutex_init(&lock, NULL);
	blocks = mappings = (struct table){ 0 };
	ranges = (struct ranges){ 0 };
	counts = NULL;
	open_counts();
}

static int enter(void)
{
	static int started;

	pthread_mutex_lock(&lock);
	if (!started && environ) {
		const int saved = errno;

		started = 1;
		open_counts();
		pthread_atfork(NULL, NULL, forked);
		errno = saved;
	}
	return counts != NULL;
}

static void born(uint64_t size)
{
	counts->allocations++;
	counts->bytes += size;
	counts->live_bytes += size;
	counts->live_blocks++;
	if (counts->live_bytes > counts->peak_bytes)
		counts->peak_bytes = counts->live_bytes;
}

static void *allocated(void *p, size_t size)
{
	if (enter() && p) {
		born(size);
		table_put(&blocks, (uintptr_t)p, size);
	}
	pthread_mutex_unlock(&lock);
	return p;
}

/* Before the real free: afterwards another thread may own the address. */
static int released(void *p, uint64_t *ret_size)
{
	int known = 0;

	if (enter() && p) {
		known = table_take(&blocks, (uintptr_t)p, ret_size);
		if (known) {
			counts->frees++;
			counts->live_bytes -= *ret_size;
			counts->live_blocks--;
		} else {
			counts->unmatched++;
		}
	}
	pthread_mutex_unlock(&lock);
	return known;
}

void *malloc(size_t n) { return allocated(BELOW(malloc, n), n); }
void *calloc(size_t n, size_t m) { return allocated(BELOW(calloc, n, m), n * m); }
void *memalign(size_t a, size_t n) { return allocated(BELOW(memalign, a, n), n); }
void *aligned_alloc(size_t a, size_t n) { return allocated(BELOW(memalign, a, n), n); }
void *valloc(size_t n) { return allocated(BELOW(valloc, n), n); }
void *pvalloc(size_t n) { return allocated(BELOW(pvalloc, n), n); }

int posix_memalign(void **ret, size_t a, size_t n)
{
	if (a % sizeof(void *) || (a & (a - 1)) || !a)
		return EINVAL;
	void *const p = allocated(BELOW(memalign, a, n), n);

	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}

void free(void *p)
{
	const int saved = errno;
	uint64_t size;

	if (p)
		released(p, &size);
	look_up();
	below++;
	next.free(p);
	below--;
	errno = saved;
}

/*
 * The old block leaves the table before the call and comes back when it fails;
 * live bytes at the peak never include both, as in one event.
 */
void *realloc(void *p, size_t n)
{
	uint64_t old = 0;
	const int known = p ? released(p, &old) : 0;
	void *const q = BELOW(realloc, p, n);

	if (q)
		return allocated(q, n);
	if (p && n && known) { /* failed: as if never called */
		enter();
		counts->frees--;
		counts->live_bytes += old;
		counts->live_blocks++;
		table_put(&blocks, (uintptr_t)p, old);
		pthread_mutex_unlock(&lock);
	}
	return q;
}

void *reallocarray(void *p, size_t n, size_t m)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, m, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, bytes);
}

/* Where the first range stands that ends behind the address. */
static size_t range_at(uint64_t address)
{
	size_t low = 0, high = ranges.count;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (ranges.all[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static int is_mapped(uint64_t address)
{
	const size_t i = range_at(address);

	return i < ranges.count && ranges.all[i].start <= address;
}

static void range_insert(size_t at, struct range r)
{
	if (ranges.count == ranges.room) {
		struct range *const old = ranges.all;
		const size_t bytes = ranges.room * sizeof(*old);

		ranges.room = ranges.room ? ranges.room * 2 : 256;
		ranges.all = raw_mmap(ranges.room * sizeof(*old), MAP_PRIVATE | MAP_ANONYMOUS, -1);
		if (old) {
			memcpy(ranges.all, old, bytes);
			syscall(SYS_munmap, old, bytes);
		}
	}
	memmove(&ranges.all[at + 1], &ranges.all[at], (ranges.count - at) * sizeof(r));
	ranges.all[at] = r;
	ranges.count++;
}

/* So many bytes of the mapping are gone; with its last one it is freed. */
static void mapping_loses(uint64_t number, uint64_t bytes)
{
	struct slot *const left = table_find(&mappings, number, 0);

	counts->live_bytes -= bytes;
	left->value -= bytes;
	if (left->value == 0) {
		left->key = 1;
		counts->frees++;
		counts->live_blocks--;
	}
}

static void unmap_pages(uint64_t start, size_t bytes)
{
	const uint64_t end = start + bytes;

	for (size_t i = range_at(start); i < ranges.count && ranges.all[i].start < end;) {
		const struct range r = ranges.all[i];
		const uint64_t from = r.start > start ? r.start : start, to = r.end < end ? r.end : end;

		memmove(&ranges.all[i], &ranges.all[i + 1], (--ranges.count - i) * sizeof(r));
		if (r.start < from)
			range_insert(i++, (struct range){ r.start, from, r.mapping });
		if (to < r.end)
			range_insert(i, (struct range){ to, r.end, r.mapping });
		mapping_loses(r.mapping, to - from);
		if (to < r.end)
			break;
	}
}

/* Live are whole pages, since pages are what is unmapped. */
static void map_pages(uint64_t start, size_t bytes, size_t exactly)
{
	const uint64_t number = mapping_number++;

	unmap_pages(start, bytes); /* what was unmapped behind our back */
	born(bytes);
	counts->bytes -= bytes - exactly;
	counts->mmaps++;
	counts->mmap_bytes += exactly;
	table_put(&mappings, number, bytes);
	range_insert(range_at(start), (struct range){ start, start + bytes, number });
}

static size_t whole_pages(size_t n) { return (n + PAGE - 1) & ~(size_t)(PAGE - 1); }

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
	void *const p = (void *)syscall(SYS_mmap, at, n, prot, flags, fd, offset);

	if (enter() && p != MAP_FAILED && !below) {
		if (flags & MAP_FIXED)
			unmap_pages((uintptr_t)p, whole_pages(n));
		if (flags & MAP_ANONYMOUS)
			map_pages((uintptr_t)p, whole_pages(n), n);
	}
	pthread_mutex_unlock(&lock);
	return p;
}

void *mmap64(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
	return mmap(at, n, prot, flags, fd, offset);
}

int munmap(void *p, size_t n)
{
	if (enter() && !below)
		unmap_pages((uintptr_t)p, whole_pages(n));
	pthread_mutex_unlock(&lock);
	return (int)syscall(SYS_munmap, p, n);
}

void *mremap(void *p, size_t old, size_t n, int flags, ...)
{
	va_list rest;

	va_start(rest, flags);
	void *const at = flags & MREMAP_FIXED ? va_arg(rest, void *) : NULL;
	va_end(rest);
	void *const q = (void *)syscall(SYS_mremap, p, old, n, flags, at);

	if (enter() && q != MAP_FAILED && !below) {
		const int ours = is_mapped((uintptr_t)p);

		unmap_pages((uintptr_t)p, whole_pages(old));
		if (ours)
			map_pages((uintptr_t)q, whole_pages(n), n);
	}
	pthread_mutex_unlock(&lock);
	return q;
}
