/* function_starts - see function_starts.h. */
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

/* Bytes of a pointer in this encoding; 0: another than linkers write. */
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

	memcpy(&v, p, sizeof(v)); /* of this machine's order: files of others were refused by their header */
	return v;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

bool function_starts_init(struct function_starts *f, Elf *elf)
{
	struct table t;

	*f = (struct function_starts){ 0 };
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
	bool sorted = true; /* as linkers write it */

	for (size_t i = 0; i < f->count; i++) {
		f->starts[i] = t.address + (uint64_t)(int64_t)read_s32(t.bytes + at + i * PAIR_BYTES);
		sorted &= !i || f->starts[i - 1] <= f->starts[i];
	}
	if (!sorted)
		qsort(f->starts, f->count, sizeof(*f->starts), by_value);
	return true;
}

bool function_starts_find(const struct function_starts *f, uint64_t address, uint64_t *ret_start)
{
	size_t low = 0, high = f->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (f->starts[middle] <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low)
		*ret_start = f->starts[low - 1];
	return low != 0;
}

void function_starts_finish(struct function_starts *f)
{
	free(f->starts);
	*f = (struct function_starts){ 0 };
}
