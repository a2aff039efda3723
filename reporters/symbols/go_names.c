/*
 * go_names - see go_names.h.
 *
 * The table begins with its version, the size of pointers and some numbers. Then, in order of addresses, there is a
 * pair for each function: where it begins, and where in the table its entry is, which says where its name is. Since Go
 * 1.18 the pairs are of 32 bits, with addresses relative to the beginning of the code. Nothing in the table is used
 * before it is checked.
 */
#include "symbols/go_names.h"

#include <gelf.h>
#include <string.h>

#define GO_1_2 0xfffffffbu
#define GO_1_16 0xfffffffau
#define GO_1_18 0xfffffff0u
#define GO_1_20 0xfffffff1u
#define FIXED 8u /* version, two zeros, alignment of code, size of pointers */
#define POINTER 8u
#define FUNCTIONS_MAX (1u << 28)
#define TABLES_MAX 16u /* so many places that look like a table are examined */

static uint64_t number(const struct go_names *g, uint64_t at, unsigned bytes)
{
	uint64_t v = 0;

	if (at <= g->size && bytes <= g->size - at)
		memcpy(&v, g->table + at, bytes); /* in this machine's byte order: with the other one, the version differs */
	return v;
}

static uint64_t word(const struct go_names *g, unsigned index)
{
	return number(g, FIXED + index * POINTER, POINTER);
}

static bool has_narrow_pairs(const struct go_names *g)
{
	return g->version == GO_1_18 || g->version == GO_1_20;
}

static unsigned pair_bytes(const struct go_names *g)
{
	return has_narrow_pairs(g) ? 4 : POINTER;
}

/* A position-independent program has the address in a relocation. */
static uint64_t relocated(Elf *elf, uint64_t place)
{
	GElf_Shdr h;
	GElf_Rela r;

	for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
		Elf_Data *const data = gelf_getshdr(s, &h) && h.sh_type == SHT_RELA && h.sh_entsize ? elf_getdata(s, NULL) : NULL;

		for (size_t i = 0; data && i < h.sh_size / h.sh_entsize && gelf_getrela(data, (int)i, &r); i++)
			if (r.r_offset == place)
				return (uint64_t)r.r_addend;
	}
	return 0;
}

static bool read_header(struct go_names *g)
{
	g->version = (uint32_t)number(g, 0, 4);
	if (g->size < FIXED + 8 * POINTER || number(g, 4, 2) || g->table[7] != POINTER)
		return false;
	g->count = word(g, 0);
	switch (g->version) {
	case GO_1_2:
		g->functions = FIXED + POINTER;
		break;
	case GO_1_16:
		g->names = word(g, 2);
		g->functions = word(g, 6);
		break;
	case GO_1_18:
	case GO_1_20:
		g->text = word(g, 2);
		g->names = word(g, 3);
		g->functions = word(g, 7);
		break;
	default:
		return false;
	}
	return g->count && g->count < FUNCTIONS_MAX && g->functions < g->size &&
	       (2 * g->count + 1) * pair_bytes(g) <= g->size - g->functions;
}

/* Where the function begins; for index `count`: where the last function ends. */
static uint64_t start_of(const struct go_names *g, uint64_t index)
{
	const unsigned n = pair_bytes(g);

	return g->text + number(g, g->functions + index * 2 * n, n);
}

/* Behind the names of other sections of a linker that put them together. */
static bool find_in(struct go_names *g, Elf *elf, Elf_Scn *s, const GElf_Shdr *h, bool anywhere)
{
	const Elf_Data *const data = h->sh_type == SHT_PROGBITS && !(h->sh_flags & SHF_COMPRESSED) ? elf_rawdata(s, NULL) : NULL;

	unsigned tables = 0;

	for (size_t at = 0; data && data->d_buf && at + FIXED <= data->d_size && tables < TABLES_MAX; at += 16) {
		*g = (struct go_names){ .table = (const uint8_t *)data->d_buf + at, .size = data->d_size - at };
		if (read_header(g)) {
			tables++;
			if (has_narrow_pairs(g) && !g->text)
				g->text = relocated(elf, h->sh_addr + at + FIXED + 2 * POINTER);
			if (start_of(g, 0) < start_of(g, g->count))
				return true;
		}
		if (!anywhere)
			break;
	}
	return false;
}

void go_names_init(struct go_names *g, Elf *elf)
{
	size_t names;
	GElf_Shdr h;
	bool go = false;

	*g = (struct go_names){ 0 };
	if (!elf || elf_getshdrstrndx(elf, &names) != 0)
		return;
	for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
		const char *const name = gelf_getshdr(s, &h) ? elf_strptr(elf, names, h.sh_name) : NULL;

		go |= name && !strcmp(name, ".go.buildinfo");
		if (name && (!strcmp(name, ".gopclntab") || !strcmp(name, ".data.rel.ro.gopclntab")) && find_in(g, elf, s, &h, false))
			return;
	}
	for (Elf_Scn *s = NULL; go && (s = elf_nextscn(elf, s));) {
		const char *const name = gelf_getshdr(s, &h) ? elf_strptr(elf, names, h.sh_name) : NULL;

		if (name && !strcmp(name, ".data.rel.ro") && find_in(g, elf, s, &h, true))
			return;
	}
	*g = (struct go_names){ 0 };
}

static const char *name_at(const struct go_names *g, uint64_t index)
{
	const unsigned n = pair_bytes(g);
	const uint64_t base = g->version == GO_1_2 ? 0 : g->functions;
	const uint64_t entry = base + number(g, g->functions + (index * 2 + 1) * n, n);
	const uint64_t at = g->names + number(g, entry + n, 4);
	const char *const name = at < g->size ? (const char *)g->table + at : NULL;

	return entry < g->size && name && *name && memchr(name, 0, g->size - at) ? name : NULL;
}

const char *go_names_find(const struct go_names *g, uint64_t address)
{
	uint64_t low = 0, high = g->table ? g->count : 0;

	if (!high || address < start_of(g, 0) || address >= start_of(g, g->count))
		return NULL;
	while (high - low > 1) {
		const uint64_t middle = low + (high - low) / 2;

		if (start_of(g, middle) <= address)
			low = middle;
		else
			high = middle;
	}
	return name_at(g, low);
}
