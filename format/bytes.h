/*
 * bytes - integers to and from little-endian bytes and varints.
 *
 * The writer is unchecked: the caller has made room (TRK_VARINT_MAX each). The
 * reader carries a sticky error: after the first read past the end every value
 * is 0 and `failed` stays set, so that one check at the end of a record is
 * enough (the idea is dav1d's getbits).
 */
#ifndef TRK_BYTES_H
#define TRK_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TRK_VARINT_MAX 10u

static inline void put_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void put_u32(uint8_t *p, uint32_t v)
{
	put_u16(p, (uint16_t)v);
	put_u16(p + 2, (uint16_t)(v >> 16));
}

static inline void put_u64(uint8_t *p, uint64_t v)
{
	put_u32(p, (uint32_t)v);
	put_u32(p + 4, (uint32_t)(v >> 32));
}

static inline uint16_t get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t get_u32(const uint8_t *p)
{
	return get_u16(p) | (uint32_t)get_u16(p + 2) << 16;
}

static inline uint64_t get_u64(const uint8_t *p)
{
	return get_u32(p) | (uint64_t)get_u32(p + 4) << 32;
}

static uint8_t *__attribute__((noinline, unused)) put_long_varint(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)v | 0x80;
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

/*
 * Writes v as a varint and returns the byte after it. Nearly all numbers have at most four bytes. They take no branch
 * on their length, because no processor could predict it.
 */
static inline uint8_t *put_varint(uint8_t *p, uint64_t v)
{
	if (v >= 1u << 28)
		return put_long_varint(p, v);

	const uint32_t n = (uint32_t)v, bytes = (31u - (uint32_t)__builtin_clz(n | 1)) * 37 >> 8;
	const uint32_t more = 0x80808080u & ((1u << 8 * bytes) - 1);

	put_u32(p, (n & 0x7f) | (n << 1 & 0x7f00) | (n << 2 & 0x7f0000) | (n << 3 & 0x7f000000) | more);
	return p + bytes + 1;
}

static inline uint64_t zigzag(int64_t n)
{
	return ((uint64_t)n << 1) ^ (uint64_t)(n >> 63);
}

static inline int64_t unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static inline uint8_t *put_zigzag(uint8_t *p, int64_t n)
{
	return put_varint(p, zigzag(n));
}

struct byte_reader {
	const uint8_t *at, *end;
	bool failed;
};

static inline struct byte_reader byte_reader_of(const void *bytes, size_t size)
{
	return (struct byte_reader){ .at = bytes, .end = (const uint8_t *)bytes + size };
}

static inline size_t bytes_left(const struct byte_reader *r)
{
	return (size_t)(r->end - r->at);
}

static inline uint8_t get_byte(struct byte_reader *r)
{
	if (r->at == r->end) {
		r->failed = true;
		return 0;
	}
	return *r->at++;
}

static uint64_t __attribute__((noinline, unused)) get_long_varint(struct byte_reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		const uint8_t b = get_byte(r);

		if (shift == 63 && b > 1)
			break; /* does not fit 64 bits */
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return r->failed ? 0 : v;
	}
	r->failed = true;
	r->at = r->end;
	return 0;
}

/* A varint of at most four bytes at `p`, where four bytes can be read. Returns the byte after it; NULL: it is longer. */
__attribute__((always_inline)) static inline const uint8_t *get_short_varint(const uint8_t *p, uint64_t *ret)
{
	const uint32_t word = get_u32(p), last = ~word & 0x80808080u;
	const uint32_t n = word & (last ^ (last - 1)); /* what is up to the last byte */

	if (!last)
		return NULL;
	*ret = (n & 0x7f) | (n >> 1 & 0x3f80) | (n >> 2 & 0x1fc000) | (n >> 3 & 0xfe00000);
	return p + ((uint32_t)__builtin_ctz(last) >> 3) + 1;
}

__attribute__((always_inline)) static inline uint64_t get_varint(struct byte_reader *r)
{
	uint64_t short_one;
	const uint8_t *const after = bytes_left(r) >= 4 ? get_short_varint(r->at, &short_one) : NULL;

	if (after) {
		r->at = after;
		return short_one;
	}

	struct byte_reader copy = *r; /* so that the reader may stay in registers */
	const uint64_t v = get_long_varint(&copy);

	*r = copy;
	return v;
}

static inline int64_t get_zigzag(struct byte_reader *r)
{
	return unzigzag(get_varint(r));
}

/* Points *ret at the next n bytes inside the buffer and steps over them; NULL and failed when fewer are left. */
static inline const uint8_t *get_bytes(struct byte_reader *r, uint64_t n)
{
	const uint8_t *p = r->at;

	if (n > bytes_left(r)) {
		r->failed = true;
		r->at = r->end;
		return NULL;
	}
	r->at += n;
	return p;
}

#endif
