/* images - see images.h. */
#include "tools/attach/images.h"

#include "format/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HEADERS_MAX 64u
#define SYMBOLS_MAX (4u << 20)
#define STRINGS_MAX (256u << 20)
#define SPAN_MAX (1ull << 34)

/* ---- finding them ---- */

static bool read_headers(const struct target *t, uint64_t at, Elf64_Phdr headers[HEADERS_MAX], unsigned *ret)
{
	Elf64_Ehdr e;

	if (!target_read(t, at, &e, sizeof(e)) || memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_ident[EI_CLASS] != ELFCLASS64 ||
	    (e.e_type != ET_DYN && e.e_type != ET_EXEC) || e.e_phentsize != sizeof(*headers) || e.e_phnum > HEADERS_MAX)
		return false;
	*ret = e.e_phnum;
	return target_read(t, at + e.e_phoff, headers, e.e_phnum * sizeof(*headers));
}

static bool measure(struct image *m, const struct target *t, uint64_t at)
{
	Elf64_Phdr headers[HEADERS_MAX];
	uint64_t low = UINT64_MAX, high = 0;
	unsigned count;

	if (!read_headers(t, at, headers, &count))
		return false;
	for (unsigned i = 0; i < count; i++)
		if (headers[i].p_type == PT_LOAD) {
			const uint64_t end = headers[i].p_vaddr + headers[i].p_memsz;

			low = headers[i].p_vaddr < low ? headers[i].p_vaddr : low;
			high = end > high ? end : high;
		}
	if (low >= high || high - low > SPAN_MAX)
		return false;
	m->bias = at - (low & ~4095ull);
	m->start = at;
	m->end = m->bias + high;
	for (unsigned i = 0; i < count; i++) {
		if (headers[i].p_type == PT_GNU_EH_FRAME)
			m->eh_frame_hdr = m->bias + headers[i].p_vaddr;
		if (headers[i].p_type == PT_DYNAMIC) {
			m->dynamic = m->bias + headers[i].p_vaddr;
			m->dynamic_bytes = headers[i].p_memsz;
		}
	}
	return true;
}

/* A module begins where the beginning of a file is mapped; the kernel's has no file. */
static bool may_begin(const struct area *a, const struct area *before)
{
	if (!a->readable || a->offset || !*a->path)
		return false;
	if (*a->path == '[')
		return strcmp(a->path, "[vdso]") == 0;
	return !before || before->end != a->start || strcmp(before->path, a->path) != 0 || before->offset;
}

int images_read(struct images *all, const struct target *t)
{
	for (size_t i = 0; i < t->area_count; i++) {
		struct image m = { .path = t->areas[i].path };

		if (!may_begin(&t->areas[i], i ? &t->areas[i - 1] : NULL) || !measure(&m, t, t->areas[i].start))
			continue;
		if (!ARRAY_ROOM(all->list, all->room, all->count + 1, 32))
			return ENOMEM;
		all->list[all->count++] = m;
	}
	return 0;
}

void images_finish(struct images *all)
{
	for (size_t i = 0; i < all->count; i++) {
		if (all->list[i].copy)
			munmap(all->list[i].copy, all->list[i].end - all->list[i].start);
		free(all->list[i].symbols);
		free(all->list[i].strings);
	}
	free(all->list);
	*all = (struct images){ 0 };
}

struct image *images_at(const struct images *all, uint64_t pc)
{
	for (size_t i = 0; i < all->count; i++)
		if (pc >= all->list[i].start && pc < all->list[i].end)
			return &all->list[i];
	return NULL;
}

struct image *images_find(const struct images *all, const struct target *t, const char *mark, const char *soname)
{
	const size_t n = strlen(soname);

	for (size_t i = 0; i < all->count; i++) {
		struct image *const m = &all->list[i];

		if (strstr(m->path, mark) && image_read_symbols(m, t) && strncmp(m->soname, soname, n) == 0 && strchr(".-", m->soname[n]))
			return m;
	}
	return NULL;
}

/* ---- names ---- */

struct tables {
	uint64_t symbols, strings, string_bytes, gnu_hash, hash, soname;
};

