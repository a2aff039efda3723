/*
 * born - blocks that were made while a watcher was entered.
 *
 * For every such block it keeps how many blocks of 16 bytes it takes, in a table that forgets, because a realloc
 * counts as an allocation if it needs more of them. For blocks that TRACKER_ASSERT_NO_LEAK follows, it also keeps who
 * made them, and where: up to BORN_FOLLOWED at a time.
 */
#ifndef BORN_H
#define BORN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BORN_FOLLOWED = 4096,
       BORN_FRAMES = 12 };

struct born {
	size_t size;
	const void *owner; /* watch_owner of the thread that made it */
	uint32_t serial; /* of the innermost watcher that follows it */
	uint32_t frames;
	uintptr_t pcs[BORN_FRAMES];
};

/* False: no memory. */
bool born_start(void);
/* Nothing was watched for a while, so the known sizes may be wrong. */
void born_forget(void);

void born_note(const void *p, size_t size);
/* 0: unknown. */
uint32_t born_blocks(const void *p);
/* It is released. */
void born_drop(const void *p);

/* False: there was no room. */
bool born_follow(const void *p, const struct born *b);
/*
 * A realloc of p begins. 0: p is not followed. Otherwise the number that one of the two functions below must be
 * given.
 */
uint32_t born_take(const void *p);
void born_moved(uint32_t taken, const void *p, size_t size);
void born_kept(uint32_t taken, const void *p);
/*
 * Calls `tell`, unless it is NULL, for the followed blocks that `owner` made since `serial`. Returns how many there
 * are.
 */
size_t born_left(const void *owner, uint32_t serial, void (*tell)(const void *p, const struct born *b, void *data), void *data);

#endif
