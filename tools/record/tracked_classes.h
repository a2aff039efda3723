/*
 * tracked_classes - classes and objects that programs track (tracker.h), and their snapshots: events of kind TRK_CLASS. The recorder only says
 * what was asked for, and when; reports find out which objects these are.
 */
#ifndef RECORD_CLASSES_H
#define RECORD_CLASSES_H

#include "recorder.h"

#define CLASSES_LABEL_BYTES 1024u

/* A snapshot that is to be delivered. */
struct class_snapshot {
	uint64_t how; /* TRK_CLASS_SNAPSHOT and its options */
	uint32_t node;
	uint32_t figures_bytes, bytes; /* of the label: figures of the process, with the newline behind them; all */
	char label[CLASSES_LABEL_BYTES];
};

struct class_question {
	const char *text; /* not terminated; copied by now */
	uint32_t text_bytes, entry, node;
	const uint64_t *given;
};

/* Answers SHM_ASK_CLASS (format/shm.h): an enum tracker_error. *ret_waits: not yet; it is to be called again. */
int classes_answer(struct recorder *r, struct process *p, const struct class_question *q, uint64_t figures[6], bool *ret_waits);
/* Its mark and its event. look: number of the look that belongs to it; 0: none. */
void classes_deliver(struct recorder *r, struct process *p, const struct class_snapshot *s, uint32_t look);
/* Once a round: snapshots that are due. */
void classes_round(struct recorder *r);
/* When the next one is due; UINT64_MAX: none is. */
uint64_t classes_next_ns(const struct recorder *r);
/* A program has begun in the process, or it was forked: what tracker run, and its parent, track. */
void classes_begin(struct recorder *r, struct process *p);
void classes_free(struct process *p);

/* The figures of a process in words: "vsz 123;rss 45;...". given: of malloc, as in shm.h; NULL: not known. Returns their length. */
uint32_t class_figures(const struct recorder *r, const struct process *p, const uint64_t given[3], char *text, uint32_t room);

#endif
