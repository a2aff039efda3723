/*
 * asked - what `tracker run` asks of the hooks of every program: an alarm (--alarm), or allocations that fail
 * (--fail-after, --fail-random).
 */
#ifndef ASKED_H
#define ASKED_H

#include <stdbool.h>
#include <stdint.h>

struct shm_asked;

/* Called when the process attaches. */
void asked_start(const struct shm_asked *asked);
/* Counts one more allocation of the process. True: it is to fail. */
bool asked_fails(void);
/* Whether allocations are counted. The hooks are held for that. */
bool asked_counts(void);

#endif
