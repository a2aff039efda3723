/*
 * cfi_bytes - the numbers that unwind information is made of.
 */
#ifndef CFI_BYTES_H
#define CFI_BYTES_H

#include <stdbool.h>
#include <stdint.h>

/* A cursor over bytes; past the end it reads zeroes and `bad` stays set. */
struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

static inline uint8_t take(struct cursor *c)
{
	if (c->at >= c->end) {
		c->bad = true;
		return 0;
	}
	return *c->at++;
}

static inline uint64_t take_bytes(struct cursor *c, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v |= (uint64_t)take(c) << (8 * i);
	return v;
}

static inline uint64_t take_uleb(struct cursor *c)
{
	uint64_t v = 0;
	uint8_t b = 0x80;

	for (unsigned shift = 0; b & 0x80 && !c->bad; shift += 7) {
		b = take(c);
		if (shift < 64)
			v |= (uint64_t)(b & 0x7f) << shift;
	}
	return v;
}

static inline int64_t take_sleb(struct cursor *c)
{
	int64_t v = 0;
	unsigned shift = 0;
	uint8_t b = 0x80;

	while (b & 0x80 && !c->bad) {
		b = take(c);
		if (shift < 64)
			v |= (int64_t)((uint64_t)(b & 0x7f) << shift);
		shift += 7;
	}
	if (b & 0x40 && shift < 64)
		v |= (int64_t)(UINT64_MAX << shift);
	return v;
}

#endif
