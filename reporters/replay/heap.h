/*
 * heap - events -> the live set and what follows from it.
 *
 * Feed every event of a capture to heap_apply, in order. The heap keeps, for
 * every (process, address), size, kind, thread, node and time of the live block, and
 * the totals. The recorder runs the same code while it records. It tells an
 * observer of every block that comes and goes; the reports are observers.
 *
 * Definitions (they bind every report):
 *  allocation  malloc family, new, mmap, track, a realloc that succeeded
 *  free        a release that met a live block, the old block of a successful
 *              realloc included, so that allocations - frees = live blocks.
 *              munmap: a free when the last byte of a mapping goes.
 *              A release of an unknown address is counted in `unmatched_frees` (not
 *              in a sampled capture: there it is one that was not sampled);
 *              a munmap that meets nothing is not (files are mapped, too).
 *  mremap      a free of what it replaces and an allocation; of a range that was
 *              never seen it is nothing (a file's), counted as unmatched
 *  reserved    address space that holds no heap: pages that nothing can touch (TRK_RESERVE), until
 *              mprotect lets the program touch them, and pages of arenas (TRK_ARENA) that
 *              were not touched yet. A figure of its own: no byte of it is in any other. The mmap
 *              of a reservation is an allocation of no bytes, its block is never live; it counts
 *              as a free when the last byte of the reservation goes. An arena is a block from
 *              the start, which grows with the pages that are touched
 *  mprotect    reserved pages that become heap are an allocation (of kind TRK_MPROTECT, with the
 *              stack of the call), heap that becomes reserved is freed as by munmap. A
 *              call that does neither is nothing
 *  madvise     to populate pages of an arena, or to drop them, changes what of it was touched;
 *              other advice changes nothing: what is mapped stays heap
 *  bytes       requested bytes, summed over allocations
 *  peak        the last moment at which live bytes were highest (over all
 *              processes, i.e. of the whole tree at one time; and per process),
 *              looked at after every event that adds bytes. What a process left
 *              behind when it ended is no longer in memory: it counts no more
 *  leaked      live when the process ended; blocks that exec wiped out are not.
 *              So the live_* totals at the end of a capture are its leaks, and
 *              allocations = frees + live + wiped + overwritten
 *              + those set aside by a realloc that never came back
 *              + reservations (also wiped ones)
 *              - those that were live before the first event (`restored`)
 *  temporary   freed by the thread that allocated it, with at most N other
 *              allocations of that thread in between (threshold N); a realloc
 *              counts as one allocation, and its old block as freed by it
 *              before it (memray's rule: a ring of the thread's last N + 1
 *              allocations; mmap and munmap take no part). What was restored never is
 */
#ifndef REPLAY_HEAP_H
#define REPLAY_HEAP_H

#include "format/trk.h"
#include "replay/sampling.h"

struct heap_block {
	uint64_t address, size, time_ns;
	uint64_t number; /* its number among the allocations of its process, from 1, that trk_event.ref counts; 0: it has none */
	uint32_t process, thread, node, domain;
	uint32_t user; /* the observer's own: it sets it in `born` */
	uint8_t kind;
	bool aside : 1; /* a realloc in two parts took it out of the live set */
	bool restored : 1; /* heap_saved.h: it was there before the first event */
	bool reserved : 1; /* no heap: a fragment of a reservation */
	bool arena : 1; /* a fragment of an arena ... */
	bool untouched : 1; /* ... that is reserved */
	uint16_t serial; /* of its thread's allocations, modulo 2^16: see heap_estimate */
};

