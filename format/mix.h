/*
 * mix - hashes for tables whose keys come from captures and recorded programs. Somebody who chooses the keys must not
 * know which of them collide. So the hashes differ in every process, and no output may depend on them.
 */
#ifndef TRK_MIX_H
#define TRK_MIX_H

#include <stddef.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 trk_u128;

/* Random, chosen before main. */
extern uint64_t trk_mix_seeds[2];

/* All 64 bits of the hash depend on all of both numbers, and on the seeds. */
static inline uint64_t trk_mix(uint64_t a, uint64_t b)
{
	const trk_u128 product = (trk_u128)(a ^ trk_mix_seeds[0]) * (b ^ trk_mix_seeds[1]);
	uint64_t h = (uint64_t)(product >> 64) ^ (uint64_t)product;

	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15ull; /* an even seed leaves the lowest bits alike */
	return h ^ h >> 32;
}

/*
 * The hash of the address of a block. It is needed several times per event, so it is cheaper than the others. The
 * golden ratio keeps neighbours apart, better than chance would. Secret bits decide which differences make keys
 * collide: by exclusive or, each difference becomes one of many.
 */
static inline uint32_t trk_mix_address(uint64_t address, uint32_t space)
{
	const uint64_t key = (address ^ trk_mix_seeds[0]) + space * trk_mix_seeds[1];

	return (uint32_t)(key * 0x9e3779b97f4a7c15ull >> 32);
}

/* Of bytes, as trk_mix. */
uint64_t trk_mix_bytes(const void *bytes, size_t size);

#endif
