/*
 * inflate - see inflate.h. Every value from the stream is checked where it is used; after an error `bad` stays set,
 * and nothing is written past `size`.
 */
#include "inflate.h"

#include <string.h>

#define METHOD_DEFLATE 8u
#define WINDOW_BITS_MAX 7u
#define HAS_DICTIONARY 0x20u
#define ADLER_BASE 65521u
#define END_OF_BLOCK 256u
#define FIXED_LITERALS 288u
#define LENGTH_CODES 29u
#define CODE_LENGTHS 19u

static uint32_t take_bits(struct inflate *s, uint32_t n)
{
	while (s->held_bits < n) {
		if (s->at == s->end) {
			s->bad = true;
			return 0;
		}
		s->held |= (uint32_t)*s->at++ << s->held_bits;
		s->held_bits += 8;
	}

	const uint32_t value = s->held & ((1u << n) - 1);

	s->held >>= n;
	s->held_bits -= n;
	return value;
}

static void put(struct inflate *s, uint8_t byte)
{
	if (s->done < s->size)
		s->out[s->done++] = byte;
	else
		s->bad = true;
}

/* ---- codes ---- */

/*
 * Words of one length are consecutive numbers, in the order of their meanings. A code that lacks words is an error,
 * except a code of a single word of one bit.
 */
static bool make_code(struct inflate_code *c, const uint8_t *lengths, uint32_t count, bool may_lack)
{
	uint16_t next[INFLATE_LONGEST + 2];
	uint32_t longest = 0;
	int32_t left = 1;

	memset(c->count, 0, sizeof(c->count));
	for (uint32_t i = 0; i < count; i++)
		c->count[lengths[i]]++;
	next[1] = 0;
	for (uint32_t n = 1; n <= INFLATE_LONGEST; n++) {
		left = left * 2 - c->count[n];
		if (left < 0)
			return false;
		next[n + 1] = (uint16_t)(next[n] + c->count[n]);
		longest = c->count[n] ? n : longest;
	}
	c->count[0] = 0;
	for (uint32_t i = 0; i < count; i++)
		if (lengths[i])
			c->meaning[next[lengths[i]]++] = (uint16_t)i;
	return !left || (may_lack && longest <= 1);
}

static uint32_t take_word(struct inflate *s, const struct inflate_code *c)
{
	uint32_t word = 0, first = 0, index = 0;

	for (uint32_t n = 1; n <= INFLATE_LONGEST && !s->bad; n++) {
		word |= take_bits(s, 1);
		if (word - first < c->count[n])
			return c->meaning[index + word - first];
		index += c->count[n];
		first = (first + c->count[n]) * 2;
		word *= 2;
	}
	s->bad = true;
	return 0;
}

static bool make_fixed_codes(struct inflate *s)
{
	for (uint32_t i = 0; i < FIXED_LITERALS; i++)
		s->lengths[i] = i < 144 ? 8 : i < 256 ? 9 :
				      i < 280	      ? 7 :
							8;
	if (!make_code(&s->literals, s->lengths, FIXED_LITERALS, false))
		return false;
	memset(s->lengths, 5, 32);
	return make_code(&s->distances, s->lengths, 32, false);
}

/* The lengths of the words of both codes are themselves in a code. A word above 15 repeats a length. */
static bool take_lengths(struct inflate *s, uint32_t count)
{
	static const struct {
		uint8_t bits, least;
	} repeats[] = { { 2, 3 }, { 3, 3 }, { 7, 11 } };
	uint32_t i = 0;

	while (i < count && !s->bad) {
		const uint32_t word = take_word(s, &s->literals);

		if (word <= INFLATE_LONGEST) {
			s->lengths[i++] = (uint8_t)word;
			continue;
		}
		const uint32_t n = repeats[word - 16].least + take_bits(s, repeats[word - 16].bits);

		if (n > count - i || (word == 16 && !i))
			return false;
		memset(s->lengths + i, word == 16 ? s->lengths[i - 1] : 0, n);
		i += n;
	}
	return !s->bad;
}