struct heap_totals {
	uint64_t allocations, frees, unmatched_frees, bytes_allocated, bytes_freed;
	uint64_t live_bytes, live_blocks;
	uint64_t peak_bytes, peak_blocks, peak_time_ns;
	uint64_t peak_event; /* number of heap_apply calls up to and including the peak */
	uint64_t temporary, temporary_bytes;
	uint64_t lost; /* events in gaps */
	uint64_t overwritten; /* blocks whose address was given out again: their free was lost */
	uint64_t wiped_blocks, wiped_bytes; /* by exec, or a clear */
	uint64_t late; /* events after heap_end_process: ignored */
	uint64_t restored_blocks, restored_bytes; /* live before the first event */
	uint64_t reserved_bytes, reserved_mappings; /* the present number; arenas count among the mappings */
	uint64_t most_reserved_bytes, most_reserved_mappings; /* when they were most */
	uint64_t peak_reserved_bytes; /* at the peak of live bytes */
	uint64_t kind_count[TRK_KINDS], kind_bytes[TRK_KINDS]; /* allocations by kind */
	/* In a sampled capture, whose figures above are estimates: how exact they are. Otherwise 0. */
	struct sampling_error allocated_error, freed_error, live_error, peak_error, temporary_error;
};

/* Any of the calls may be NULL. e: what the block, or the part that died, adds to or takes from sums. */
struct heap_observer {
	void *data;
	/* A block is live from now on. e->count is 0 for a further fragment of what one mprotect made heap. */
	void (*born)(void *data, struct heap_block *b, const struct sampling_estimate *e);
	/* e->bytes more of a live block count: an arena was touched. */
	void (*grew)(void *data, const struct heap_block *b, const struct sampling_estimate *e);
	/*
	 * e->bytes of a block went away. e->count: the whole block is gone (0: a munmap cut it; what is left of a
	 * mapping, in whatever fragments, stays one block). `by`: the event that did it; trk_kind_wipes: the block
	 * was wiped out. temporary: see above. b->aside: it had left the live set before. b->reserved: a reservation,
	 * which was told as born just before; it is not freed.
	 */
	void (*died)(void *data, const struct heap_block *b, const struct sampling_estimate *e,
		     bool temporary, const struct trk_event *by);
	/* A realloc in two parts took b out of the live set (b->aside), or gave it back. */
	void (*aside)(void *data, const struct heap_block *b, const struct sampling_estimate *e);
	/*
	 * A block that was there before the first event, or a fragment of a mapping, which had `asked` bytes when it
	 * was made. e->count is 0 if a fragment of the mapping was told before. It counts from now on unless
	 * b->aside.
	 */
	void (*restored)(void *data, struct heap_block *b, const struct sampling_estimate *e,
			 uint64_t asked);
	/* The event just applied made a new peak of the whole tree. */
	void (*peak)(void *data, const struct trk_event *e);
	/* ... a new peak of its own process. */
	void (*own_peak)(void *data, uint32_t process);
	/* All blocks of its process are wiped out: peaks begin anew. */
	void (*cleared)(void *data, const struct trk_event *e);
};

struct heap;

/* temporary_threshold: N of the definition above. TRK_ERR_NOMEM. */
int heap_new(struct heap **ret, uint32_t temporary_threshold, const struct heap_observer *o);
void heap_free(struct heap *h); /* NULL-safe */

/*
 * e->ref says which block the event ends, or that it must be looked up by address.
 * 0, TRK_ERR_NOMEM. Never fails on strange events: it counts them.
 */
int heap_apply(struct heap *h, const struct trk_event *e);

/* As many times heap_apply, in less time. */
int heap_apply_all(struct heap *h, const struct trk_event *events, uint32_t count);

/* The same for events whose refs are unknown. Afterwards each has the ref that heap_last_ref says of it. */
int heap_apply_unknown(struct heap *h, struct trk_event *events, uint32_t count);

/*
 * The ref (enum trk_ref) of the last event: the ref that would have named its block. Unknown if two would be
 * necessary: for a realloc that also replaced a block.
 */
uint32_t heap_last_ref(const struct heap *h);

/*
 * These events will soon be applied: fetches the memory that they need and that is probably not in the caches. Changes
 * nothing.
 */
void heap_expect(const struct heap *h, const struct trk_event *events, uint32_t count);

