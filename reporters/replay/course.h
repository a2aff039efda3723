/*
 * course - how the live memory of every stack went over the run of its process.
 *
 * A process's run is divided into COURSE_BINS bins of its events, and into as many of its time. A tick is the part of
 * the run in which neither bin changes: its number is the sum of the two. For each site (a stack in a process), the
 * course keeps one step for each tick in which something happened: the live bytes at its end, the fewest in it, and how
 * much of what was allocated in it is live at the end of the run, and was shortly before that.
 *
 * A small capture is replayed: everything is exact. Of a large one, the live sets that the recorder wrote down
 * (keyframes) are read, and only the events behind the last of them. Then levels are known only at the keyframes and behind the last of
 * them, and what was allocated and freed between two keyframes is not seen; but each live block tells when it was
 * allocated, so what is kept is exact, but for the bin of events, which is interpolated in blocks of the file.
 */
#ifndef REPLAY_COURSE_H
#define REPLAY_COURSE_H

#include "format/idmap.h"
#include "replay/view.h"

#define COURSE_BINS 40u
#define COURSE_TICKS (2 * COURSE_BINS - 1)
#define COURSE_NONE UINT32_MAX
#define COURSE_REPLAY_MOST (8ull << 20) /* half a second */

struct course_options {
	struct point_range at; /* the part of the run; a single point: from the beginning to it */
	uint32_t process; /* index; UINT32_MAX: all */
	const bool *threads; /* by index: only blocks that these threads allocated; NULL: all */
	uint64_t replay_most; /* of more events, the live sets are read; UINT64_MAX: all events are always replayed */
	/* Called now and then with the number of events done; may be NULL. */
	void (*progress)(void *data, uint64_t events);
	void *progress_data;
};

struct course_step {
	uint32_t site, before; /* the site's step before, or COURSE_NONE */
	uint32_t kept_count, early_count;
	uint64_t level, low; /* live bytes: at the end of the tick, the fewest */
	uint64_t kept, early; /* bytes of what was allocated here and is live at the end; or was at the early tick */
	uint8_t tick;
};

struct course_site {
	uint32_t process, node, domain;
	uint32_t last; /* its last step */
	uint32_t next; /* of the process, or COURSE_NONE */
	uint64_t bytes, count; /* live at the end */
	uint64_t early_bytes, early_count; /* at the early tick */
	uint64_t freed; /* blocks that were seen being freed */
	uint32_t event; /* of the process, modulo 2^32: the last that changed it */
	struct sampling_error error; /* of bytes and count */
};

/* Ticks from `first` to `last` are the run. Those from `exact` on were replayed; before, the levels of sampled ones are known. */
struct course_process {
	uint64_t from_event, to_event, from_ns, to_ns;
	uint64_t event, next_event, next_ns; /* the one that comes next; when a bin changes */
	uint8_t event_bin[COURSE_TICKS];
	bool met[COURSE_TICKS], sampled[COURSE_TICKS];
	uint8_t tick, first, exact;
	uint8_t early; /* when it begins, nine tenths are over; COURSE_TICKS: they never were */
	uint32_t sites;
	uint32_t last_keyframe, early_keyframe; /* which tell what is live at the end, and at the end of the early tick; COURSE_NONE: the events do */
	bool here; /* it is in the keyframe that is being read */
	bool seen, unseen_end; /* its end is too far behind its last keyframe: nothing can be said of it */
};

struct course {
	struct course_site *sites;
	struct course_step *steps;
	struct course_process *processes; /* of the capture, by index */
	uint32_t site_count, site_room, step_count, step_room, process_count;
	struct idmap by_key; /* places in `sites`, from 1 */
	uint32_t *last_site; /* by node: the site + 1 that was found last */
	uint64_t from_ns, to_ns;
	uint64_t lost; /* events, by the gaps that were read */
	uint32_t keyframes; /* so many live sets were read; 0: every event was */
	bool no_memory;
};

/* TRK_ERR_ARG: no such point. The capture must hold events. */
int course_read(struct course *ret, struct capture *c, const struct course_options *o, struct trk_fault *fault);
void course_finish(struct course *t); /* zero-safe */

#endif
