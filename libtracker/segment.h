/*
 * segment - which parts of the shared memory (format/shm.h) this process has mapped, and where.
 *
 * At start it maps the head (header, states, bitmap), the page of the process's own slot and the first parts of
 * thread slots and of chunks, next to each other; later, further parts of both. It keeps no descriptor: mremap can
 * map a shared object again, and beyond the end of the mapping.
 */
#ifndef SEGMENT_H
#define SEGMENT_H

#include "state.h"

/* A descriptor that the program that executed this one has left open, and what it said about it. */
struct inherited {
	int fd;
	uint64_t recording;
	uint32_t pid; /* ours; 0: unknown */
	bool late; /* tracker attach has left it open (late.h): it is this library's to close, whatever comes */
};

/*
 * Maps the head: state.shm. `inherited`: the descriptor to use instead of the name, or NULL. In the place of the segment that is
 * mapped, if one is; segment_take_process then does the same with its parts. False: there is no such segment, or no room for it.
 */
bool segment_open(const char *name, const struct inherited *inherited);
/* The process has attached, and needs no descriptor from now on. */
void segment_opened(void);
/* Maps that process slot (state.process), in the place of the one before, and the first parts. */
bool segment_take_process(uint32_t slot);
/* NULL: there is no room to map it. */
struct shm_thread *segment_thread(uint32_t slot);
/* Maps one more part of the chunks. False: there is none, or no room to map it. */
bool segment_grow(void);
/* Words of the bitmap whose chunks may be in use, mapped or not. */
uint32_t segment_words_max(void);

/* Private memory takes the place of all that is mapped. */
void segment_leave(void);

/*
 * In a child that a signal handler forked. The segment moves to another address, and private memory takes its place
 * at the old one. What the interrupted hooks still write goes there, and nobody reads it.
 */
bool segment_move(void);
/* Then private memory, in the place of a thread slot, for a hook that was interrupted while it got one. */
struct shm_thread *segment_moved_thread(struct shm *old);

/* A chunk of a part that is mapped. */
static inline struct shm_chunk *segment_chunk(uint32_t n)
{
	struct shm_chunk *const piece = atomic_load_explicit(&state.chunk_pieces[n / SEGMENT_CHUNKS], memory_order_acquire);

	return piece ? &piece[n % SEGMENT_CHUNKS] : NULL;
}

#endif
