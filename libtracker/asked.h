/*
 * asked - what `tracker run` asks of the hooks of every program: an alarm (--alarm), allocations that fail (--fail-after,
 * --fail-random).
 */
#ifndef ASKED_H
#define ASKED_H

#include <stdbool.h>
#include <stdint.h>

struct shm_asked;

/* When the process attaches. */
void asked_start(const struct shm_asked *asked);
/* One more allocation of the process: it is to fail. */
bool asked_fails(void);
/* Allocations are counted: the hooks are held for that. */
bool asked_counts(void);

#endif
