/* mix - see mix.h. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

#include "format/mix.h"

uint64_t trk_mix_seeds[2];

/* Sixteen bytes that the kernel gave this process when it began. 0: it gave none. */
static void seeds_of_start(uint64_t seeds[2])
{
	const unsigned long at = getauxval(AT_RANDOM);
	const void *bytes;

	memcpy(&bytes, &at, sizeof(bytes));
	if (at)
		memcpy(seeds, bytes, 2 * sizeof(*seeds));
}

__attribute__((constructor)) static void choose_seeds(void)
{
	if (getrandom(trk_mix_seeds, sizeof(trk_mix_seeds), GRND_NONBLOCK) != sizeof(trk_mix_seeds))
		seeds_of_start(trk_mix_seeds);
	/* Many bits are set, whatever the kernel gave: a product with the number must reach all other bits. */
	trk_mix_seeds[0] ^= 0x9e3779b97f4a7c15ull;
	trk_mix_seeds[1] ^= 0xbf58476d1ce4e5b9ull;
}

uint64_t trk_mix_bytes(const void *bytes, size_t size)
{
	return trk_mix(XXH3_64bits_withSeed(bytes, size, trk_mix_seeds[0]), size);
}