/* Bytes of a page of the recorded machine, because munmap cuts whole pages. 4096 until told. */
void heap_set_page_bytes(struct heap *h, uint32_t page_bytes);

/*
 * The allocations are samples, one every so many bytes (sampling.h): from now on all sums are estimates of the whole.
 * Called before the first event. 0, the default: all allocations are there.
 */
void heap_set_sampling(struct heap *h, uint64_t sample_bytes);

/*
 * Promises that nobody will ask for a block (heap_each, heap_save), and that the observer looks only at address,
 * size, process, user and aside of a block that dies or is set aside, unless it is temporary. So the heap keeps no
 * more of blocks that live long. Called before the first event.
 */
void heap_keep_sums_only(struct heap *h);

/*
 * What a block stands for: in a sampled capture, for a block of the malloc family, its share of all sums, which is
 * the same at each call; otherwise the block itself.
 */
void heap_estimate(const struct heap *h, const struct heap_block *b, struct sampling_estimate *ret);

/*
 * The process ended: its blocks stay in the totals, as leaked, but are no longer
 * part of what the whole tree holds at one time. Later events of it are ignored.
 */
void heap_end_process(struct heap *h, uint32_t process);

/* The totals of all processes, summed when asked for. Valid until the next call. */
const struct heap_totals *heap_totals(const struct heap *h);
/* For the margin of a peak (sampling.h): how often the live set was replaced, times four, because the set changes bit by bit. */
double heap_turns(const struct heap_totals *t);
/* Bytes live in processes that have not ended: what a plot over time shows. Cheap. */
uint64_t heap_now_bytes(const struct heap *h);

/* The same in blocks; and how many events were applied, and marks found, so far, of all processes. */
uint64_t heap_now_blocks(const struct heap *h);
uint64_t heap_events(const struct heap *h);
uint64_t heap_marks(const struct heap *h);

/* Whether anything of the process was seen, in an event or a keyframe. */
bool heap_knows_process(const struct heap *h, uint32_t process);
/* Of one process; zeroes for an index never seen. */
const struct heap_totals *heap_process_totals(const struct heap *h, uint32_t process);

/* Whether an event of the kind TRK_MPROTECT, TRK_MADVISE or TRK_TOUCHED meets pages that it may change. If not, it needs no record. */
bool heap_minds(const struct heap *h, const struct trk_event *e);

/* Whether a page of [address, address + size) was reserved (or an arena's), and not unmapped since: it may be reserved again. */
bool heap_in_window(const struct heap *h, uint32_t process, uint64_t address, uint64_t size);

/* What mapped the page at `address`: TRK_MMAP, TRK_RESERVE, TRK_ARENA, or 0: it is in no mapping. */
uint8_t heap_mapping_kind(const struct heap *h, uint32_t process, uint64_t address);

/* Calls f for every fragment of an arena of the process; stops when it returns non-zero. */
int heap_each_arena(const struct heap *h, uint32_t process, int (*f)(void *data, const struct heap_block *b, uint64_t end),
		    void *data);

/* Whether any page in [address, address + size) belongs to a live mapping or reservation. */
bool heap_is_mapped(const struct heap *h, uint32_t process, uint64_t address, uint64_t size);

/*
 * The live block of that domain that begins at `address`; no fragment of a mapping, and no block that is set aside.
 * False: there is none.
 */
bool heap_find(const struct heap *h, uint32_t process, uint32_t domain, uint64_t address, struct heap_block *ret);

/* What the observer keeps with that block (heap_block.user) becomes `user`. Nothing if there is no such block. */
void heap_set_user(struct heap *h, uint32_t process, uint32_t domain, uint64_t address, uint32_t user);

/*
 * Calls f for every live block (and every fragment of a mapping that is heap), in no order; stops when it returns
 * non-zero and returns that.
 */
int heap_each(const struct heap *h, int (*f)(void *data, const struct heap_block *b), void *data);

#endif
