/* look_memory - how marking, and what comes after it, read the program's memory. See look_mark.h. */
#ifndef LOOK_MEMORY_H
#define LOOK_MEMORY_H

#include "look_mark.h"

static inline const uint8_t *look_at(const struct look_marking *m, uint64_t address, uint64_t bytes)
{
	if (m->memory)
		return m->memory(m->context, address, bytes);
	return (const uint8_t *)(uintptr_t)address;
}

static inline uint64_t look_word(const uint8_t *p)
{
	uint64_t w;

	__builtin_memcpy(&w, p, sizeof(w));
	return w;
}

static inline bool look_in_file(const struct look_marking *m, uint64_t start, uint64_t end)
{
	uint32_t low = 0, high = m->file_count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (m->files[middle].end <= start)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->file_count && m->files[low].start <= start && end <= m->files[low].end;
}

/* new T[n] keeps n before the first element; some allocators keep the size there. */
static inline bool look_is_array(const struct look_marking *m, uint64_t address, uint64_t size)
{
	const uint8_t *const at = look_at(m, address, 8);
	const uint64_t n = at ? look_word(at) : 0;

	return n && n <= size - 8 && (size - 8) % n == 0;
}

#endif