static bool take_codes(struct inflate *s)
{
	static const uint8_t order[CODE_LENGTHS] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
	const uint32_t literals = 257 + take_bits(s, 5), distances = 1 + take_bits(s, 5), lengths = 4 + take_bits(s, 4);

	if (literals > 286 || distances > INFLATE_DISTANCES)
		return false;
	memset(s->lengths, 0, CODE_LENGTHS);
	for (uint32_t i = 0; i < lengths; i++)
		s->lengths[order[i]] = (uint8_t)take_bits(s, 3);
	return make_code(&s->literals, s->lengths, CODE_LENGTHS, false) && take_lengths(s, literals + distances) &&
	       s->lengths[END_OF_BLOCK] && make_code(&s->literals, s->lengths, literals, true) &&
	       make_code(&s->distances, s->lengths + literals, distances, true);
}

/* ---- blocks ---- */

static void copy_back(struct inflate *s, uint32_t length)
{
	static const uint16_t bases[INFLATE_DISTANCES] = { 1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129,
							   193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577 };
	const uint32_t word = take_word(s, &s->distances);

	if (word >= INFLATE_DISTANCES) {
		s->bad = true;
		return;
	}
	const size_t distance = bases[word] + take_bits(s, word < 4 ? 0 : word / 2 - 1);

	if (distance > s->done)
		s->bad = true;
	for (; length && !s->bad; length--)
		put(s, s->out[s->done - distance]);
}

static void take_coded(struct inflate *s)
{
	static const uint16_t bases[LENGTH_CODES] = { 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27,
						      31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258 };
	static const uint8_t extra[LENGTH_CODES] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0 };

	while (!s->bad) {
		const uint32_t word = take_word(s, &s->literals);

		if (s->bad || word == END_OF_BLOCK)
			return;
		if (word < END_OF_BLOCK)
			put(s, (uint8_t)word);
		else if (word - END_OF_BLOCK <= LENGTH_CODES)
			copy_back(s, bases[word - END_OF_BLOCK - 1] + take_bits(s, extra[word - END_OF_BLOCK - 1]));
		else
			s->bad = true;
	}
}

static void take_stored(struct inflate *s)
{
	s->held = s->held_bits = 0;

	const uint32_t length = take_bits(s, 16), inverse = take_bits(s, 16);

	if (s->bad || (length ^ inverse) != 0xffff || length > (size_t)(s->end - s->at) || length > s->size - s->done) {
		s->bad = true;
		return;
	}
	memcpy(s->out + s->done, s->at, length);
	s->at += length;
	s->done += length;
}

static void take_blocks(struct inflate *s)
{
	bool last = false;

	while (!last && !s->bad) {
		last = take_bits(s, 1);
		switch (take_bits(s, 2)) {
		case 0:
			take_stored(s);
			continue;
		case 1:
			s->bad |= !make_fixed_codes(s);
			break;
		case 2:
			s->bad |= !take_codes(s);
			break;
		default:
			s->bad = true;
		}
		take_coded(s);
	}
}

/* ---- the stream ---- */

static uint32_t adler(const uint8_t *bytes, size_t count)
{
	uint32_t a = 1, b = 0;

	for (size_t i = 0; i < count; i++) {
		a = (a + bytes[i]) % ADLER_BASE;
		b = (b + a) % ADLER_BASE;
	}
	return b << 16 | a;
}

bool inflate_zlib(struct inflate *s, const uint8_t *bytes, size_t count, uint8_t *out, size_t size)
{
	uint32_t sum = 0;

	s->at = bytes;
	s->end = bytes + count;
	s->out = out;
	s->size = size;
	s->done = s->held = s->held_bits = 0;
	s->bad = false;

	const uint32_t method = take_bits(s, 8), flags = take_bits(s, 8);

	if (s->bad || (method << 8 | flags) % 31 || (method & 15) != METHOD_DEFLATE || method >> 4 > WINDOW_BITS_MAX ||
	    flags & HAS_DICTIONARY)
		return false;
	take_blocks(s);
	if (s->bad || s->done != size)
		return false;
	s->held = s->held_bits = 0;
	for (int i = 0; i < 4; i++)
		sum = sum << 8 | take_bits(s, 8);
	return !s->bad && sum == adler(out, size);
}
