/* debug_frame - see debug_frame.h. */
#include "debug_frame.h"

#include <string.h>

#include "chunk.h"
#include "frame_entries.h"
#include "frame_file.h"
#include "headers.h"
#include "raw.h"

#define MODULES 64u
#define WAIT_SPINS 1000000

/*
 * A module without such a section, or whose file may not be read, has no bytes. Entries stay when their module goes,
 * because a walk may be reading them. So their number bounds how many a process can have in its life.
 */
struct section {
	_Atomic uintptr_t start; /* of the module; 0: free, 1: being read, 2: gone */
	uintptr_t end;
	const void *link_map;
	struct frame_section frames;
};

static struct section *_Atomic table; /* mapped with the first of them */
static _Atomic bool refused; /* the table, by the kernel or by the sandbox that may be closed */
static _Atomic bool stuck; /* the reader was interrupted or forked: nothing waits for it any more */

/* ---- the file ---- */

/* The mapped module has a build-id, and the file has the same one at the place that the headers name. */
static bool is_mapped_file(int fd, const struct headers *h)
{
	uint32_t size;
	const uint8_t *const id = headers_build_id(h, &size);
	uint8_t there[64];

	for (unsigned i = 0; id && i < h->count; i++) {
		const ElfW(Phdr) *const p = &h->first[i];
		const uintptr_t distance = (uintptr_t)id - h->bias - p->p_vaddr;

		if (p->p_type == PT_LOAD && distance < p->p_filesz)
			return size <= sizeof(there) && frame_file_read_at(&(struct frame_file){ .fd = fd }, there, size, p->p_offset + distance) &&
			       memcmp(there, id, size) == 0;
	}
	return false;
}

static void read_module(const struct thread *t, const struct cfi_module *m, struct section *s)
{
	const struct link_map *const l = m->link_map;
	const struct headers h = headers_of(m);
	const bool program = l && (!l->l_name || !l->l_name[0]); /* the file behind the kernel's link is the mapped one */
	const char *const path = program ? "/proc/self/exe" : l ? l->l_name :
								  "";
	int fd;

	s->frames.bytes = NULL;
	if (!h.count || path[0] != '/' || !chunk_may_call(t) || (fd = raw_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
		return;
	if (program || is_mapped_file(fd, &h))
		(void)frame_file_read(&(struct frame_file){ .fd = fd }, &s->frames.bytes, &s->frames.size);
	raw_close(fd);
}

/* ---- the table ---- */

/* The thread that reads it will be done in a moment. */
static uintptr_t wait_for(const struct section *s)
{
	uintptr_t start = atomic_load_explicit(&s->start, memory_order_acquire);

	for (int i = 0; start == 1 && !stuck && i < WAIT_SPINS; i++) {
		arch_pause();
		start = atomic_load_explicit(&s->start, memory_order_acquire);
	}
	if (start == 1)
		atomic_store(&stuck, true);
	return start;
}

static struct section *get_table(const struct thread *t)
{
	struct section *s = atomic_load_explicit(&table, memory_order_acquire), *expected = NULL;

	if (s || !t || atomic_load(&refused))
		return s;
	s = chunk_may_call(t) ? raw_map_private(MODULES * sizeof(*s)) : NULL;
	if (!s)
		atomic_store(&refused, true);
	if (!s || atomic_compare_exchange_strong(&table, &expected, s))
		return s;
	raw_release(s, MODULES * sizeof(*s));
	return expected;
}

void debug_frame_forget(uintptr_t start)
{
	struct section *const sections = atomic_load(&table);

	for (unsigned i = 0; sections && i < MODULES; i++) {
		uintptr_t its = start;

		atomic_compare_exchange_strong(&sections[i].start, &its, 2);
	}
}

/* NULL: there are too many modules. */
static const struct section *section_of(struct thread *t, const struct cfi_module *m)
{
	struct section *const sections = get_table(t);

	for (unsigned i = 0; sections && i < MODULES; i++) {
		struct section *const s = &sections[i];
		uintptr_t start = wait_for(s);

		if (start == m->start && s->end == m->end && s->link_map == m->link_map)
			return s;
		if (start || !t || !atomic_compare_exchange_strong(&s->start, &start, 1))
			continue;
		s->end = m->end;
		s->link_map = m->link_map;
		read_module(t, m, s);
		atomic_store_explicit(&s->start, m->start, memory_order_release);
		return s;
	}
	return NULL;
}

bool debug_frame_at(struct thread *t, const struct cfi_module *m, uintptr_t pc, struct cfi_fde *ret)
{
	const struct section *const s = section_of(t, m);

	return s && s->frames.bytes && frame_entries_find(&s->frames, headers_of(m).bias, pc, ret);
}
