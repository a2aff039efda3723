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

static bool is_in(const char *name, const char *names)
{
	for (const char *at = names; *at; at += strlen(at) + 1)
		if (strcmp(at, name) == 0)
			return true;
	return false;
}

/* All that the C library exports of its allocator. */
static const char allocators[] =
	"malloc\0free\0calloc\0realloc\0memalign\0aligned_alloc\0posix_memalign\0valloc\0pvalloc\0malloc_usable_size\0mallopt\0mallinfo\0"
	"mallinfo2\0malloc_info\0malloc_stats\0malloc_trim\0__libc_malloc\0__libc_free\0__libc_calloc\0__libc_realloc\0__libc_memalign\0"
	"__libc_valloc\0__libc_pvalloc\0__libc_mallinfo\0__libc_mallopt\0__default_morecore\0__morecore\0";

/* What takes the locks of all the others, or begins or ends a process or a thread. */
static const char crossings[] =
	"fork\0_Fork\0__fork\0vfork\0__vfork\0clone\0__clone\0posix_spawn\0posix_spawnp\0exit\0_exit\0_Exit\0quick_exit\0abort\0pthread_create\0"
	"pthread_exit\0__libc_fork\0daemon\0forkpty\0";

static const char loading[] = "dlopen\0dlclose\0dlsym\0dlvsym\0dlmopen\0dladdr\0dladdr1\0dlinfo\0dl_iterate_phdr\0";

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
 * Functions that are not exported stand between those that are: the allocator reaches from the nearest exported function
 * before it that is none of its own to the nearest one behind it.
 */
static void add_allocator(struct ground *g, const struct image *libc)
{
	struct span own = { UINT64_MAX, 0 }, all = { libc->start, libc->end }, s;

	for (size_t i = 0; i < libc->symbol_count; i++)
		if (span_of(libc, &libc->symbols[i], &s) && is_in(image_name_of(libc, &libc->symbols[i]), allocators)) {
			own.start = s.start < own.start ? s.start : own.start;
			own.end = s.end > own.end ? s.end : own.end;
		}
	for (size_t i = 0; i < libc->symbol_count; i++) {
		if (!span_of(libc, &libc->symbols[i], &s) || is_in(image_name_of(libc, &libc->symbols[i]), allocators))
			continue;
		if (s.end <= own.start && s.end > all.start)
			all.start = s.end;
		if (s.start >= own.end && s.start < all.end)
			all.end = s.start;
	}
	add(g, all.start, all.end, "an allocator");
}

void ground_survey(struct ground *g, const struct images *all, const struct target *t, const struct image *loader, const struct image *libc)
{
	struct span s;

	g->count = 0;
	add(g, loader->start, loader->end, "the loader");
	add_allocator(g, libc);
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
