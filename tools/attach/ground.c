/* ground - see ground.h. */
#include "tools/attach/ground.h"

#include <string.h>

static void add(struct ground *g, uint64_t start, uint64_t end, const char *what)
{
	if (g->count == GROUND_RANGES || start >= end)
		return;
	g->ranges[g->count].start = start;
	g->ranges[g->count].end = end;
	g->ranges[g->count++].what = what;
}

static bool is_in(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (**names == *name && strcmp(*names, name) == 0)
			return true;
	return false;
}

/* All that the C library exports of its allocator. */
static const char *const allocators[] = { "malloc", "free", "calloc", "realloc", "memalign", "aligned_alloc", "posix_memalign", "valloc", "pvalloc", "malloc_usable_size", "mallopt", "mallinfo", "mallinfo2", "malloc_info", "malloc_stats", "malloc_trim", "__libc_malloc", "__libc_free", "__libc_calloc", "__libc_realloc", "__libc_memalign", "__libc_valloc", "__libc_pvalloc", "__libc_mallinfo", "__libc_mallopt", "__default_morecore", "__morecore", NULL };

/* What takes the locks of all the others, or begins or ends a process or a thread. */
static const char *const crossings[] = { "fork", "_Fork", "__fork", "vfork", "__vfork", "clone", "__clone", "posix_spawn", "posix_spawnp", "exit", "_exit", "_Exit", "quick_exit", "abort", "pthread_create", "pthread_exit", "__libc_fork", "daemon", "forkpty", "on_exit", "__register_atfork", NULL };

/* What is to be done at the end is kept with a lock; the library adds to it (on_exit). Neighbours in every C library. */
static const char *const endings[] = { "__cxa_at_quick_exit", "__cxa_atexit", "__cxa_finalize", NULL };

static const char *const loading[] = { "dlopen", "dlclose", "dlsym", "dlvsym", "dlmopen", "dladdr", "dladdr1", "dlinfo", "dl_iterate_phdr", NULL };

struct span {
	uint64_t start, end;
};

static bool span_of(const struct image *m, const Elf64_Sym *s, struct span *ret)
{
	if (s->st_shndx == SHN_UNDEF || !s->st_value || (ELF64_ST_TYPE(s->st_info) != STT_FUNC && ELF64_ST_TYPE(s->st_info) != STT_GNU_IFUNC))
		return false;
	*ret = (struct span){ m->bias + s->st_value, m->bias + s->st_value + s->st_size };
	return true;
}

/*
 * Functions that are not exported stand between those that are: the allocator, as an example, reaches from the nearest exported function
 * before it that is none of its own to the nearest one behind it.
 */
static void add_with_inner(struct ground *g, const struct image *libc, const char *const *names, const char *what)
{
	struct span own = { UINT64_MAX, 0 }, all = { libc->start, libc->end }, s;

	for (size_t i = 0; i < libc->symbol_count; i++)
		if (span_of(libc, &libc->symbols[i], &s) && is_in(image_name_of(libc, &libc->symbols[i]), names)) {
			own.start = s.start < own.start ? s.start : own.start;
			own.end = s.end > own.end ? s.end : own.end;
		}
	for (size_t i = 0; i < libc->symbol_count; i++) {
		if (!span_of(libc, &libc->symbols[i], &s) || is_in(image_name_of(libc, &libc->symbols[i]), names))
			continue;
		if (s.end <= own.start && s.end > all.start)
			all.start = s.end;
		if (s.start >= own.end && s.start < all.end)
			all.end = s.start;
	}
	add(g, all.start, all.end, what);
}

void ground_survey(struct ground *g, const struct images *all, const struct target *t, const struct image *loader, const struct image *libc)
{
	struct span s;

	g->count = 0;
	add(g, loader->start, loader->end, "the loader");
	add_with_inner(g, libc, allocators, "an allocator");
	add_with_inner(g, libc, endings, "the beginning or end of a process or thread");
	for (size_t i = 0; i < libc->symbol_count; i++) {
		const char *const name = image_name_of(libc, &libc->symbols[i]);

		if (!span_of(libc, &libc->symbols[i], &s))
			continue;
		if (is_in(name, crossings))
			add(g, s.start, s.end, "the beginning or end of a process or thread");
		else if (is_in(name, loading))
			add(g, s.start, s.end, "the loader");
	}
	for (size_t i = 0; i < all->count; i++) {
		struct image *const m = &all->list[i];

		if (m != loader && m != libc && image_defines(m, t, "malloc"))
			add(g, m->start, m->end, "an allocator");
	}
}

const char *ground_forbids(const struct ground *g, uint64_t pc)
{
	for (unsigned i = 0; i < g->count; i++)
		if (pc >= g->ranges[i].start && pc < g->ranges[i].end)
			return g->ranges[i].what;
	return NULL;
}
