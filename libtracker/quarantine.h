/*
 * quarantine - objects that stay in memory when the program releases them (`keep` of tracker_track_options and of --track-class).
 *
 * The release is recorded, but the allocator does not get the block back, so its bytes stay as they are and its address is not given out
 * again. That is so for objects of which the program itself says what they are: by tracker_track_object, or by an annotation of a
 * class that is tracked so. All kept objects together have as many bytes as the recording allows (tracker run --keep-limit); later ones are
 * released as ever. Nothing here takes a lock.
 */
#ifndef QUARANTINE_H
#define QUARANTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch.h"

/* The process has attached. */
void quarantine_start(void);
/* A class is tracked with keep: from now on each annotation asks whether its type is one. */
void quarantine_class(void);
/* The program has said what the block is. */
void quarantine_annotated(const void *p, const char *type_name);
/* The block is to stay. An enum tracker_error. */
int quarantine_object(const void *p, uint64_t size);
/* Hooks are held for it. */
bool quarantine_holds(void);

/* True: what the hook is about to release by a call of `kind` stays. The release is recorded. */
bool quarantine_release(uint8_t kind, void *p, const struct site *at);
/* The same of what is about to be resized: then quarantine_move does that, whose result is recorded as realloc's. */
bool quarantine_resizes(void *p, const struct site *at);
void *quarantine_move(void *p, size_t size);

#endif
