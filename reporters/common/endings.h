/*
 * endings - what was live when its process ended, by how the process ended: only what a process left that exited is
 * leaked. A signal takes away the chance to free, and a process whose end is not in the capture may still free.
 */
#ifndef REPORTERS_ENDINGS_H
#define REPORTERS_ENDINGS_H

#include "replay/view.h"
#include "ui/emit.h"

enum ending {
	ENDING_LEAKED, /* the process exited */
	ENDING_KILLED, /* a signal ended it */
	ENDING_RUNNING, /* its end is not in the capture */
	ENDINGS,
};

struct ending_sum {
	uint64_t bytes, count;
	struct sampling_error error;
};

struct endings {
	const struct capture *capture;
	uint64_t sample_bytes;
	uint32_t process; /* index; UINT32_MAX: all */
	struct ending_sum of[ENDINGS];
};

#define ENDING_WORDS_ROOM 96u

/* "SIGINT", "signal 40". Returns buf. */
char *ending_signal(uint32_t number, char buf[16]);

void endings_begin(struct endings *s, const struct capture *c, uint32_t process);
void endings_add(struct endings *s, uint32_t process, const struct ending_sum *sum);
void endings_add_view(struct endings *s, const struct view *v);
/* The same of what each process held at its end. */
void endings_add_totals(struct endings *s, const struct process_totals *t);

/* The only ending of which there are blocks; if there are none, that of the processes. ENDINGS: there are several. */
enum ending endings_only(const struct endings *s);
/* "leaked", "live when SIGINT ended it", "live when signals ended 3 processes", "live so far". Returns buf. */
char *ending_words(const struct endings *s, enum ending which, char buf[ENDING_WORDS_ROOM]);
/* "16 B in 2 blocks leaked, 4 KiB in 1 block live when SIGINT ended it"; malloc'ed, NULL: no memory. */
char *endings_sentence(const struct endings *s);
/*
 * One line on stderr when an answer to VIEW_LEAKS holds blocks that are not leaked; `which` comes before it. To another
 * question it says nothing, and neither if there is no memory.
 */
void endings_warn(const char *which, const struct capture *c, const struct view_options *o, const struct view *v);
/* "not_freed": { leaked_size, leaked_count, killed_size, ..., signal }. */
void endings_figures(struct emit *e, const struct endings *s);

#endif
