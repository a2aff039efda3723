/*
 * symtab - a sorted table of functions; see symtab.h.
 *
 * Symbols without a size (assembler) reach to the next symbol or the end of
 * their section. Of several names for one start the most public one is kept.
 */
#include "symbols/symtab.h"

#include <stdlib.h>
#include <string.h>

#include "format/trk.h"
#include "symbols/by_address.h"

struct symbol {
	uint64_t start, end; /* end == start: the size is unknown, and section_end bounds it */
	uint64_t section_end;
	const char *name;
	bool local;
};

struct sections {
	Elf *elf;
	GElf_Shdr *headers;
	size_t count;
};

/* Section headers are asked for once per symbol, nearly always of the same file. */
static const GElf_Shdr *section_of(struct sections *s, Elf *elf, GElf_Word index)
{
	if (elf != s->elf) {
		size_t count;

		free(s->headers);
		*s = (struct sections){ .elf = elf };
		if (elf_getshdrnum(elf, &count) == 0)
			s->headers = calloc(count, sizeof(*s->headers));
		for (size_t i = 0; s->headers && i < count; i++) {
			if (!gelf_getshdr(elf_getscn(elf, i), &s->headers[i]))
				s->headers[i] = (GElf_Shdr){ 0 };
		}
		s->count = s->headers ? count : 0;
	}
	return index < s->count ? &s->headers[index] : NULL;
}

/* Names are read last, so that pages with names of data are not read. */
static bool is_function(const GElf_Sym *symbol, const char *name, const GElf_Shdr *section)
{
	if (!name || !symbol->st_name || !section || !(section->sh_flags & SHF_EXECINSTR))
		return false;
	switch (GELF_ST_TYPE(symbol->st_info)) {
	case STT_FUNC:
	case STT_GNU_IFUNC:
		return true;
	case STT_NOTYPE: /* assembler; names like ".L4" and "$x" are labels, no functions */
		return *name && *name != '.' && *name != '$';
	default:
		return false;
	}
}

static size_t leading_underscores(const char *s)
{
	return strspn(s, "_");
}

/* Of two with one start. */
static bool is_better(const struct symbol *x, const struct symbol *y)
{
	size_t p, q;

	if ((x->end == x->start) != (y->end == y->start))
		return x->end != x->start;
	if (x->local != y->local)
		return !x->local;
	p = leading_underscores(x->name), q = leading_underscores(y->name);
	if (p != q)
		return p < q;
	p = strlen(x->name), q = strlen(y->name);
	if (p != q)
		return p < q;
	return strcmp(x->name, y->name) < 0;
}

static size_t read_symbols(Dwfl_Module *module, int total, struct symbol *out, bool *ret_full)
{
	Elf *const main_elf = dwfl_module_getelf(module, &(GElf_Addr){ 0 });
	struct sections sections = { 0 };
	size_t n = 0;

	for (int i = 1; i < total; i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		GElf_Word index;
		Elf *elf = NULL;
		const char *const name = dwfl_module_getsym_info(module, i, &symbol, &address, &index,
								 &elf, NULL);
		const GElf_Shdr *const section = elf ? section_of(&sections, elf, index) : NULL;

		if (!is_function(&symbol, name, section))
			continue;
		*ret_full |= elf != main_elf;
		out[n++] = (struct symbol){
			.start = address,
			.end = symbol.st_size <= UINT64_MAX - address ? address + symbol.st_size : address,
			/* The bias of the file the section is in, from the symbol itself. */
			.section_end = section->sh_addr + section->sh_size + (address - symbol.st_value),
			.name = name,
			.local = GELF_ST_BIND(symbol.st_info) == STB_LOCAL,
		};
	}
	free(sections.headers);
	return n;
}

static bool has_symtab_section(Dwfl_Module *module)
{
	Elf *const elf = dwfl_module_getelf(module, &(GElf_Addr){ 0 });

	for (Elf_Scn *s = NULL; elf && (s = elf_nextscn(elf, s));) {
		GElf_Shdr header;

		if (gelf_getshdr(s, &header) && header.sh_type == SHT_SYMTAB)
			return true;
	}
	return false;
}

/* symbols[order[0..count)], all of one start. */
static const struct symbol *best_of(const struct symbol *symbols, const struct by_address *order, size_t count)
{
	const struct symbol *best = &symbols[order[0].index];

	for (size_t i = 1; i < count; i++)
		if (is_better(&symbols[order[i].index], best))
			best = &symbols[order[i].index];
	return best;
}

/* One range per start, sizes found where there are none. */
static bool fill(struct symtab *t, const struct symbol *symbols, const struct by_address *order, size_t n)
{
	for (size_t i = 0, next; i < n; i = next) {
		for (next = i + 1; next < n && order[next].address == order[i].address;)
			next++;
		const struct symbol *const s = best_of(symbols, order + i, next - i);
		uint64_t end = s->end;

		if (end == s->start)
			end = next < n && order[next].address < s->section_end ? order[next].address : s->section_end;
		t->names[i] = s->name;
		if (!intervals_add(&t->ranges, s->start, end, (uint32_t)i))
			return false;
	}
	intervals_sort(&t->ranges);
	return true;
}

static bool sort_and_fill(struct symtab *t, const struct symbol *symbols, size_t n)
{
	struct by_address *const order = calloc(n + 1, sizeof(*order));
	bool ok = order != NULL;

	for (size_t i = 0; ok && i < n; i++)
		order[i] = (struct by_address){ symbols[i].start, (uint32_t)i };
	ok = ok && by_address_sort(order, n) && fill(t, symbols, order, n);
	free(order);
	return ok;
}

int symtab_init(struct symtab *t, Dwfl_Module *module)
{
	const int total = dwfl_module_getsymtab(module);
	struct symbol *symbols = NULL;
	size_t n;
	int err = TRK_ERR_NOMEM;

	*t = (struct symtab){ .full = has_symtab_section(module) };
	if (total <= 1)
		return 0;
	symbols = calloc((size_t)total, sizeof(*symbols));
	t->names = calloc((size_t)total, sizeof(*t->names));
	if (!symbols || !t->names)
		goto out;
	n = read_symbols(module, total, symbols, &t->full);
	if (sort_and_fill(t, symbols, n))
		err = 0;
out:
	free(symbols);
	if (err)
		symtab_finish(t);
	return err;
}

void symtab_finish(struct symtab *t)
{
	if (!t)
		return;
	intervals_finish(&t->ranges);
	free(t->names);
	*t = (struct symtab){ 0 };
}

bool symtab_any_name(const struct symtab *t, bool (*is)(void *data, const char *name), void *data)
{
	for (uint32_t i = 0; i < t->ranges.count; i++)
		if (is(data, t->names[t->ranges.items[i].value]))
			return true;
	return false;
}

const char *symtab_lookup(const struct symtab *t, uint64_t address, struct arena *arena)
{
	const uint32_t found = intervals_find(&t->ranges, address);
	const char *name, *version;

	if (found == INTERVAL_NONE)
		return NULL;
	name = t->names[t->ranges.items[found].value];
	if (!*name)
		return NULL;
	version = strchr(name, '@'); /* "memcpy@@GLIBC_2.14" */
	return version && version != name ? arena_string(arena, name, (size_t)(version - name)) : name;
}
