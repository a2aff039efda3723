/*
 * by_address - a sort by digits of 11 bits, from the lowest on; see by_address.h.
 *
 * A digit that all addresses have in common is skipped, which leaves two or three passes for most files.
 */
#include "symbols/by_address.h"

#include <stdlib.h>
#include <string.h>

#define DIGIT_BITS 11u
#define DIGITS (1u << DIGIT_BITS)

/* Bits in which the addresses differ. */
static uint64_t bits_that_differ(const struct by_address *items, size_t count)
{
	uint64_t bits = 0;

	for (size_t i = 1; i < count; i++)
		bits |= items[i].address ^ items[0].address;
	return bits;
}

static size_t digit(uint64_t address, unsigned shift)
{
	return (size_t)(address >> shift) & (DIGITS - 1);
}

static void pass(const struct by_address *from, struct by_address *to, size_t count, unsigned shift)
{
	size_t place[DIGITS] = { 0 }, next = 0;

	for (size_t i = 0; i < count; i++)
		place[digit(from[i].address, shift)]++;
	for (size_t d = 0; d < DIGITS; d++) {
		const size_t n = place[d];

		place[d] = next;
		next += n;
	}
	for (size_t i = 0; i < count; i++)
		to[place[digit(from[i].address, shift)]++] = from[i];
}

bool by_address_sort(struct by_address *items, size_t count)
{
	const uint64_t bits = bits_that_differ(items, count);
	struct by_address *const room = reallocarray(NULL, count + 1, sizeof(*room));
	struct by_address *from = items, *to = room;

	if (!room)
		return false;
	for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
		if (!digit(bits, shift))
			continue;
		struct by_address *const sorted = to;

		pass(from, to, count, shift);
		to = from;
		from = sorted;
	}
	if (from != items)
		memcpy(items, from, count * sizeof(*items));
	free(room);
	return true;
}
