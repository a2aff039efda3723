/*
 * heap_keyframe - the live set at one place of a capture, so that a reader can replay what follows without what stands
 * before.
 */
#ifndef REPLAY_HEAP_KEYFRAME_H
#define REPLAY_HEAP_KEYFRAME_H

#include "format/writer.h"
#include "replay/capture.h"
#include "replay/heap.h"

/*
 * Writes the live set of `h` as a keyframe; its events were added to `w` before, and all that are
 * added later have times above time_ns. begins: nothing was added before, the capture begins here
 * (heap_begin_here, heap_saved.h). progress (may be NULL) is called every few thousand blocks.
 * TRK_ERR_NOMEM: what was written is not a whole keyframe, which readers notice; one that begins is
 * whole to them, and holds only some of what lives.
 */
int heap_keyframe_write(struct writer *w, const struct heap *h, uint64_t time_ns, bool begins,
			void (*progress)(void *data), void *data);

/* The state at a keyframe, without its blocks. */
struct heap_keyframe_state {
	uint64_t events, marks; /* before it: of the whole tree, or of the process */
};

/*
 * Puts the live set of keyframe `index` into the empty heap `h`: of one process, or of all
 * (UINT32_MAX). TRK_ERR_CORRUPT: it is damaged, or contradicts the blocks before it, or does not
 * know the process; the heap is of no use then. TRK_ERR_NOMEM.
 */
int heap_keyframe_restore(const struct capture *c, uint32_t index, uint32_t process, struct heap *h,
			  struct heap_keyframe_state *ret);

/*
 * What the capture begins with, for whoever replays all of it: does nothing when it begins with
 * nothing, as most do. A damaged one is noted in the capture; what was read of it stays.
 * TRK_ERR_NOMEM.
 */
int heap_keyframe_begin(struct capture *c, uint32_t process, struct heap *h);

#endif
