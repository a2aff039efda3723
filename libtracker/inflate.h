/*
 * inflate - unpacks what zlib packed (RFC 1950, 1951), without memory of its own and without a call.
 *
 * It is for a section that is read once in the life of a process: simple, not fast (one bit at a time).
 */
#ifndef INFLATE_H
#define INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INFLATE_LITERALS 288u
#define INFLATE_DISTANCES 30u
#define INFLATE_LONGEST 15u

/*
 * Everything that must be known of a canonical code: how many words have each length, and what they mean, in their
 * order.
 */
struct inflate_code {
	uint16_t count[INFLATE_LONGEST + 1];
	uint16_t meaning[INFLATE_LITERALS];
};

/* The caller's room, of 2 KiB: not on the stack, which may be a signal handler's. */
struct inflate {
	const uint8_t *at, *end;
	uint32_t held, held_bits;
	bool bad;
	uint8_t *out;
	size_t done, size;
	struct inflate_code literals, distances;
	uint8_t lengths[INFLATE_LITERALS + INFLATE_DISTANCES + 2];
};

/*
 * True: the bytes are a whole zlib stream. It unpacks to exactly `size` bytes, which then stand at `out`, and they
 * have its checksum.
 */
bool inflate_zlib(struct inflate *room, const uint8_t *bytes, size_t count, uint8_t *out, size_t size);

#endif
