/* backtrace - see backtrace.h. */
#include "backtrace.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "cfi.h"
#include "raw.h"

#define SYMBOLS_AT_ONCE 32u
#define SECTIONS_MOST 4096u

/* ---- the walk ---- */

static bool readable(void *data, uintptr_t address)
{
	uintptr_t word;

	(void)data;
	return raw_read_memory(address, &word, sizeof(word)) == sizeof(word);
}

static bool read_word(uintptr_t address, uintptr_t *ret)
{
	return raw_read_memory(address, ret, sizeof(*ret)) == sizeof(*ret);
}

static bool find_cfa(const struct cfi_scratch *s, uintptr_t *ret)
{
	const struct cfi_row *const row = &s->row;

	if (row->cfa.how == CFI_EXPRESSION)
		return cfi_expression((const uint8_t *)(intptr_t)row->cfa.value, s->regs, false, 0, readable, NULL, ret) == 0;
	*ret = s->regs[row->cfa_reg] + (uintptr_t)row->cfa.value;
	return row->cfa.how == CFI_REGISTER;
}

static bool find_register(const struct cfi_scratch *s, unsigned i, uintptr_t cfa, uintptr_t *ret)
{
	const int64_t value = s->row.reg[i].value;
	const uint8_t *const block = (const uint8_t *)(intptr_t)value;
	uintptr_t address = cfa + (uintptr_t)value;

	switch (s->row.reg[i].how) {
	case CFI_SAME: *ret = i == REG_SP ? cfa : s->regs[i]; return true;
	case CFI_IS_CFA: *ret = address; return true;
	case CFI_REGISTER: *ret = value < REG_COUNT ? s->regs[value] : 0; return value < REG_COUNT;
	case CFI_IS_EXPRESSION: return cfi_expression(block, s->regs, true, cfa, readable, NULL, ret) == 0;
	case CFI_EXPRESSION: return cfi_expression(block, s->regs, true, cfa, readable, NULL, &address) == 0 && read_word(address, ret);
	case CFI_AT_CFA: return read_word(address, ret);
	default: *ret = 0; return i != REG_RA;
	}
}

/* One frame up. *exact: a signal interrupted the frame at pc, so no call ends before pc. */
static bool step(struct cfi_scratch *s, bool *exact)
{
	const uintptr_t pc = s->regs[REG_PC], at = *exact ? pc : pc - 1;
	struct cfi_module m;
	struct cfi_fde f;
	uintptr_t cfa;

	if (!cfi_module_at(at, &m) || cfi_fde_at(&m, at, &f) != 0 || f.ra_reg != REG_RA || cfi_row_at(&f, at, s) != 0 ||
	    s->row.reg[REG_RA].how == CFI_UNDEFINED || !find_cfa(s, &cfa))
		return false;
	for (unsigned i = 0; i < REG_COUNT; i++)
		if (!find_register(s, i, cfa, &s->next[i]))
			return false;
	s->next[REG_PC] = arch_code_address(s->next[REG_RA]);
	*exact = f.signal_frame;
	memcpy(s->regs, s->next, sizeof(s->regs));
	return true;
}

uint32_t backtrace_walk(struct cfi_scratch *s, const struct site *at, uintptr_t *pcs, uint32_t most)
{
	uint32_t n = 0;
	bool exact = false;

	pcs[n++] = at->pc;
	if (!s)
		return n;
	memset(s->regs, 0, sizeof(s->regs));
	s->regs[REG_PC] = at->pc;
	s->regs[REG_SP] = at->sp;
	s->regs[REG_BP] = at->bp;
	while (n < most && step(s, &exact) && s->regs[REG_PC] >= 4096)
		pcs[n++] = s->regs[REG_PC] + exact;
	return n;
}

/* ---- names ---- */

static bool read_at(int fd, void *to, size_t bytes, uint64_t offset)
{
	return arch_syscall(SYS_pread64, fd, (long)to, (long)bytes, (long)offset, 0, 0) == (long)bytes;
}

/* Finds the whole symbol table, or else that of exported symbols. */
static bool find_table(int fd, ElfW(Shdr) * ret, ElfW(Shdr) * ret_names)
{
	ElfW(Ehdr) e;
	ElfW(Shdr) s;
	bool found = false;

	if (!read_at(fd, &e, sizeof(e), 0) || e.e_shentsize != sizeof(s) || e.e_shnum > SECTIONS_MOST)
		return false;
	for (unsigned i = 0; i < e.e_shnum; i++) {
		if (!read_at(fd, &s, sizeof(s), e.e_shoff + (uint64_t)i * sizeof(s)))
			return false;
		if (s.sh_type != SHT_SYMTAB && (s.sh_type != SHT_DYNSYM || found))
			continue;
		*ret = s;
		found = read_at(fd, ret_names, sizeof(*ret_names), e.e_shoff + (uint64_t)s.sh_link * sizeof(s));
	}
	return found;
}

static bool covers(const ElfW(Sym) * s, uintptr_t address)
{
	const unsigned type = ELF64_ST_TYPE(s->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && s->st_shndx != SHN_UNDEF && address >= s->st_value &&
	       address - s->st_value < (s->st_size ? s->st_size : 1);
}

static bool find_symbol(int fd, const ElfW(Shdr) * table, uintptr_t address, ElfW(Sym) * ret)
{
	const uint64_t count = table->sh_size / sizeof(*ret);
	ElfW(Sym) some[SYMBOLS_AT_ONCE];

	for (uint64_t i = 0; i < count; i += SYMBOLS_AT_ONCE) {
		const uint64_t n = count - i < SYMBOLS_AT_ONCE ? count - i : SYMBOLS_AT_ONCE;

		if (!read_at(fd, some, n * sizeof(*some), table->sh_offset + i * sizeof(*some)))
			return false;
		for (uint64_t k = 0; k < n; k++) {
			if (!covers(&some[k], address))
				continue;
			*ret = some[k];
			return true;
		}
	}
	return false;
}

static void name_from(int fd, struct backtrace_place *p)
{
	ElfW(Shdr) table = { 0 }, names = { 0 };
	ElfW(Sym) s;
	long n;

	if (!find_table(fd, &table, &names) || !find_symbol(fd, &table, p->offset, &s))
		return;
	n = arch_syscall(SYS_pread64, fd, (long)p->function, (long)sizeof(p->function) - 1, (long)(names.sh_offset + s.st_name), 0, 0);
	p->function[n > 0 ? n : 0] = 0;
	p->in_function = p->offset - s.st_value;
}

/* The executable has no name there. */
static void find_file(const struct link_map *l, char *ret, size_t room)
{
	const size_t n = l->l_name ? strnlen(l->l_name, room - 1) : 0;
	const long own = n ? 0 : raw_readlink("/proc/self/exe", ret, room - 1);

	memcpy(ret, l->l_name, n);
	ret[own > 0 ? (size_t)own : n] = 0;
}

void backtrace_find(uintptr_t pc, struct backtrace_place *ret)
{
	struct cfi_module m;
	int fd;

	memset(ret, 0, sizeof(*ret));
	ret->offset = pc - 1;
	if (!cfi_module_at(pc - 1, &m) || !m.link_map)
		return;
	ret->offset -= ((const struct link_map *)m.link_map)->l_addr;
	find_file(m.link_map, ret->file, sizeof(ret->file));
	fd = raw_open(ret->file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	name_from(fd, ret);
	raw_close(fd);
}
