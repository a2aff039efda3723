/*
 * rise - whether the live memory of one place in a program rises steadily over the run.
 *
 * What counts as a steady rise, and why:
 *
 *  Two axes. A position in the run is told by the time and by the number of events. Time alone misleads in short runs (a
 *  machine that is busy stops the program for a while, and clocks are coarse); events alone mislead in long ones (a
 *  server loads with ten million events in seconds and then leaks in an hour with a thousand). So a rise that is steady
 *  in time counts, if the run took a second at least. A rise that is steady only in events counts unless it was over before half of the time of the whole run had
 *  passed, and RISE_IDLE_S at least were left: a program that builds its tables and then waits does not grow.
 *
 *  Warm-up. The first tenth is ignored: nearly every program fills caches there.
 *
 *  Kept blocks. What remains is cut into six parts. Of the blocks that live at the end, each part must have made at
 *  least a third as many as the part in the middle when parts are sorted. Blocks that are replaced soon (rings,
 *  sawteeth, noise) are all young at the end, however many there are: they fill the last part and no other. Caches that
 *  were filled, and all that a program makes when it starts, are all old. A burst fills one part. So noise that is
 *  hundred times larger hides no leak. Fewer than sixty blocks may come unevenly by chance: of them there are four parts,
 *  and a fourth is enough. Ten are the fewest, because a program may well make three things late.
 *  A cache that replaces its entries seldom also has blocks of all ages. But its level does not rise: the level at the
 *  end must stand above its lowest after the warm-up by three quarters of what was kept.
 *
 *  Level. Where blocks are replaced by larger or more ones (realloc, an index that is built anew), no block is old. There
 *  the floor must rise: the lowest level that is still to come. It must rise in each of the six parts, between a third
 *  and three times as much as in the part in the middle, in ten bins at least, and by a tenth in all; and no fall may be
 *  larger than a seventh of the whole rise. Sawteeth have a floor that stays; random walks fall back too far.
 *
 *  Doubling. A vector is enlarged seldom: when its contents have doubled, then again after twice as long. Three such
 *  steps in a row, each after a distance that fits its size, are a rise as long as the next step is not overdue. Of a
 *  table that doubled last before the middle of the run, it is.
 *
 *  The end. Programs that clean up free everything in their last moments. So the caller asks a second time, with a
 *  series that ends after nine tenths, if nothing rises until the end.
 *
 * Rates are medians of the slopes between all pairs of bins (Theil and Sen), so neither a burst nor a pause changes them.
 */
#ifndef REPORTERS_RISE_H
#define REPORTERS_RISE_H

#include <stdbool.h>
#include <stdint.h>

#define RISE_BINS 40u
#define RISE_POINTS (2 * RISE_BINS)
#define RISE_BLOCKS_MIN 10u
#define RISE_IDLE_S 0.2
#define RISE_SHORT_S 1.0 /* of a shorter run only events count */

enum rise_axis { RISE_TIME,
		 RISE_EVENTS,
		 RISE_AXES };

/* What is known of the memory of one place between this position and the next. */
struct rise_point {
	uint8_t bin[RISE_AXES]; /* of the run, below RISE_BINS; neither ever falls */
	bool has_level; /* the levels below are known */
	uint64_t level, low; /* live bytes at its end; the fewest in it */
	uint64_t kept, kept_count; /* of the blocks that were made here, those that are live at the end of the series */
};

struct rise_series {
	struct rise_point points[RISE_POINTS];
	uint32_t count;
	double seconds, after; /* from the first to the last position; and from there to the end of the run */
};

enum rise_kind {
	RISE_NONE,
	RISE_KEPT, /* blocks are added and stay */
	RISE_LEVEL, /* blocks are replaced by more or larger ones */
	RISE_DOUBLING, /* blocks are enlarged by a factor */
};

struct rise {
	enum rise_kind kind;
	uint64_t bytes; /* by how much it rises over the whole series, if it rises all the time as it mostly does */
	bool was_idle; /* it would be a rise, but it was over before half of the time */
	double last; /* DOUBLING: the position of the last step, of the run = 1 */
};

void rise_judge(const struct rise_series *s, struct rise *ret);

/*
 * Whether the whole of which something rises goes along with it. all: the series of the whole. (A cache that replaces its
 * blocks moves from the stack that filled it to the one that replaces.)
 */
bool rise_is_borne_out(const struct rise *r, const struct rise_series *all);

/* The sum of two series of one process: their points stand at the same positions. The lowest levels become estimates. */
void rise_add(struct rise_series *sum, const struct rise_series *s);

#endif
