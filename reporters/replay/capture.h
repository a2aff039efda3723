/*
 * capture - an opened capture file: its tables in memory, its events on demand.
 *
 * Everything that is read from the file is checked: lengths against the bytes that are there, ids against their
 * tables. Memory grows with the tables (distinct stacks), never with the number of events. A damaged or cut file
 * opens as far as it is whole; `damage` says what is missing.
 */
#ifndef REPLAY_CAPTURE_H
#define REPLAY_CAPTURE_H

#include "format/block.h"
#include "format/sums.h"
#include "format/trk.h"

struct cap_frame {
	uint64_t offset;
	uint32_t module;
	uint32_t first_symbol; /* into symbols[] */
	uint32_t symbol_count; /* UINT32_MAX: never looked up */
};

struct cap_node {
	uint32_t parent, frame;
};

struct cap_rss {
	uint32_t process;
	uint64_t time_ns, rss_bytes;
};

struct cap_value {
	const char *key;
	uint64_t value;
};

struct cap_mark {
	uint64_t time_ns;
	uint32_t process, thread;
	const char *label;
	uint32_t label_bytes;
};

/* A name of a domain. Sorted by domain, process and execs; names that were replaced are left out: domain_names.h. */
struct cap_domain {
	struct trk_domain told;
	uint32_t order; /* in the file */
};

/* Where the live set is written down: replay/heap_keyframe.h reads it. */
struct cap_keyframe {
	uint64_t offset, time_ns;
	uint64_t events; /* in the blocks before it, by their headers */
	uint32_t first_block; /* of those behind it */
	uint32_t parts; /* blocks that it consists of */
	bool begins; /* the capture begins with it */
	bool damaged; /* met when it was read */
};

/* Where a part of what a look found lies: replay/looks.h reads blocks of type LOOK, replay/looked_memory.h those of type MEMORY. */
struct cap_look {
	uint64_t offset;
	uint32_t process;
	uint16_t type;
};

struct cap_block { /* where a block of events lies */
	uint64_t offset;
	uint32_t process, items;
	uint64_t first_time_ns, last_time_ns;
	bool damaged; /* damage that decoding found: its events, or the last of them, are missing */
};

struct cap_history { /* as trk_history; its spans are history_spans[first_span ..] */
	uint32_t process, shift, count, first_span;
	uint64_t first;
};

/* Read-only for everyone but capture.c. Index 0 of modules, frames, nodes and strings is "none". */
struct capture {
	char *path;
	struct trk_header header;
	uint64_t file_bytes; /* of all files */
	uint32_t first_piece, last_piece; /* of a rotated recording: which pieces were read; otherwise 0 */
	uint32_t pieces_left_out; /* so many older pieces were left out, because one in between is missing */
	bool complete; /* the trailer and every block are whole */
	struct trk_fault damage; /* the first fault that was found, if the capture is not complete */
	struct trk_fault refused; /* an event that a cursor found, which must be understood and is not */
	/* These grow while cursors find damaged blocks of events. */
	uint64_t damaged_blocks, skipped_bytes;
	bool cut; /* no trailer: still being written, or its recorder was killed, or torn */
	bool torn; /* the last bytes of the file are no whole block */
	int recorder; /* pid of the process that was writing it when it was opened; -1: not known which; 0: none was */
	uint64_t whole_blocks; /* of any type */
	uint64_t last_time_ns; /* time of the last event, by the block headers */

	struct trk_module *modules;
	struct cap_frame *frames;
	struct cap_node *nodes;
	struct trk_symbol *symbols;
	const char **strings;
	struct trk_process *processes;
	struct trk_thread *threads;
	struct trk_mapping *mappings;
	struct cap_rss *rss;
	const char **notices;
	struct cap_value *health, *summary;
	struct cap_block *blocks; /* EVENTS, in file order */
	/*
	 * In file order, times ascend: all events before one are at most as late, all
	 * behind it later (by the headers). One that `begins` is the first.
	 */
	struct cap_keyframe *keyframes;
	struct cap_mark *marks; /* in the order of the file, which need not list them */
	struct cap_domain *domains;
	struct cap_look *looks; /* in the order of the file */
	uint32_t module_count, frame_count, node_count, symbol_count, string_count, process_count,
		thread_count, mapping_count, rss_count, notice_count, health_count, summary_count,
		block_count, keyframe_count, mark_count, domain_count, look_count;
	bool depths; /* there are nodes that say how deep a stack was */
	bool depths_apart; /* events name these nodes, not those that capture_stack() returns; the caller sets it */
	uint64_t event_count; /* by the block headers; of an aggregated capture: by its totals */

