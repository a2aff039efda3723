/*
 * stream - one thread's records: bytes copied out of shared memory, the next
 * record decoded, the thread's current stack as call-tree nodes.
 *
 * A stream outlives its thread slot: once the slot is given back, the stream
 * goes on until its last record is consumed.
 */
#ifndef RECORD_STREAM_H
#define RECORD_STREAM_H

#include "chain.h"
#include "format/wire.h"

struct process;

/* An mremap is treated likewise, as a realloc of whole pages. A call that is known to have failed is never split. */
enum stream_realloc {
	STREAM_NO_REALLOC,
	STREAM_HELD, /* BEGIN was met, nothing is written yet: END may follow at once */
	STREAM_WHOLE, /* END will be the whole event, because RELEASE has nothing to say */
	STREAM_SPLIT, /* RELEASE is written, END will be the second part */
};

struct stream_level {
	uint64_t path; /* hash of the pcs down to here: the node's place */
	uint32_t node;
};

struct stream {
	struct process *process;
	uint64_t serial; /* number of its creation: breaks ties of epochs when a slot was reused */
	uint32_t slot; /* UINT32_MAX: given back */
	uint32_t tid;
	uint32_t thread; /* index in the capture */
	struct chain chain;

	/* Bytes that are not decoded yet, and the state of the decoder. */
	uint8_t *bytes;
	size_t at, size, room;
	struct wire_state state;
	bool more; /* shared memory held more when it was last read */
	bool broken; /* nothing more is taken: the records make no sense, or there is no memory */
	int fault; /* why it broke, TRK_ERR_CORRUPT or TRK_ERR_NOMEM, until deliver_broken() has told; 0 */
	bool has_head;
	struct wire_record head; /* the next event; its frames-only records are in `deferred` */

	/* What frames-only records before `head` do to the stack. */
	uint8_t *deferred; /* 8 bytes a frame */
	uint32_t deferred_count, deferred_room, deferred_pops;

	struct python_told *python; /* a code object of Python that is being told; NULL: none */

	/* The stack of the last event: levels[0] is the outermost frame. */
	struct stream_level *levels;
	uint32_t depth, level_room;
	uint64_t *hashes; /* hashes of the frames down to each level: see cuts.c; of the first `hashed` levels */
	uint32_t hashed, hash_room;
	uint32_t code_changes; /* generation of the process's code (jit.h) when levels were looked up */
	uint32_t *known; /* node + 1 of each known stack (WIRE_KNOWN), 0: there is none. NULL: the thread has told none */
	bool shows_known; /* the stack of the last event is a known one, and not that of levels */
	uint32_t node; /* node in the capture, of the kept frames */
	bool marked; /* its outermost frame is the mark of a cut */
	uint32_t older; /* ... and so many frames are older; 0: not known */

	enum stream_realloc realloc;
	uint8_t begun; /* WIRE_REALLOC_BEGIN or WIRE_MREMAP_BEGIN, if it is one */
	uint8_t call; /* ... and the call that it began: TRK_REALLOC, TRK_REALLOCARRAY, TRK_MREMAP */
	uint8_t mapping_kind; /* what an mremap in two parts moves: see heap_mapping_kind */
	uint32_t held_rounds;
	uint64_t old_address, old_size;

	/* The slot's publication flag while it holds others up, and since when it has this value. */
	uint64_t busy, busy_since_ns;
	uint64_t lost, stalls, stalled_ns, gaps; /* gaps: the sum of its gap records */
	uint64_t start_ns, checked_ns;
	uint32_t until_answer; /* counts batches until it is looked whether the thread asks */
	uint32_t name_version;
	uint64_t next_name_ns; /* when the kernel is asked for the name again */
	bool renamed; /* by another thread, as the kernel has told */
	char name[SHM_NAME_BYTES];
};

struct stream *stream_new(struct process *p, uint32_t slot, uint64_t serial);
void stream_free(struct stream *s); /* NULL-safe */

/* Appends published bytes: a chain_take. TRK_ERR_NOMEM. */
int stream_append(void *stream, const void *bytes, size_t size);

/*
 * Decodes the next event into s->head. False: there is none now, and has_head is false. Bytes that cannot be decoded
 * break the stream: its rest is dropped, and s->fault says why.
 */
bool stream_advance(struct stream *s);

/* Whether s->head is the end of the call that the stream began. */
static inline bool stream_at_end(const struct stream *s)
{
	return s->has_head && s->head.kind == (s->begun == WIRE_MREMAP_BEGIN ? (uint8_t)TRK_MREMAP :
									       (uint8_t)WIRE_REALLOC_END);
}

/* Makes room for more frames. TRK_ERR_NOMEM; TRK_ERR_CORRUPT: the stack is deeper than any can be. */
int stream_grow_stack(struct stream *s, uint32_t frames);
/* The node of a known stack. False: there is none of that number. */
static inline bool stream_known(const struct stream *s, uint32_t number, uint32_t *ret)
{
	if (!s->known || !s->known[number])
		return false;
	*ret = s->known[number] - 1;
	return true;
}

/* The stack of the last event has that number from now on. TRK_ERR_NOMEM. */
int stream_learn(struct stream *s, uint32_t number);
/* Makes room for the hashes of all levels. TRK_ERR_NOMEM. */
int stream_grow_hashes(struct stream *s);

#endif
