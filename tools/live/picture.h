/*
 * picture - the recorded programs at one moment, as a view shows them: figures, and rows of what lives, by a key.
 *
 * It is made of a capture: of one that the recorder wrote just now, or of a finished one as it ended. The same picture answers
 * several questions.
 */
#ifndef PICTURE_H
#define PICTURE_H

#include "common/group.h"
#include "live_names.h"

/* What the rows are counted by, and of which process and thread. */
struct picture_question {
	enum group_by by;
	uint32_t pid, tid; /* 0: all */
};

struct picture_row {
	const struct group_stat *stat; /* of picture.groups */
	const char *key; /* as it is printed: "FILE:LINE", a name */
	uint64_t id; /* the same key has the same in every picture */
	uint64_t own, total, blocks; /* bytes that the place allocated itself, and with all that it called; blocks of the former */
};

struct picture {
	struct capture *capture;
	struct live_names_link link;
	struct stacks *stacks;
	struct view view; /* of all processes and threads */
	uint64_t time_ns; /* since the recording began */
	uint64_t live_bytes, live_blocks; /* of all processes that have not ended, or at the end */
	uint64_t peak_bytes, allocations, frees, lost;
	uint64_t rss_bytes; /* 0: not known */
	/* The answer to the last question. */
	struct grouping *groups;
	struct picture_row *rows; /* in the order of tracker table */
	size_t row_count, own_count; /* the first own_count own something */
	char **keys;
};

/*
 * Takes over `c`, and closes it on failure, too. names: NULL: those of the capture, or of files that are opened for it. TRK_ERR_NOMEM,
 * or what view_build returns.
 */
int picture_new(struct picture **ret, struct capture *c, struct live_names *names, struct trk_fault *fault);
void picture_free(struct picture *p); /* NULL-safe */

/* Makes the rows. TRK_ERR_NOMEM: there are none. */
int picture_ask(struct picture *p, const struct picture_question *q);

/* The biggest stack of a row, most recent frame first, without the allocator's own frames. Lives until the next call. */
const struct source_frame *picture_stack(struct picture *p, const struct picture_row *row, size_t *ret_count);

/* The process that the figures are about: the first that has not ended, or the first. NULL: there is none. */
const struct trk_process *picture_program(const struct picture *p);
/* How many processes have not ended. */
uint32_t picture_running(const struct picture *p);

/* The next pid, or tid of that pid, in the capture's order after `now` (before it: step -1); 0 stands for all of them. */
uint32_t picture_next_pid(const struct picture *p, uint32_t now, int step);
uint32_t picture_next_tid(const struct picture *p, uint32_t pid, uint32_t now, int step);
/* The name of that thread; "": it is not known. */
const char *picture_thread_name(const struct picture *p, uint32_t pid, uint32_t tid);

#endif
