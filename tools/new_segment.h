/*
 * new_segment - the shared memory of a recording (format/shm.h), as tracker-run or a recorder that a program has
 * started creates it.
 *
 * It is a sealed memfd: its size can never change under a mapping. A limit on file sizes (ulimit -f) counts for
 * memfds, too, and forbids one of this size. Then it is System V shared memory, which is marked for removal at once
 * and goes away with its last user.
 */
#ifndef NEW_SEGMENT_H
#define NEW_SEGMENT_H

#include <sys/types.h>

#include "format/shm.h"

struct new_segment {
	int fd; /* -1: System V */
	int id; /* -1: memfd */
	struct shm *memory; /* System V, attached here; NULL: memfd */
};

/* Fills a header for a recording that begins now. flags: SHM_*; nframe, sample_bytes: as in the header. */
struct shm_header new_segment_header(uint32_t flags, uint32_t nframe, uint64_t sample_bytes);

/* Creates the segment and fills the header. 0, or an errno. */
int new_segment_create(struct new_segment *s, const struct shm_header *header);
/* The same in a memfd that somebody else has made. 0, or an errno; then it is closed. */
int new_segment_adopt(struct new_segment *s, int fd, const struct shm_header *header);
/* Closes the descriptor; System V memory stays attached to this process. */
void new_segment_close(struct new_segment *s);

/* The recorder runs, and the program waits to be started: stores what the program and its children must know about both. */
void new_segment_tell(const struct new_segment *s, const char *way, pid_t program);

/* The most chunks that the program may have; 0: all. Called before the program begins. */
void new_segment_limit(const struct new_segment *s, uint32_t chunks);

/* The value of SHM_ENV, by which targets find the segment. */
void new_segment_name(const struct new_segment *s, pid_t recorder, char *name, size_t room);

/* How many programs have attached so far. */
uint64_t new_segment_programs(const struct new_segment *s);

/* The recorder is gone, perhaps killed: programs record no more, and the memory that they used is given back. */
void new_segment_end(const struct new_segment *s);

/*
 * Moves fd (-1: nothing) to a number above 2, because a user may have closed 0, 1 and 2, and the recorder replaces
 * them. Close-on-exec. Returns the new number, or -1.
 */
int descriptor_high(int fd);

#endif
