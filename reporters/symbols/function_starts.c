/*
 * function_starts - see function_starts.h.
 *
 * The table at the end of the unwind information consists of pairs: where a function begins, and where its entry is.
 * The entry says how long the function is, in one of two ways that compilers write; the entry's own value for the
 * beginning shows which one it is.
 */
#include "symbols/function_starts.h"

#include <dwarf.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#define PAIR_BYTES 8u

struct table {
	const uint8_t *bytes;
	size_t size;
	uint64_t address; /* of bytes[0] in the module */
};

static bool find_table(Elf *elf, struct table *t)
{
	size_t count;
	GElf_Phdr h;

	if (elf_getphdrnum(elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(elf, (int)i, &h) || h.p_type != PT_GNU_EH_FRAME)
			continue;
		const Elf_Data *const data = elf_getdata_rawchunk(elf, (int64_t)h.p_offset, h.p_filesz, ELF_T_BYTE);

		if (!data || !data->d_buf)
			return false;
		*t = (struct table){ data->d_buf, data->d_size, h.p_vaddr };
		return true;
	}
	return false;
}

/* Bytes of a pointer in this encoding; 0: linkers do not write this encoding. */
static size_t bytes_of(uint8_t encoding)
{
	switch (encoding & 0x0f) {
	case DW_EH_PE_udata4:
	case DW_EH_PE_sdata4:
		return 4;
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		return 8;
	default:
		return 0;
	}
}

static int32_t read_s32(const uint8_t *p)
{
	int32_t v;

	memcpy(&v, p, sizeof(v)); /* in this machine's byte order: files with the other one were refused by their header */
	return v;
}

static int by_start(const void *a, const void *b)
{
	const struct function_start *const x = a, *const y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* As linkers write it. */
static bool is_sorted(const struct function_starts *f)
{
	for (size_t i = 1; i < f->count; i++)
		if (f->starts[i - 1].start > f->starts[i].start)
			return false;
	return true;
}

bool function_starts_init(struct function_starts *f, Elf *elf)
{
	struct table t;

	*f = (struct function_starts){ .elf = elf };
	if (!find_table(elf, &t) || t.size < 4 || t.bytes[0] != 1 || bytes_of(t.bytes[2]) != 4 ||
	    t.bytes[3] != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
		return true;
	const size_t pointer = bytes_of(t.bytes[1]), at = 4 + pointer + 4;

	if (!pointer || t.size < at)
		return true;
	const size_t room = (t.size - at) / PAIR_BYTES, told = (uint32_t)read_s32(t.bytes + at - 4);

	f->count = told < room ? told : room;
	f->starts = malloc(f->count * sizeof(*f->starts) + 1);
	if (!f->starts) {
		f->count = 0;
		return false;
	}
	for (size_t i = 0; i < f->count; i++) {
		const uint8_t *const pair = t.bytes + at + i * PAIR_BYTES;

		f->starts[i].start = t.address + (uint64_t)(int64_t)read_s32(pair);
		f->starts[i].entry = t.address + (uint64_t)(int64_t)read_s32(pair + 4);
	}
	if (!is_sorted(f))
		qsort(f->starts, f->count, sizeof(*f->starts), by_start);
	return true;
}

/* `size` bytes of the module at the address, if the file has them. */
static const uint8_t *bytes_at(Elf *elf, uint64_t address, size_t size)
{
	size_t count, bytes;
	const char *const file = elf_rawfile(elf, &bytes);
	GElf_Phdr h;

	if (!file || elf_getphdrnum(elf, &count) != 0)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(elf, (int)i, &h) || h.p_type != PT_LOAD || address < h.p_vaddr || address - h.p_vaddr >= h.p_filesz)
			continue;
		const uint64_t at = h.p_offset + (address - h.p_vaddr);

		return at < bytes && size <= bytes - at ? (const uint8_t *)file + at : NULL;
	}
	return NULL;
}

/* UINT64_MAX: it is not known. */
static uint64_t end_of(const struct function_starts *f, const struct function_start *s)
{
	/* an entry is its length, its distance to what it has in common with others, the beginning, the size */
	const uint8_t *const entry = bytes_at(f->elf, s->entry, 8 + 2 * 8);
	uint64_t wide[2];

	if (!entry)
		return UINT64_MAX;
	if (s->entry + 8 + (uint64_t)(int64_t)read_s32(entry + 8) == s->start)
		return s->start + (uint32_t)read_s32(entry + 12);
	memcpy(wide, entry + 8, sizeof(wide));
	return wide[0] == s->start || s->entry + 8 + wide[0] == s->start ? s->start + wide[1] : UINT64_MAX;
}

bool function_starts_find(const struct function_starts *f, uint64_t address, uint64_t *ret_start)
{
	size_t low = 0, high = f->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (f->starts[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	const uint64_t start = f->starts[low - 1].start, end = end_of(f, &f->starts[low - 1]);

	*ret_start = address < end || end < start ? start : end;
	return true;
}

void function_starts_finish(struct function_starts *f)
{
	free(f->starts);
	*f = (struct function_starts){ 0 };
}