static bool read_tables(const struct image *m, const struct target *t, struct tables *ret)
{
	const size_t count = m->dynamic_bytes / sizeof(Elf64_Dyn);

	*ret = (struct tables){ .soname = UINT64_MAX };
	if (!m->dynamic || count > 4096)
		return false;
	for (size_t i = 0; i < count; i++) {
		Elf64_Dyn d;

		if (!target_read(t, m->dynamic + i * sizeof(d), &d, sizeof(d)) || d.d_tag == DT_NULL)
			break;
		const uint64_t p = d.d_un.d_ptr, at = p < m->bias ? p + m->bias : p; /* the loader relocates most in place */

		switch (d.d_tag) {
		case DT_SYMTAB: ret->symbols = at; break;
		case DT_STRTAB: ret->strings = at; break;
		case DT_STRSZ: ret->string_bytes = p; break;
		case DT_GNU_HASH: ret->gnu_hash = at; break;
		case DT_HASH: ret->hash = at; break;
		case DT_SONAME: ret->soname = p; break;
		default: break;
		}
	}
	return ret->symbols && ret->strings && ret->string_bytes && ret->string_bytes <= STRINGS_MAX;
}

/* How many symbols there are: only the end of the longest chain tells. 0: it cannot be known. */
static size_t count_symbols(const struct target *t, const struct tables *x)
{
	uint32_t head[4], last = 0, word;

	if (!x->gnu_hash)
		return x->hash && target_read(t, x->hash, head, 8) && head[1] <= SYMBOLS_MAX ? head[1] : 0;
	if (!target_read(t, x->gnu_hash, head, sizeof(head)) || head[0] > SYMBOLS_MAX || head[2] > SYMBOLS_MAX)
		return 0;
	const uint64_t buckets = x->gnu_hash + sizeof(head) + 8ull * head[2], chains = buckets + 4ull * head[0];
	uint32_t *const firsts = malloc(4ull * head[0] + 1);

	if (!firsts || !target_read(t, buckets, firsts, 4ull * head[0]))
		head[0] = 0;
	for (uint32_t i = 0; i < head[0]; i++)
		last = firsts[i] > last ? firsts[i] : last;
	free(firsts);
	if (last < head[1])
		return head[1];
	do
		if (last > SYMBOLS_MAX || !target_read(t, chains + 4ull * (last - head[1]), &word, 4))
			return 0;
	while (last++, !(word & 1));
	return last;
}

bool image_read_symbols(struct image *m, const struct target *t)
{
	struct tables x;

	if (m->symbols)
		return true;
	const size_t count = read_tables(m, t, &x) ? count_symbols(t, &x) : 0;
	Elf64_Sym *const symbols = count ? malloc(count * sizeof(*symbols)) : NULL;
	char *const strings = symbols ? malloc(x.string_bytes + 1) : NULL;

	if (!strings || !target_read(t, x.symbols, symbols, count * sizeof(*symbols)) || !target_read(t, x.strings, strings, x.string_bytes)) {
		free(symbols);
		free(strings);
		return false;
	}
	strings[x.string_bytes] = 0;
	m->symbols = symbols;
	m->symbol_count = count;
	m->strings = strings;
	m->string_bytes = x.string_bytes;
	if (x.soname < x.string_bytes)
		memcpy(m->soname, strings + x.soname, strnlen(strings + x.soname, sizeof(m->soname) - 1));
	return true;
}

uint64_t image_symbol(const struct image *m, const char *name)
{
	for (size_t i = 0; i < m->symbol_count; i++) {
		const Elf64_Sym *const s = &m->symbols[i];

		if (s->st_shndx != SHN_UNDEF && s->st_value && strcmp(image_name_of(m, s), name) == 0)
			return m->bias + s->st_value;
	}
	return 0;
}

/* ---- unwind information ---- */

/*
 * Linkers put .eh_frame into the area of .eh_frame_hdr. The copy lies as the module does, with zeros where nothing was
 * copied, so that distances are what they were.
 */
void image_copy(struct image *m, const struct target *t)
{
	const struct area *const a = m->eh_frame_hdr ? target_area(t, m->eh_frame_hdr) : NULL;

	if (m->copy || !a || a->start < m->start || a->start >= m->end || m->eh_frame_hdr >= m->end)
		return;
	uint8_t *const copy = mmap(NULL, m->end - m->start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	const uint64_t end = a->end < m->end ? a->end : m->end;

	if (copy == MAP_FAILED)
		return;
	if (target_read(t, a->start, copy + (a->start - m->start), end - a->start))
		m->copy = copy;
	else
		munmap(copy, m->end - m->start);
}
