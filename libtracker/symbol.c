#include "symbol.h"

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>

#include "arch.h"
#include "cfi.h"

#define LOOKED_AT (64u << 20) /* bytes of each part of the program's file */

#define BLOOM_BITS (8 * sizeof(ElfW(Addr)))
#define VERSION_HIDDEN 0x8000u /* not the default one */
#define VERSION_FIRST 2u /* below it: none */

/* glibc's list of modules, and the place where musl has it. The first is the program. */
extern struct r_debug _r_debug __attribute__((weak));
extern struct r_debug *_dl_debug_addr __attribute__((weak));
extern ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));

/* A module's dynamic section by tag, as far as it is needed here. */
struct tables {
	const struct link_map *map;
	const uint32_t *gnu_hash, *hash;
	const ElfW(Sym) * symbols;
	const char *strings;
	const ElfW(Half) * versions; /* they stand beside symbols; NULL: there are none */
	const ElfW(Verdef) * definitions;
	const ElfW(Rela) * relocations, *jumps;
	size_t relocations_bytes, jumps_bytes;
};

/* Most loaders relocate these pointers in place. */
static const void *relocated(const struct link_map *l, ElfW(Addr) p)
{
	return (const void *)(p < l->l_addr ? p + l->l_addr : p);
}

static bool find_tables(const struct link_map *l, struct tables *t)
{
	size_t relative = 0;

	*t = (struct tables){ .map = l };
	for (const ElfW(Dyn) *d = l->l_ld; d && d->d_tag != DT_NULL; d++) {
		switch (d->d_tag) {
		case DT_GNU_HASH: t->gnu_hash = relocated(l, d->d_un.d_ptr); break;
		case DT_HASH: t->hash = relocated(l, d->d_un.d_ptr); break;
		case DT_SYMTAB: t->symbols = relocated(l, d->d_un.d_ptr); break;
		case DT_STRTAB: t->strings = relocated(l, d->d_un.d_ptr); break;
		case DT_VERSYM: t->versions = relocated(l, d->d_un.d_ptr); break;
		case DT_VERDEF: t->definitions = relocated(l, d->d_un.d_ptr); break;
		case DT_RELA: t->relocations = relocated(l, d->d_un.d_ptr); break;
		case DT_RELASZ: t->relocations_bytes = d->d_un.d_val; break;
		case DT_RELACOUNT: relative = d->d_un.d_val; break;
		case DT_JMPREL: t->jumps = relocated(l, d->d_un.d_ptr); break;
		case DT_PLTRELSZ: t->jumps_bytes = d->d_un.d_val; break;
		default: break;
		}
	}
	/* those that come first name no symbol, and are most of them, as a rule */
	if (t->relocations && relative <= t->relocations_bytes / sizeof(*t->relocations)) {
		t->relocations += relative;
		t->relocations_bytes -= relative * sizeof(*t->relocations);
	}
	return (t->gnu_hash || t->hash) && t->symbols && t->strings;
}

/* ---- versions ---- */

/* The name of the version of symbol i; NULL: it has none. */
static const char *version_of(const struct tables *t, uint32_t i)
{
	const uint32_t index = t->versions ? t->versions[i] & ~VERSION_HIDDEN : 0;
	const ElfW(Verdef) *d = t->definitions;

	if (index < VERSION_FIRST || !d)
		return NULL;
	while (d->vd_ndx != index && d->vd_next)
		d = (const void *)((const char *)d + d->vd_next);
	if (d->vd_ndx != index)
		return NULL;
	return t->strings + ((const ElfW(Verdaux) *)(const void *)((const char *)d + d->vd_aux))->vda_name;
}

/* Whether that is the default version, no version at all, or the version that is asked for. */
static bool has_version(const struct tables *t, uint32_t i, const char *version)
{
	const char *own;

	if (!t->versions || (t->versions[i] & ~VERSION_HIDDEN) < VERSION_FIRST || !(t->versions[i] & VERSION_HIDDEN))
		return true;
	own = version ? version_of(t, i) : NULL;
	return own && strcmp(own, version) == 0;
}

/* ---- one module ---- */

/* An undefined function of an executable may have a value, too: its own entry of a jump table. */
static bool matches(const struct tables *t, uint32_t i, const char *name, const char *version)
{
	const ElfW(Sym) *const s = &t->symbols[i];

	return s->st_shndx != SHN_UNDEF && (s->st_value || s->st_shndx == SHN_ABS) &&
	       ELF64_ST_TYPE(s->st_info) != STT_TLS && strcmp(t->strings + s->st_name, name) == 0 &&
	       has_version(t, i, version);
}

static uint32_t gnu_hash_of(const char *name)
{
	uint32_t h = 5381;

	while (*name)
		h = h * 33 + (uint8_t)*name++;
	return h;
}

