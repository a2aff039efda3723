/*
 * known - stacks that a thread has sent before, found again without a walk and sent as numbers.
 */
#ifndef KNOWN_H
#define KNOWN_H

#include "state.h"

#define KNOWN_SHAPES 256u /* powers of two */
#define KNOWN_STACKS WIRE_KNOWN_STACKS
#define KNOWN_WORDS 16384u
#define KNOWN_DEPTH_MAX 256u

/* The shape or the stack whose hash has these lower bits begins at words[at]. 0: it was met once, and nothing is kept of it. */
struct known_place {
	uint32_t hash, at;
};

/* Of one thread. It is empty, whatever it holds, while t->known_waits is not 0: so a thread that allocates little never touches its pages. */
struct known {
	uint32_t looks, hits; /* of the trial at hand */
	uint32_t refused; /* stacks through code in no module */
	uint32_t used; /* of words */
	uint32_t shape; /* where the shape of the last look begins; 0: it is not known */
	uint64_t hash; /* of the stack of that look */
	struct known_place shapes[KNOWN_SHAPES], stacks[KNOWN_STACKS];
	uint64_t words[KNOWN_WORDS];
};

/* Nothing is known, and nothing is looked for until the thread has walked some stacks. */
void known_clear(struct thread *t);
/* The number + 1 of the stack of a hook's caller. 0: it is not known. */
uint32_t known_find(struct thread *t, const struct site *at);
/*
 * The stack that known_find did not find was walked, and is t->sent and the memo. Returns its number + 1 if it is known from now
 * on; 0: it is not.
 */
uint32_t known_learn(struct thread *t, const struct site *at);
/* Takes that back. */
void known_unlearn(struct known *k, uint32_t number);
/* The return addresses of a known stack, most recent first, as a walk puts them into t->walk. Returns how many. */
uint32_t known_walk(struct thread *t, const struct site *at, uint32_t number);

#endif
