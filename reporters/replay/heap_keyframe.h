/*
 * heap_keyframe - the live set at one place of a capture, so that a reader can replay the events behind it without
 * those before it.
 */
#ifndef REPLAY_HEAP_KEYFRAME_H
#define REPLAY_HEAP_KEYFRAME_H

#include "format/writer.h"
#include "replay/capture.h"
#include "replay/heap.h"

/*
 * Writes the live set of `h` as a keyframe. Its events were added to `w` before, and all events that are added later
 * have times above time_ns. begins: nothing was added before, and the capture begins here (heap_begin_here,
 * heap_saved.h). progress (may be NULL) is called every few thousand blocks. TRK_ERR_NOMEM: what was written is not a
 * whole keyframe, which readers notice. But if the capture begins with it, it looks whole to them, and holds only
 * some of the live blocks.
 */
int heap_keyframe_write(struct writer *w, const struct heap *h, uint64_t time_ns, bool begins,
			void (*progress)(void *data), void *data);

/* The state at a keyframe, without its blocks. */
struct heap_keyframe_state {
	uint64_t events, marks; /* before it: of the whole tree, or of the process */
};

/*
 * Puts the live set of keyframe `index` into the empty heap `h`: that of one process, or of all (UINT32_MAX).
 * TRK_ERR_CORRUPT: the keyframe is damaged, contradicts the blocks before it, or lacks the process; the heap cannot
 * be used then. TRK_ERR_NOMEM.
 */
int heap_keyframe_restore(const struct capture *c, uint32_t index, uint32_t process, struct heap *h,
			  struct heap_keyframe_state *ret);

/*
 * The live set with which the capture begins, for a replay of all events. Most captures begin with none; then it does
 * nothing. Damage is noted in the capture; what was read before it stays. TRK_ERR_NOMEM.
 */
int heap_keyframe_begin(struct capture *c, uint32_t process, struct heap *h);

#endif