/* Number of the symbol; 0: there is none. */
static uint32_t find_by_gnu_hash(const struct tables *t, const char *name, const char *version)
{
	const uint32_t buckets = t->gnu_hash[0], first = t->gnu_hash[1], words = t->gnu_hash[2], shift = t->gnu_hash[3];
	const ElfW(Addr) *const bloom = (const void *)(t->gnu_hash + 4);
	const uint32_t *const bucket = (const void *)(bloom + words);
	const uint32_t *const chain = bucket + buckets;
	const uint32_t h = gnu_hash_of(name);

	if (!buckets || !words)
		return 0;

	const ElfW(Addr) word = bloom[h / BLOOM_BITS % words];

	if (!(word >> h % BLOOM_BITS & word >> (h >> shift) % BLOOM_BITS & 1))
		return 0;
	for (uint32_t i = bucket[h % buckets]; i >= first && i; i++) {
		if ((chain[i - first] | 1) == (h | 1) && matches(t, i, name, version))
			return i;
		if (chain[i - first] & 1)
			break;
	}
	return 0;
}

static uint32_t hash_of(const char *name)
{
	uint32_t h = 0;

	while (*name) {
		h = (h << 4) + (uint8_t)*name++;
		h = (h ^ (h >> 24 & 0xf0)) & 0x0fffffff;
	}
	return h;
}

static uint32_t find_by_hash(const struct tables *t, const char *name, const char *version)
{
	const uint32_t buckets = t->hash[0];
	const uint32_t *const bucket = t->hash + 2, *const chain = bucket + buckets;

	for (uint32_t i = buckets ? bucket[hash_of(name) % buckets] : 0; i; i = chain[i])
		if (matches(t, i, name, version))
			return i;
	return 0;
}

static uint32_t find(const struct tables *t, const char *name, const char *version)
{
	return t->gnu_hash ? find_by_gnu_hash(t, name, version) : find_by_hash(t, name, version);
}

/* A function that is chosen when it is bound is chosen now: every loaded module has been relocated. */
static void *address_of(const struct tables *t, uint32_t i)
{
	const ElfW(Sym) *const s = &t->symbols[i];
	const uintptr_t at = (s->st_shndx == SHN_ABS ? 0 : t->map->l_addr) + s->st_value;

	return (void *)(ELF64_ST_TYPE(s->st_info) == STT_GNU_IFUNC ? arch_resolve(at) : at);
}

static void *look_in(const struct link_map *l, const char *name, const char *version)
{
	struct tables t;
	uint32_t i;

	if (!find_tables(l, &t))
		return NULL;
	i = find(&t, name, version);
	return i ? address_of(&t, i) : NULL;
}

void *symbol_in(const void *link_map, const char *name)
{
	return link_map ? look_in(link_map, name, NULL) : NULL;
}

void *symbol_sized_in(const void *link_map, const char *name, size_t *ret_bytes)
{
	struct tables t;
	const uint32_t i = find_tables(link_map, &t) ? find(&t, name, NULL) : 0;

	*ret_bytes = i ? t.symbols[i].st_size : 0;
	return i ? address_of(&t, i) : NULL;
}

/* ---- all modules, in the order in which the loader searches them ---- */

static const struct link_map *first_module(void)
{
	if (&_r_debug)
		return _r_debug.r_map;
	return &_dl_debug_addr && _dl_debug_addr ? _dl_debug_addr->r_map : NULL;
}

void *symbol_object(const void *link_map, const char *name)
{
	void *const copy = symbol_in(first_module(), name);

	return copy ? copy : symbol_in(link_map, name);
}

bool symbol_is_loaded(const void *link_map)
{
	const struct link_map *l = first_module();

	while (l && l != link_map)
		l = l->l_next;
	return l;
}

bool symbol_program_names(const char *name)
{
	const struct link_map *const l = first_module();
	const char *strings = NULL;
	size_t bytes = 0;

	for (const ElfW(Dyn) *d = l ? l->l_ld : NULL; d && d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_STRTAB)
			strings = relocated(l, d->d_un.d_ptr);
		else if (d->d_tag == DT_STRSZ)
			bytes = d->d_un.d_val;
	}
	for (size_t at = 0; strings && at < bytes; at += strlen(strings + at) + 1)
		if (strcmp(strings + at, name) == 0)
			return true;
	return false;
}

static bool holds(const char *at, size_t bytes, const char *text)
{
	const size_t n = strlen(text);

	for (size_t i = 0; i + n <= bytes; i++)
		if (at[i] == *text && memcmp(at + i, text, n) == 0)
			return true;
	return false;
}

bool symbol_program_holds(const char *text)
{
	const ElfW(Phdr) *const headers = (const void *)getauxval(AT_PHDR);
	const size_t count = headers ? getauxval(AT_PHNUM) : 0;
	const struct link_map *const l = first_module();

	for (size_t i = 0; i < count && l; i++) {
		const ElfW(Phdr) *const p = &headers[i];
		const size_t bytes = p->p_filesz < LOOKED_AT ? p->p_filesz : LOOKED_AT;

		if (p->p_type == PT_LOAD && (p->p_flags & (PF_R | PF_W)) == PF_R && holds((const char *)l->l_addr + p->p_vaddr, bytes, text))
			return true;
	}
	return false;
}

