#include "symbol.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

#define BLOOM_BITS (8 * sizeof(ElfW(Addr)))

struct tables {
	const uint32_t *hash; /* DT_GNU_HASH */
	const ElfW(Sym) *symbols;
	const char *strings;
};

/* The loader has relocated these pointers in place. */
static bool find_tables(const struct link_map *l, struct tables *t)
{
	*t = (struct tables){ NULL, NULL, NULL };
	for (const ElfW(Dyn) *d = l->l_ld; d && d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_GNU_HASH)
			t->hash = (const void *)d->d_un.d_ptr;
		else if (d->d_tag == DT_SYMTAB)
			t->symbols = (const void *)d->d_un.d_ptr;
		else if (d->d_tag == DT_STRTAB)
			t->strings = (const void *)d->d_un.d_ptr;
	}
	/* the vdso's are not: they are below its address */
	return t->hash && t->symbols && t->strings && (uintptr_t)t->hash >= l->l_addr;
}

static uint32_t hash_of(const char *name)
{
	uint32_t h = 5381;

	while (*name)
		h = h * 33 + (uint8_t)*name++;
	return h;
}

static bool matches(const struct tables *t, uint32_t i, const char *name)
{
	const ElfW(Sym) *const s = &t->symbols[i];

	return s->st_shndx != SHN_UNDEF && s->st_value && ELF64_ST_TYPE(s->st_info) == STT_FUNC &&
	       strcmp(t->strings + s->st_name, name) == 0;
}

void *symbol_in(const void *link_map, const char *name)
{
	const struct link_map *const l = link_map;
	struct tables t;

	if (!l || !find_tables(l, &t))
		return NULL;

	const uint32_t buckets = t.hash[0], first = t.hash[1], words = t.hash[2], shift = t.hash[3];
	const ElfW(Addr) *const bloom = (const void *)(t.hash + 4);
	const uint32_t *const bucket = (const void *)(bloom + words);
	const uint32_t *const chain = bucket + buckets;
	const uint32_t h = hash_of(name);

	if (!buckets || !words)
		return NULL;

	const ElfW(Addr) word = bloom[h / BLOOM_BITS % words];

	if (!(word >> h % BLOOM_BITS & word >> (h >> shift) % BLOOM_BITS & 1))
		return NULL;
	for (uint32_t i = bucket[h % buckets]; i >= first && i; i++) {
		if ((chain[i - first] | 1) == (h | 1) && matches(&t, i, name))
			return (void *)(l->l_addr + t.symbols[i].st_value);
		if (chain[i - first] & 1)
			break;
	}
	return NULL;
}