	/* Only in an aggregated capture, which has no blocks of events. */
	struct trk_sum *sums;
	struct trk_sum_errors *sum_errors; /* beside sums, of a sampled capture */
	struct trk_totals *totals;
	struct trk_size *sizes; /* by process, ascending */
	struct cap_history *histories;
	uint64_t *history_spans;
	uint32_t sum_count, sum_error_count, total_count, size_count, history_count, history_span_count;

	struct capture_private *private;
};

/*
 * Opens the capture at `path`. TRK_ERR_IO (errno), _MAGIC, _VERSION, _FEATURE, _CORRUPT (not even the header is
 * right), _NOMEM, with `fault` filled. In the sentence of _MAGIC and _VERSION, the file is "it": "it is empty".
 */
int capture_open(struct capture **ret, const char *path, struct trk_fault *fault);
void capture_close(struct capture *c); /* NULL-safe */

/*
 * Checks every block of events and keyframe, too, so that `complete` and `damaged_blocks` say everything without
 * decoding an event. TRK_ERR_NOMEM.
 */
int capture_verify(struct capture *c);

/* Why a cursor, or code that uses one, failed: a sentence without full stop. */
const char *capture_why(const struct capture *c, int err);

/* Whether it holds sums and no events: cursors yield none then. */
static inline bool capture_is_aggregated(const struct capture *c)
{
	return c->header.content == TRK_CONTENT_AGGREGATED;
}

/* How deep the stacks of events at this node were, in frames that are not inlined; 0: the node does not say it. */
static inline uint64_t capture_depth(const struct capture *c, uint32_t node)
{
	const struct cap_frame *const frame = &c->frames[c->nodes[node].frame];

	return !frame->module && frame->offset > TRK_FRAME_DEPTH ? frame->offset - TRK_FRAME_DEPTH : 0;
}

/* The node of the frames: it is the same for stacks that differ only in their depth. */
static inline uint32_t capture_stack(const struct capture *c, uint32_t node)
{
	return capture_depth(c, node) ? c->nodes[node].parent : node;
}

/* The time when the last event happened or the last process ended. */
uint64_t capture_end(const struct capture *c);

/* Value of a HEALTH / SUMMARY key; 0 when absent. */
uint64_t capture_health(const struct capture *c, const char *key);
uint64_t capture_summary(const struct capture *c, const char *key);

/* Index of the process with that pid, UINT32_MAX when there is none. */
uint32_t capture_process_by_pid(const struct capture *c, uint32_t pid);

/*
 * A cursor yields the events of all processes (or of one) in time order; within
 * a process in their true order. Ids in the events are in range: unknown ones
 * were set to 0. Damaged blocks are skipped and counted in the capture.
 */
struct cursor;

int cursor_open(struct cursor **ret, struct capture *c, uint32_t process /* UINT32_MAX: all */);
/* The same, from block `first` of capture.blocks on. */
int cursor_open_at(struct cursor **ret, struct capture *c, uint32_t process, uint32_t first);
/* 0 and the event, TRK_END, or an error. `ret_seq` numbers the events of this cursor from 0. */
int cursor_next(struct cursor *k, struct trk_event *ret, uint64_t *ret_seq);
/*
 * The same, many at a time: *ret points to *ret_count > 0 events, which live
 * until the next call. Do not mix with cursor_next.
 */
int cursor_batch(struct cursor *k, const struct trk_event **ret, size_t *ret_count);
void cursor_close(struct cursor *k); /* NULL-safe */

#endif
