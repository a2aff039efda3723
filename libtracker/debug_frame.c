/* debug_frame - see debug_frame.h. */
#include "debug_frame.h"

#include <elf.h>
#include <string.h>

#include "cfi_bytes.h"
#include "chunk.h"
#include "headers.h"
#include "raw.h"

#define MODULES 64u
#define SECTION_MAX ((size_t)64 << 20)
#define SECTIONS_MAX 4096u
#define NAME_BYTES 14u
#define WAIT_SPINS 1000000

/*
 * One that has no such section, or may not be read, has no bytes. Entries stay when their module goes: who walks may be
 * reading them. So there are not more in the life of a process.
 */
struct section {
	_Atomic uintptr_t start; /* of the module; 0: free, 1: being read, 2: gone */
	uintptr_t end;
	const void *link_map;
	const uint8_t *bytes;
	size_t size;
};

static struct section *_Atomic table; /* mapped with the first of them */
static _Atomic bool refused; /* the table, by the kernel or by the sandbox that may be closed */
static _Atomic bool stuck; /* who read was interrupted or forked: nobody waits any more */

/* ---- the file ---- */

static bool read_at(int fd, void *to, size_t bytes, uint64_t offset)
{
	uint8_t *at = to;

	while (bytes) {
		const long n = arch_syscall(SYS_pread64, fd, (long)at, (long)bytes, (long)offset, 0, 0);

		if (n <= 0)
			return false;
		at += n;
		bytes -= (size_t)n;
		offset += (uint64_t)n;
	}
	return true;
}

/* What is mapped has a build-id, and the file has the same where the headers say that it came from. */
static bool is_mapped_file(int fd, const struct headers *h)
{
	uint32_t size;
	const uint8_t *const id = headers_build_id(h, &size);
	uint8_t there[64];

	for (unsigned i = 0; id && i < h->count; i++) {
		const ElfW(Phdr) *const p = &h->first[i];
		const uintptr_t distance = (uintptr_t)id - h->bias - p->p_vaddr;

		if (p->p_type == PT_LOAD && distance < p->p_filesz)
			return size <= sizeof(there) && read_at(fd, there, size, p->p_offset + distance) &&
			       memcmp(there, id, size) == 0;
	}
	return false;
}

/* Go's does not say where its runtime changes stacks; its frame pointers lead there. */
static bool find_section(int fd, ElfW(Shdr) *ret)
{
	ElfW(Ehdr) e;
	ElfW(Shdr) names, s;
	char name[NAME_BYTES];
	bool found = false;

	if (!read_at(fd, &e, sizeof(e), 0) || e.e_shentsize != sizeof(s) || e.e_shnum > SECTIONS_MAX || !e.e_shnum ||
	    !read_at(fd, &names, sizeof(names), e.e_shoff + (uint64_t)e.e_shstrndx * sizeof(s)))
		return false;
	for (unsigned i = 0; i < e.e_shnum; i++) {
		if (!read_at(fd, &s, sizeof(s), e.e_shoff + (uint64_t)i * sizeof(s)) || s.sh_type != SHT_PROGBITS ||
		    !read_at(fd, name, sizeof(name), names.sh_offset + s.sh_name))
			continue;
		if (memcmp(name, ".gopclntab", sizeof(".gopclntab")) == 0)
			return false;
		if (memcmp(name, ".debug_frame", sizeof(".debug_frame")) != 0)
			continue;
		*ret = s;
		found = !(s.sh_flags & SHF_COMPRESSED) && s.sh_size <= SECTION_MAX;
	}
	return found;
}

static void read_section(int fd, struct section *s)
{
	ElfW(Shdr) header;
	uint8_t *bytes;

	if (!find_section(fd, &header) || !(bytes = raw_map_private(header.sh_size)))
		return;
	if (!read_at(fd, bytes, header.sh_size, header.sh_offset)) {
		raw_release(bytes, header.sh_size);
		return;
	}
	s->bytes = bytes;
	s->size = header.sh_size;
}

static void read_module(const struct thread *t, const struct cfi_module *m, struct section *s)
{
	const struct link_map *const l = m->link_map;
	const struct headers h = headers_of(m);
	const bool program = l && (!l->l_name || !l->l_name[0]); /* what the kernel's link leads to is what is mapped */
	const char *const path = program ? "/proc/self/exe" : l ? l->l_name : "";
	int fd;

	s->bytes = NULL;
	if (!h.count || path[0] != '/' || !chunk_may_call(t) || (fd = raw_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
		return;
	if (program || is_mapped_file(fd, &h))
		read_section(fd, s);
	raw_close(fd);
}

/* ---- the table ---- */

/* Whoever reads it is done in a moment. */
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

/* NULL: there are too many. */
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

/* ---- its entries ---- */

#define CIE_ID 0xffffffffu
#define LENGTH_64 0xffffffffu /* of the other format, which nobody writes for code */

static bool cie_read(const struct section *s, uint64_t offset, struct cfi_fde *f)
{
	struct cursor c = { s->bytes + offset, s->bytes + s->size, offset >= s->size };
	const uint64_t length = c.bad ? 0 : take_bytes(&c, 4);

	if (c.bad || length == LENGTH_64 || length > (uint64_t)(c.end - c.at))
		return false;
	c.end = c.at + length;
	if (take_bytes(&c, 4) != CIE_ID)
		return false;

	const uint8_t version = take(&c);

	if (take(&c) != 0 || (version != 1 && version != 3 && version != 4)) /* no augmentation */
		return false;
	if (version == 4 && (take(&c) != sizeof(uintptr_t) || take(&c) != 0))
		return false;
	f->code_align = take_uleb(&c);
	f->data_align = take_sleb(&c);
	f->ra_reg = (uint8_t)(version == 1 ? take(&c) : take_uleb(&c));
	f->initial = c.at;
	f->initial_end = c.end;
	return !c.bad && f->ra_reg < REG_COUNT;
}

/* One after the other: a pc is looked for once. */
bool debug_frame_at(struct thread *t, const struct cfi_module *m, uintptr_t pc, struct cfi_fde *ret)
{
	const struct section *const s = section_of(t, m);
	const struct headers h = headers_of(m);
	struct cursor c;

	if (!s || !s->bytes)
		return false;
	for (c = (struct cursor){ s->bytes, s->bytes + s->size, false }; !c.bad && c.end - c.at > 4;) {
		const uint64_t length = take_bytes(&c, 4);
		struct cursor e = { c.at, c.at + length, false };

		if (length == LENGTH_64 || length > (uint64_t)(c.end - c.at))
			return false;
		c.at += length;

		const uint64_t id = take_bytes(&e, 4);
		const uintptr_t start = h.bias + take_bytes(&e, 8);
		const uintptr_t range = take_bytes(&e, 8);
		struct cfi_fde f = { .start = start, .instructions = e.at, .end = e.end };

		if (e.bad || id == CIE_ID || pc < start || pc - start >= range)
			continue;
		if (!cie_read(s, id, &f))
			return false;
		*ret = f;
		return true;
	}
	return false;
}
