/*
 * process_domains - the names that one program has given to its domains (tracker.h), as the recorder keeps them.
 *
 * Each name is written into the capture when it is told and was not the domain's name already. They are kept for captures that begin later (snapshots,
 * captures of the program's own), and for forked children, whose traces begin with their parent's.
 */
#ifndef RECORD_PROCESS_DOMAINS_H
#define RECORD_PROCESS_DOMAINS_H

#include "recorder.h"

/* A program has told a name (1 to TRK_DOMAIN_NAME_MAX bytes, not terminated). */
void process_domains_told(struct recorder *r, struct process *p, uint32_t domain, const char *name, uint32_t bytes);

/* Writes all names of the process, as those of a process `index` that has executed no other program. */
void process_domains_write(struct writer *w, const struct process *p, uint32_t index);

/* The child has its parent's names. They are written when the child tells them. False: there was no memory for some. */
bool process_domains_fork(struct process *child, const struct process *parent);

/* Another program runs in the process now, or it has ended. */
void process_domains_free(struct process *p);

#endif
