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
#define CHAIN_MAX 4096u /* symbols of one bucket; real ones have a few */
#define DYNAMIC_MAX 1024u
#define FROM_HERE_32 0x1bu /* DW_EH_PE_pcrel | DW_EH_PE_sdata4 */
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

/* ---- names ---- */

struct tables {
	uint64_t symbols, strings, string_bytes, gnu_hash, hash, soname;
};

static bool read_tables(const struct image *m, const struct target *t, struct tables *ret)
{
	const size_t count = m->dynamic_bytes / sizeof(Elf64_Dyn);
	Elf64_Dyn all[DYNAMIC_MAX];

	*ret = (struct tables){ .soname = UINT64_MAX };
	if (!m->dynamic || count > DYNAMIC_MAX || !target_read(t, m->dynamic, all, count * sizeof(*all)))
		return false;
	for (size_t i = 0; i < count && all[i].d_tag != DT_NULL; i++) {
		const uint64_t p = all[i].d_un.d_ptr, at = p < m->bias ? p + m->bias : p; /* the loader relocates most in place */

		switch (all[i].d_tag) {
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

/* So much is mapped there, in one piece: a table does not make this process ask for more memory than the program has. */
static bool is_there(const struct target *t, uint64_t at, uint64_t bytes)
{
	const struct area *const a = target_area(t, at);

	return a && bytes <= a->end - at;
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
	uint32_t *const firsts = is_there(t, buckets, 4ull * head[0]) ? malloc(4ull * head[0] + 1) : NULL;

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

/* Once. False: there is no table of names that can be read. */
static bool read_symbols(struct image *m, const struct target *t)
{
	struct tables x;

	if (m->symbols)
		return true;
	const size_t count = read_tables(m, t, &x) ? count_symbols(t, &x) : 0;
	Elf64_Sym *const symbols = count && is_there(t, x.symbols, count * sizeof(*symbols)) && is_there(t, x.strings, x.string_bytes) ? malloc(count * sizeof(*symbols)) : NULL;
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
	return true;
}

struct image *images_find(const struct images *all, const struct target *t, const char *mark, const char *soname)
{
	const size_t n = strlen(soname);
	char there[64];
	struct tables x;

	for (size_t i = 0; i < all->count; i++) {
		struct image *const m = &all->list[i];

		if (!strstr(m->path, mark) || !read_tables(m, t, &x) || x.soname >= x.string_bytes)
			continue;
		target_read_text(t, x.strings + x.soname, there, sizeof(there));
		if (strncmp(there, soname, n) == 0 && strchr(".-", there[n]) && read_symbols(m, t))
			return m;
	}
	return NULL;
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

static bool is_named(const struct target *t, uint64_t at, const char *name)
{
	const size_t n = strlen(name) + 1;
	char there[64] = "";

	return n <= sizeof(there) && target_read(t, at, there, n) && memcmp(there, name, n) == 0;
}

/* As the loader looks it up (https://flapenguin.me/elf-dt-gnu-hash): a few words of the table, however large that is. */
static bool is_hashed(const struct target *t, const struct tables *x, const char *name)
{
	uint32_t head[4], hash = 5381, at, word; /* head: buckets, first symbol, words of the filter, shift */
	uint64_t filter;
	Elf64_Sym s;

	for (const char *c = name; *c; c++)
		hash = hash * 33 + (uint8_t)*c;
	if (!target_read(t, x->gnu_hash, head, sizeof(head)) || !head[0] || !head[2] || head[2] > SYMBOLS_MAX || head[3] > 31 ||
	    !target_read(t, x->gnu_hash + sizeof(head) + 8ull * (hash / 64 % head[2]), &filter, 8) ||
	    !(filter >> hash % 64 & filter >> (hash >> head[3]) % 64 & 1))
		return false;
	const uint64_t buckets = x->gnu_hash + sizeof(head) + 8ull * head[2], chains = buckets + 4ull * head[0];

	if (!target_read(t, buckets + 4ull * (hash % head[0]), &at, 4) || at < head[1])
		return false;
	const uint32_t end = at + CHAIN_MAX;

	do
		if (at > SYMBOLS_MAX || at == end || !target_read(t, chains + 4ull * (at - head[1]), &word, 4))
			return false;
		else if ((word | 1) == (hash | 1) && target_read(t, x->symbols + at * sizeof(s), &s, sizeof(s)) && s.st_shndx != SHN_UNDEF && s.st_value &&
			 s.st_name < x->string_bytes && is_named(t, x->strings + s.st_name, name))
			return true;
	while (at++, !(word & 1));
	return false;
}

bool image_defines(struct image *m, const struct target *t, const char *name)
{
	struct tables x;

	if (m->symbols || !read_tables(m, t, &x) || !x.gnu_hash)
		return read_symbols(m, t) && image_symbol(m, name) != 0;
	return is_hashed(t, &x, name);
}

/* ---- unwind information ---- */

/* Where .eh_frame_hdr says that .eh_frame begins; 0: it says it in another way than all linkers do. */
static uint64_t eh_frame(const struct image *m, const struct target *t)
{
	struct {
		uint8_t version, encoding, more[2];
		int32_t distance;
	} head; /* of .eh_frame_hdr (Linux Standard Base, Core, 10.6.2) */

	if (!target_read(t, m->eh_frame_hdr, &head, sizeof(head)) || head.version != 1 || head.encoding != FROM_HERE_32)
		return 0;
	return m->eh_frame_hdr + 4 + (uint64_t)(int64_t)head.distance;
}

/*
 * Linkers put .eh_frame into the area of .eh_frame_hdr. The copy lies as the module does, with zeros where nothing was
 * copied, so that distances are what they were.
 */
void image_copy(struct image *m, const struct target *t)
{
	const struct area *const a = m->eh_frame_hdr && !m->copied ? target_area(t, m->eh_frame_hdr) : NULL;

	m->copied = true;
	if (!a || a->start < m->start || a->start >= m->end || m->eh_frame_hdr >= m->end)
		return;
	uint8_t *const copy = mmap(NULL, m->end - m->start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	const uint64_t end = a->end < m->end ? a->end : m->end, rows = eh_frame(m, t), first = rows < m->eh_frame_hdr ? rows : m->eh_frame_hdr;
	const uint64_t start = first > a->start ? first : a->start; /* constants that are often larger stand before it */

	if (copy == MAP_FAILED)
		return;
	if (target_read(t, start, copy + (start - m->start), end - start))
		m->copy = copy;
	else
		munmap(copy, m->end - m->start);
}