/* The kernel's module stands in the list, but the loader does not look there. */
static bool is_searched(const struct link_map *l)
{
	const unsigned long vdso = getauxval(AT_SYSINFO_EHDR);

	return !vdso || l->l_addr != vdso;
}

static bool is_us(const struct link_map *l)
{
	return l->l_ld == _DYNAMIC;
}

/* The version of `name` that programs linked with the C library refer to. */
static const char *libc_version_of(const struct link_map *first, const char *name)
{
	struct tables t;
	uint32_t i;

	for (const struct link_map *l = first; l; l = l->l_next) {
		if (!find_tables(l, &t) || !find(&t, "gnu_get_libc_version", NULL))
			continue;
		i = find(&t, name, NULL);
		return i ? version_of(&t, i) : NULL;
	}
	return NULL;
}

static struct symbol first_of(const struct link_map *from, const struct link_map *to, const char *name)
{
	const char *const version = libc_version_of(first_module(), name);

	for (const struct link_map *l = from; l && l != to; l = l->l_next) {
		void *const p = is_searched(l) && !is_us(l) ? look_in(l, name, version) : NULL;

		if (p)
			return (struct symbol){ p, l };
	}
	return (struct symbol){ NULL, NULL };
}

static const struct link_map *us(void)
{
	const struct link_map *l = first_module();

	while (l && !is_us(l))
		l = l->l_next;
	return l;
}

bool symbol_is_late(void)
{
	for (const struct link_map *l = first_module(); l && !is_us(l); l = l->l_next)
		if (is_searched(l) && look_in(l, "gnu_get_libc_version", NULL))
			return true;
	return false;
}

struct symbol symbol_next(const char *name)
{
	const struct link_map *const l = symbol_is_late() ? NULL : us();

	return first_of(l ? l->l_next : first_module(), NULL, name);
}

struct symbol symbol_before(const char *name)
{
	const struct link_map *const l = symbol_is_late() ? NULL : us();

	return l ? first_of(first_module(), l, name) : (struct symbol){ NULL, NULL };
}

/* ---- what a module is bound to ---- */

static const struct link_map *bound(const struct tables *t, const ElfW(Rela) * r, size_t bytes,
				    bool (*wanted)(const struct link_map *m))
{
	struct cfi_module m;

	for (const ElfW(Rela) *const end = r + (r ? bytes / sizeof(*r) : 0); r < end; r++) {
		if (!ELF64_R_SYM(r->r_info) || ELF64_ST_TYPE(t->symbols[ELF64_R_SYM(r->r_info)].st_info) == STT_TLS)
			continue;
		if (cfi_module_at(*(const uintptr_t *)(t->map->l_addr + r->r_offset), &m) && m.link_map &&
		    wanted(m.link_map))
			return m.link_map;
	}
	return NULL;
}

const struct link_map *symbol_bound_to(const struct link_map *module, bool (*wanted)(const struct link_map *m))
{
	const struct link_map *found;
	struct tables t;

	if (!find_tables(module, &t))
		return NULL;
	found = bound(&t, t.relocations, t.relocations_bytes, wanted);
	return found ? found : bound(&t, t.jumps, t.jumps_bytes, wanted);
}

/* ---- places that hold addresses ---- */

static bool is_slot(const ElfW(Rela) * r)
{
	const uint32_t type = ELF64_R_TYPE(r->r_info);

	return ELF64_R_SYM(r->r_info) && (type == ARCH_RELOCATION_JUMP || type == ARCH_RELOCATION_ADDRESS || (type == ARCH_RELOCATION_WORD && !r->r_addend));
}

void symbol_each_slot(const struct link_map *module, symbol_visit visit, void *data)
{
	const struct link_map *const l = us();
	struct tables t, own;

	if (!l || !find_tables(l, &own) || !find_tables(module, &t))
		return;

	const ElfW(Rela) *const lists[] = { t.relocations, t.jumps };
	const size_t bytes[] = { t.relocations_bytes, t.jumps_bytes };

	for (unsigned i = 0; i < 2; i++)
		for (const ElfW(Rela) *r = lists[i], *const end = r + (r ? bytes[i] / sizeof(*r) : 0); r < end; r++) {
			struct symbol_slot slot = { (void *)(module->l_addr + r->r_offset), NULL, 0, ELF64_R_TYPE(r->r_info) == ARCH_RELOCATION_WORD };
			uint32_t n;

			if (!is_slot(r))
				continue;
			slot.name = t.strings + t.symbols[ELF64_R_SYM(r->r_info)].st_name;
			n = find(&own, slot.name, NULL);
			if (n && ELF64_ST_TYPE(own.symbols[n].st_info) == STT_FUNC)
				slot.own = (uintptr_t)address_of(&own, n);
			if (slot.own || strcmp(slot.name, "dlsym") == 0)
				visit(&slot, data);
		}
}

uintptr_t symbol_own(const char *name)
{
	const struct link_map *const l = us();

	return l ? (uintptr_t)look_in(l, name, NULL) : 0;
}
