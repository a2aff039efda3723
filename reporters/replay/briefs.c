/* briefs - growing, adding and removing; see briefs.h. */
#include "replay/briefs.h"

#include "format/large.h"
#include "format/trk.h"

#define SMALLEST_LOG2 4u /* buckets */
#define LARGEST_LOG2 29u /* their places are less than BRIEFS_NONE */

void briefs_finish(struct briefs *s)
{
	large_free(s->table, briefs_places(s) * sizeof(*s->table));
	*s = (struct briefs){ 0 };
}

static inline struct brief *bucket(const struct briefs *s, uint32_t index)
{
	return &s->table[(uint64_t)index * BRIEFS_OF_BUCKET];
}

static inline uint32_t held(const struct brief *b)
{
	return (b[0].address != 0) + (b[1].address != 0) + (b[2].address != 0) + (b[3].address != 0);
}

static inline void put(struct briefs *s, const struct brief *b)
{
	uint32_t i = briefs_home(s, b->address), n;

	while ((n = held(bucket(s, i))) == BRIEFS_OF_BUCKET)
		i = (i + 1) & briefs_mask(s);
	bucket(s, i)[n] = *b;
}

static int grow(struct briefs *s)
{
	const uint32_t log2 = s->table ? 32 - s->shift + 1 : SMALLEST_LOG2;
	struct briefs grown = { .shift = 32 - log2, .used = s->used };

	if (log2 > LARGEST_LOG2)
		return TRK_ERR_NOMEM;
	grown.table = large_zeroes((sizeof(*grown.table) * BRIEFS_OF_BUCKET) << log2);
	if (!grown.table)
		return TRK_ERR_NOMEM;
	for (uint64_t i = 0; i < briefs_places(s); i++) {
		if (s->table[i].address)
			put(&grown, &s->table[i]);
	}
	large_free(s->table, briefs_places(s) * sizeof(*s->table));
	*s = grown;
	return 0;
}

int briefs_add(struct briefs *s, const struct brief *b)
{
	if (s->used >= briefs_places(s) / 8 * 5 && grow(s) != 0)
		return TRK_ERR_NOMEM;
	put(s, b);
	s->used++;
	return 0;
}

/* Takes an entry out of its bucket. Returns whether the bucket was full. */
static inline bool take(struct briefs *s, uint32_t index, uint32_t at)
{
	struct brief *const b = bucket(s, index);
	const uint32_t last = held(b) - 1;

	b[at] = b[last];
	b[last] = (struct brief){ 0 };
	return last == BRIEFS_OF_BUCKET - 1;
}

/*
 * An entry of the bucket that stands there because the one `behind` buckets before it had no room: that bucket is its
 * home, or lies on the way from its home. BRIEFS_OF_BUCKET: none.
 */
static uint32_t displaced(const struct briefs *s, uint32_t index, uint32_t behind)
{
	const struct brief *const b = bucket(s, index);

	for (uint32_t at = 0; at < BRIEFS_OF_BUCKET && b[at].address; at++) {
		if (((index - briefs_home(s, b[at].address)) & briefs_mask(s)) >= behind)
			return at;
	}
	return BRIEFS_OF_BUCKET;
}

/* The bucket was full, and has room now. An entry that found it full moves up, and leaves room in its old bucket. */
static void fill(struct briefs *s, uint32_t index)
{
	for (uint32_t behind = 1;; behind++) {
		const uint32_t i = (index + behind) & briefs_mask(s);
		const uint32_t at = displaced(s, i, behind);
		const bool full = bucket(s, i)[BRIEFS_OF_BUCKET - 1].address;

		if (at < BRIEFS_OF_BUCKET) {
			bucket(s, index)[BRIEFS_OF_BUCKET - 1] = bucket(s, i)[at];
			take(s, i, at);
			index = i;
			behind = 0;
		}
		if (!full)
			return;
	}
}

void briefs_remove(struct briefs *s, uint32_t place)
{
	const uint32_t index = place / BRIEFS_OF_BUCKET;

	s->used--;
	if (take(s, index, place % BRIEFS_OF_BUCKET))
		fill(s, index);
}
