/* process - the table of processes: who runs what, since when, and how it ended. */
#ifndef RECORD_PROCESS_H
#define RECORD_PROCESS_H

#include "arrivals.h"
#include "recorder.h"

struct process_start {
	uint32_t pid, ppid, parent, origin;
	uint64_t start_ns;
	int pidfd; /* becomes the process's; -1: none */
};
struct process *process_new(struct recorder *r, const struct process_start *start);
void process_free(struct process *p); /* NULL-safe */
/* The program that it runs now. The texts are copied, as far as there is memory. */
void process_set_program(struct recorder *r, struct process *p, const char *name,
			 const char *executable, const char *command, size_t command_bytes);
void process_write(struct recorder *r, struct process *p);
/* A new process, or a new program in a known one. */
void process_bind(struct recorder *r, const struct arrival *a);
/* It may have been executed in a control group that leaves it less memory than earlier programs had. */
void process_limit_chunks(struct recorder *r, uint32_t pid);
/* All its events were read: gives its slot back and writes its last record. */
void process_end(struct recorder *r, struct process *p);
/* The slot may belong to another process by now. */
void process_free_slot(struct recorder *r, uint32_t index);
/* Reads notices and counts in the slot: before the slot is given back, and at the end. */
void process_collect(struct recorder *r, struct process *p);
/* The recording is over, but the process still runs: writes what is known about it. */
void process_leave(struct recorder *r, struct process *p);
struct process *process_by_pid(const struct recorder *r, uint32_t pid);
/* The index of the parent of the program in that slot, or NO_INDEX. */
uint32_t process_parent(const struct recorder *r, const struct shm_process *slot);

#endif
