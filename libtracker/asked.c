/* asked - see asked.h. */
#include "asked.h"

#include "format/shm.h"
#include "start.h"
#include "watchers.h"

static tracker_alarm alarm;

static struct {
	uint64_t after, seed, rate; /* rate: so many of 2^64 allocations fail; 0: none fails at random */
	bool counts, ends; /* ends: after `after` allocations, all fail */
	_Atomic uint64_t count;
} failing;

static void start_alarm(const struct shm_asked *asked)
{
	const struct watcher w = { .object = &alarm, .owner = &alarm, .kind = TRACKER_WATCH_ALARM_ };

	alarm = (tracker_alarm){ .minimum_block_count = asked->alarm_blocks,
				 .action = (tracker_alarm_action)asked->alarm_action,
				 .scope = (tracker_scope)asked->alarm_scope,
				 .repeat = asked->alarm_repeat,
				 .ignore_left = asked->alarm_ignore };
	(void)watch_add(&w, alarm.scope == TRACKER_SCOPE_PROCESS, 0, &alarm.serial_);
}

void asked_start(const struct shm_asked *asked)
{
	if (asked->alarm_blocks && asked->alarm_action <= TRACKER_ALARM_THROW)
		start_alarm(asked);
	failing.after = asked->fail_after;
	failing.seed = asked->fail_seed;
	failing.rate = asked->fail_rate;
	failing.ends = asked->fail_ends;
	failing.counts = failing.ends || failing.rate;
	if (failing.counts)
		start_hold(1);
}

/* splitmix64: the n-th number of a seed is the same in each run. */
static uint64_t random_of(uint64_t seed, uint64_t n)
{
	uint64_t x = seed + n * 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

bool asked_fails(void)
{
	uint64_t n;

	if (!failing.counts)
		return false;
	n = atomic_fetch_add(&failing.count, 1) + 1;
	return (failing.ends && n > failing.after) || random_of(failing.seed, n) < failing.rate;
}

bool asked_counts(void)
{
	return failing.counts;
}
