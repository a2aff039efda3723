/*
 * wire_codes - the codes (wire.h) of all new frames of a stack. It runs inside malloc(), for each frame that came. So
 * it makes four codes at a time where every processor can: 7 instructions a frame instead of 20.
 */
#ifndef TRK_WIRE_CODES_H
#define TRK_WIRE_CODES_H

#include "format/wire.h"

#ifdef __SSE2__
#include <emmintrin.h>

#define WIRE_CODES_AT_ONCE 4u

/* What the codes are made against, and what no code has room for. */
struct wire_codes {
	__m128i first, second;
	__m128i beyond, pcs; /* bits of any frame so far: beyond the code; all of the pc */
};

static inline __m128i wire_lower_halves(__m128i a, __m128i b)
{
	return _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b), _MM_SHUFFLE(2, 0, 2, 0)));
}

/*
 * As wire_code. The highest bits of a difference are not looked at by themselves: they are set only together with those below,
 * unless they are set in the pc.
 */
static inline void wire_put_four(uint8_t *at, const uint64_t *pcs, struct wire_codes *c)
{
	const __m128i a = _mm_loadu_si128((const __m128i *)pcs), b = _mm_loadu_si128((const __m128i *)(pcs + 2));
	const __m128i first_a = _mm_sub_epi64(a, c->first), first_b = _mm_sub_epi64(b, c->first);
	const __m128i second_a = _mm_sub_epi64(a, c->second), second_b = _mm_sub_epi64(b, c->second);
	const __m128i beyond_first = wire_lower_halves(_mm_srli_epi64(first_a, WIRE_CODE_BITS), _mm_srli_epi64(first_b, WIRE_CODE_BITS));
	const __m128i beyond_second = wire_lower_halves(_mm_srli_epi64(second_a, WIRE_SECOND_BITS), _mm_srli_epi64(second_b, WIRE_SECOND_BITS));
	const __m128i is_first = _mm_cmpeq_epi32(beyond_first, _mm_setzero_si128());
	const __m128i other = _mm_or_si128(wire_lower_halves(second_a, second_b), _mm_set1_epi32((int)(1u << WIRE_CODE_BITS)));

	c->beyond = _mm_or_si128(c->beyond, _mm_andnot_si128(is_first, beyond_second));
	c->pcs = _mm_or_si128(c->pcs, _mm_or_si128(a, b));
	_mm_storeu_si128((__m128i *)at, _mm_or_si128(_mm_and_si128(is_first, wire_lower_halves(first_a, first_b)),
						     _mm_andnot_si128(is_first, other)));
}

static inline struct wire_codes wire_codes_begin(const uint64_t bases[2])
{
	return (struct wire_codes){ .first = _mm_set1_epi64x((long long)bases[0]), .second = _mm_set1_epi64x((long long)bases[1]) };
}

static inline bool wire_codes_fit(const struct wire_codes *c)
{
	const __m128i highest = _mm_or_si128(c->pcs, _mm_slli_epi64(c->pcs, 1));

	return _mm_movemask_epi8(_mm_cmpeq_epi32(c->beyond, _mm_setzero_si128())) == 0xffff && !_mm_movemask_pd(_mm_castsi128_pd(highest));
}

/* At least four; the last block overlaps the one before. */
static inline bool wire_put_many(uint8_t *at, const uint64_t *pcs, uint32_t count, const uint64_t bases[2])
{
	struct wire_codes c = wire_codes_begin(bases);
	size_t i = 0;

	for (; i + WIRE_CODES_AT_ONCE <= count; i += WIRE_CODES_AT_ONCE)
		wire_put_four(at + 4 * i, pcs + i, &c);
	if (i < count) {
		i = count - WIRE_CODES_AT_ONCE;
		wire_put_four(at + 4 * i, pcs + i, &c);
	}
	return wire_codes_fit(&c);
}

#else

#define WIRE_CODES_AT_ONCE UINT32_MAX

static inline bool wire_put_many(uint8_t *at, const uint64_t *pcs, uint32_t count, const uint64_t bases[2])
{
	(void)at, (void)pcs, (void)count, (void)bases;
	return false;
}

#endif

/* The same, one by one, of a stack in which functions of Python are. */
static inline bool wire_put_codes_of_python(uint8_t *at, const uint64_t *pcs, uint32_t count, const uint64_t bases[2])
{
	uint64_t wide = 0;

	for (size_t i = 0; i < count; i++)
		put_u32(at + 4 * i, wire_is_python(pcs[i]) ? wire_code_of_python(pcs[i], &wide) : wire_code(pcs[i], bases[0], bases[1], &wide));
	return !wide;
}

/*
 * Writes the codes of pcs[0..count), 4 bytes each. False: one of them has none, or one has bit 62 or 63 set, as no code of a
 * program has. No base has one of these set, or is within 2 GiB of that.
 */
static inline bool wire_put_codes(uint8_t *at, const uint64_t *pcs, uint32_t count, const uint64_t bases[2])
{
	uint64_t wide = 0;

	if (count >= WIRE_CODES_AT_ONCE)
		return wire_put_many(at, pcs, count, bases);
	for (size_t i = 0; i < count; i++)
		put_u32(at + 4 * i, wire_code(pcs[i], bases[0], bases[1], &wide));
	return !wide;
}

#endif
