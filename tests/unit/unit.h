/*
 * unit - cmocka with the headers it wants before it, and random numbers that
 * are the same in every run.
 */
#ifndef TEST_UNIT_H
#define TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Where sanitizers watch, which takes long, the longest loops try one in so many. */
#if defined(__SANITIZE_ADDRESS__)
#define SHARE 8
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHARE 8
#endif
#endif
#ifndef SHARE
#define SHARE 1
#endif

static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull; /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* Small and large numbers alike: a random number of random low bits. */
static inline uint64_t random_any(uint64_t *state)
{
	const unsigned bits = (unsigned)(random_next(state) % 65);

	return bits ? random_next(state) >> (64 - bits) : 0;
}

#endif
