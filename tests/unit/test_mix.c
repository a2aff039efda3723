/* mix - keys that were chosen to meet, by who knows the program but not the seeds. */
#include "unit.h"

#include "format/mix.h"

#define KEYS (1u << 16)
/* Of as many places; by chance it is 41,426, and one in millions of times below 40,000. */
#define PLACES_MIN 36000u
/* Addresses' hash is quicker and less even: the least for 6,000 pairs of seeds was 23,085. Keys that meet leave hundreds. */
#define ADDRESS_PLACES_MIN 12000u

static const uint64_t multipliers[] = { 0x9e3779b97f4a7c15ull, 0xbf58476d1ce4e5b9ull, 0x94d049bb133111ebull };

static uint64_t inverse(uint64_t odd)
{
	uint64_t x = odd;

	for (int i = 0; i < 6; i++)
		x *= 2 - odd * x;
	return x;
}

/* The n-th key of a family. */
typedef uint64_t family(uint32_t n, uint64_t multiplier);

/* Products that differ in their lowest bits only. */
static uint64_t small_products(uint32_t n, uint64_t multiplier)
{
	return n * inverse(multiplier);
}

static uint64_t high_bits(uint32_t n, uint64_t multiplier)
{
	return (uint64_t)n << 48;
}

static uint64_t small_products_in_pages(uint32_t n, uint64_t multiplier)
{
	return (n * inverse(multiplier) << 12) + n;
}

static uint64_t bits_apart(uint32_t n, uint64_t multiplier)
{
	uint64_t key = 0;

	for (unsigned i = 0; i < 16; i++)
		key |= (uint64_t)(n >> i & 1) << 4 * i;
	return key * inverse(multiplier);
}

static family *const families[] = { small_products, high_bits, small_products_in_pages, bits_apart };

static uint32_t places(uint64_t (*hash)(uint64_t key), family *f, uint64_t multiplier, unsigned shift)
{
	static uint8_t taken[KEYS];
	uint32_t count = 0;

	memset(taken, 0, sizeof(taken));
	for (uint32_t n = 0; n < KEYS; n++) {
		uint8_t *const place = &taken[hash(f(n, multiplier)) >> shift & (KEYS - 1)];

		count += !*place;
		*place = 1;
	}
	return count;
}

static uint64_t of_first(uint64_t key)
{
	return trk_mix(key, 0);
}

static uint64_t of_second(uint64_t key)
{
	return trk_mix(0, key);
}

static uint64_t of_bytes(uint64_t key)
{
	return trk_mix_bytes(&key, sizeof(key));
}

static uint64_t of_address(uint64_t key)
{
	return trk_mix_address(key, 0);
}

static uint64_t of_address_and_space(uint64_t key)
{
	return trk_mix_address(key ^ (key & 0xffff) << 32, (uint32_t)key & 0xffff);
}

/* Tables take the highest bits of 32, or the lowest ones. */
static void chosen_keys_do_not_meet(void **state)
{
	for (size_t f = 0; f < sizeof(families) / sizeof(*families); f++) {
		for (size_t m = 0; m < sizeof(multipliers) / sizeof(*multipliers); m++) {
			assert_true(places(of_first, families[f], multipliers[m], 0) > PLACES_MIN);
			assert_true(places(of_first, families[f], multipliers[m], 48) > PLACES_MIN);
			assert_true(places(of_second, families[f], multipliers[m], 0) > PLACES_MIN);
			assert_true(places(of_bytes, families[f], multipliers[m], 32) > PLACES_MIN);
			assert_true(places(of_address, families[f], multipliers[m], 16) > ADDRESS_PLACES_MIN);
		}
	}
	assert_true(places(of_address_and_space, high_bits, 0, 16) > ADDRESS_PLACES_MIN);
	assert_true(places(of_address_and_space, small_products, 1, 16) > ADDRESS_PLACES_MIN);
}

static void the_seeds_are_there(void **state)
{
	assert_true(trk_mix_seeds[0] && trk_mix_seeds[1]);
	assert_true(trk_mix_seeds[0] != 0x9e3779b97f4a7c15ull && trk_mix_seeds[1] != 0xbf58476d1ce4e5b9ull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chosen_keys_do_not_meet),
		cmocka_unit_test(the_seeds_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
