/* headers - see headers.h. */
#include "headers.h"

#include <elf.h>
#include <string.h>

#include "state.h"

#define BUILD_ID_BYTES_MAX 64u

/* The main program's headers stand where the kernel says; other modules begin with their ELF header. */
struct headers headers_of(const struct cfi_module *m)
{
	const struct link_map *const l = m->link_map;
	const ElfW(Ehdr) *const e = (const void *)m->start;
	const uintptr_t bytes = m->end - m->start;

	if (l && (!l->l_name || !l->l_name[0]))
		return (struct headers){ state.program_headers, state.program_header_count, l->l_addr };
	if (!l || bytes < sizeof(*e) || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 ||
	    e->e_phentsize != sizeof(ElfW(Phdr)) ||
	    e->e_phoff > bytes || e->e_phnum * sizeof(ElfW(Phdr)) > bytes - e->e_phoff)
		return (struct headers){ NULL, 0, 0 };
	return (struct headers){ (const void *)(m->start + e->e_phoff), e->e_phnum, l->l_addr };
}

/* Searches notes for a build-id. */
static const uint8_t *build_id_in(uintptr_t notes, size_t bytes, uint32_t *ret_bytes)
{
	while (bytes >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *const n = (const void *)notes;
		const size_t name = (n->n_namesz + 3u) & ~3u, desc = (n->n_descsz + 3u) & ~3u;
		const size_t whole = sizeof(*n) + name + desc;

		if (n->n_namesz > bytes || n->n_descsz > bytes || whole > bytes)
			break;
		if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4 &&
		    memcmp(n + 1, "GNU", 4) == 0) {
			*ret_bytes = n->n_descsz;
			return (const uint8_t *)(n + 1) + name;
		}
		notes += whole;
		bytes -= whole;
	}
	return NULL;
}

static bool is_loaded(const struct headers *h, const ElfW(Phdr) * what)
{
	for (unsigned i = 0; i < h->count; i++) {
		const ElfW(Phdr) *const p = &h->first[i];

		if (p->p_type == PT_LOAD && what->p_vaddr >= p->p_vaddr &&
		    what->p_vaddr + what->p_memsz <= p->p_vaddr + p->p_filesz)
			return true;
	}
	return false;
}

const uint8_t *headers_build_id(const struct headers *h, uint32_t *ret_bytes)
{
	const uint8_t *id = NULL;

	*ret_bytes = 0;
	for (unsigned i = 0; i < h->count && !id; i++) {
		const ElfW(Phdr) *const p = &h->first[i];

		if (p->p_type == PT_NOTE && is_loaded(h, p))
			id = build_id_in(h->bias + p->p_vaddr, p->p_memsz, ret_bytes);
	}
	if (*ret_bytes <= BUILD_ID_BYTES_MAX)
		return id;
	*ret_bytes = 0;
	return NULL;
}

bool headers_is_code(const struct headers *h, uintptr_t address, size_t bytes)
{
	for (unsigned i = 0; i < h->count; i++) {
		const ElfW(Phdr) *const p = &h->first[i];
		const uintptr_t start = h->bias + p->p_vaddr;

		if (p->p_type == PT_LOAD && (p->p_flags & (PF_X | PF_R)) == (PF_X | PF_R) && address >= start &&
		    address - start <= p->p_filesz && bytes <= p->p_filesz - (address - start))
			return true;
	}
	return false;
}

bool headers_code_is(const struct headers *h, uintptr_t address, const char *bytes, size_t count)
{
	return count && headers_is_code(h, address, count) && memcmp((const void *)address, bytes, count) == 0;
}

bool headers_call_ends(const struct headers *h, uintptr_t pc)
{
	return headers_is_code(h, pc - ARCH_CALL_BYTES, ARCH_CALL_BYTES) && arch_call_ends((const uint8_t *)pc);
}

bool headers_is_signal_return(const struct cfi_module *m, uintptr_t pc)
{
	static const struct {
		const char *bytes;
		size_t count;
	} ways[] = { ARCH_SIGNAL_RETURNS };
	const struct headers h = headers_of(m);

	for (unsigned i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (headers_code_is(&h, pc, ways[i].bytes, ways[i].count))
			return true;
	return false;
}
