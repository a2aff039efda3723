/* elf - see elf.h. Layouts: the System V ABI, 64-bit little-endian. */
#include "elf.h"

#include "format/bytes.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#define NATIVE_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define NATIVE_MACHINE EM_AARCH64
#else
#define NATIVE_MACHINE EM_NONE
#endif

struct image {
	const uint8_t *bytes;
	size_t size;
};

/* bytes[at..at + size), or NULL if they do not lie in the file. */
static const uint8_t *part(const struct image *f, uint64_t at, uint64_t size)
{
	return at <= f->size && size <= f->size - at ? f->bytes + at : NULL;
}

/* A string that ends within the file, or "". */
static const char *text(const struct image *f, uint64_t at)
{
	const char *const s = (const char *)f->bytes + at;

	return at < f->size && memchr(s, 0, f->size - at) ? s : "";
}

struct segment {
	uint64_t offset, address, size;
};

/* The first program header of `type`. */
static bool find_segment(const struct image *f, uint32_t type, struct segment *ret)
{
	const uint64_t table = get_u64(f->bytes + 32);
	const unsigned count = get_u16(f->bytes + 56), bytes = get_u16(f->bytes + 54);

	for (unsigned i = 0; i < count && bytes >= 56; i++) {
		const uint8_t *const h = part(f, table + (uint64_t)i * bytes, 56);

		if (!h)
			return false;
		if (get_u32(h) != type)
			continue;
		*ret = (struct segment){ get_u64(h + 8), get_u64(h + 16), get_u64(h + 32) };
		return true;
	}
	return false;
}

/* File offset of a virtual address; UINT64_MAX: not in the file. */
static uint64_t offset_of(const struct image *f, uint64_t address)
{
	const uint64_t table = get_u64(f->bytes + 32);
	const unsigned count = get_u16(f->bytes + 56), bytes = get_u16(f->bytes + 54);

	for (unsigned i = 0; i < count && bytes >= 56; i++) {
		const uint8_t *const h = part(f, table + (uint64_t)i * bytes, 56);

		if (!h)
			break;
		const uint64_t start = get_u64(h + 16);

		if (get_u32(h) == PT_LOAD && address >= start && address - start < get_u64(h + 32))
			return get_u64(h + 8) + (address - start);
	}
	return UINT64_MAX;
}

static void find_sanitizer(const struct image *f, uint64_t names, uint64_t name,
			   struct elf_facts *ret)
{
	static const char *const libraries[] = { "libasan.so", "libtsan.so", "libhwasan.so",
						 "liblsan.so", "libclang_rt.asan", "libclang_rt.tsan",
						 "libclang_rt.hwasan" };
	const char *const needed = names == UINT64_MAX ? "" : text(f, names + name);

	for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++)
		if (strncmp(needed, libraries[i], strlen(libraries[i])) == 0)
			snprintf(ret->sanitizer, sizeof(ret->sanitizer), "%s", needed);
}

/* A static position-independent program is a shared object, too, but has no name as one. */
static void find_loader(const struct image *f, uint64_t names, uint64_t name, struct elf_facts *ret)
{
	const char *const own = names == UINT64_MAX ? "" : text(f, names + name);

	ret->loader = !strncmp(own, "ld-linux", 8) || !strncmp(own, "ld64.so", 7) || !strncmp(own, "ld.so", 5);
}

static void look_at_dynamic(const struct image *f, struct elf_facts *ret)
{
	struct segment d;
	uint64_t names = UINT64_MAX;

	if (!find_segment(f, PT_DYNAMIC, &d))
		return;
	for (uint64_t pass = 0; pass < 2; pass++) {
		for (uint64_t at = 0; at + 16 <= d.size; at += 16) {
			const uint8_t *const entry = part(f, d.offset + at, 16);

			if (!entry || get_u64(entry) == DT_NULL)
				break;
			if (pass == 0 && get_u64(entry) == DT_STRTAB)
				names = offset_of(f, get_u64(entry + 8));
			if (pass == 1 && get_u64(entry) == DT_NEEDED)
				find_sanitizer(f, names, get_u64(entry + 8), ret);
			if (pass == 1 && get_u64(entry) == DT_SONAME)
				find_loader(f, names, get_u64(entry + 8), ret);
		}
	}
}

/* Go's linker leaves these in every program, stripped or not. */
static bool is_go(const struct image *f)
{
	const uint64_t table = get_u64(f->bytes + 40);
	const unsigned bytes = get_u16(f->bytes + 58), count = get_u16(f->bytes + 60);
	const unsigned index = get_u16(f->bytes + 62);
	const uint8_t *const names =
		bytes >= 64 ? part(f, table + (uint64_t)index * bytes, 64) : NULL;

	for (unsigned i = 0; names && i < count; i++) {
		const uint8_t *const h = part(f, table + (uint64_t)i * bytes, 64);
		const char *const name = h ? text(f, get_u64(names + 24) + get_u32(h)) : "";

		if (!strcmp(name, ".note.go.buildid") || !strcmp(name, ".go.buildinfo"))
			return true;
	}
	return false;
}

void elf_inspect(const uint8_t *bytes, size_t size, struct elf_facts *ret)
{
	const struct image f = { bytes, size };
	struct segment interpreter;

	memset(ret, 0, sizeof(*ret));
	if (size < 64 || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return;
	ret->is_elf = true;
	ret->native = bytes[EI_CLASS] == ELFCLASS64 && bytes[EI_DATA] == ELFDATA2LSB &&
		      get_u16(bytes + 18) == NATIVE_MACHINE;
	if (!ret->native)
		return;
	ret->dynamic = find_segment(&f, PT_INTERP, &interpreter);
	if (ret->dynamic)
		snprintf(ret->interpreter, sizeof(ret->interpreter), "%s",
			 text(&f, interpreter.offset));
	ret->go = is_go(&f);
	look_at_dynamic(&f, ret);
}
