/*
 * send - writes events into the thread's chunk of the shared segment, in the wire's coding (format/wire.h), and
 * publishes them one by one.
 *
 * Inside the target's malloc(): no lock, no shared counter, and no system call except the bounded wait of a thread
 * that found every chunk full.
 */
#ifndef SEND_H
#define SEND_H

#include "state.h"

void send_alloc(struct thread *t, uint8_t kind, uintptr_t address, uint64_t size,
		const struct site *at);
/* What becomes of address space: TRK_MMAP, _RESERVE, _ARENA, _MPROTECT or _MADVISE. detail: only for the last two. */
void send_mapping(struct thread *t, uint8_t kind, uintptr_t address, uint64_t size, uint32_t detail,
		  const struct site *at);
void send_free(struct thread *t, uint8_t kind, uintptr_t address);
void send_unmap(struct thread *t, uintptr_t address, uint64_t size);
bool send_mremap_begin(struct thread *t, uintptr_t old, uint64_t old_size);
/* address 0: the call failed. Both are like those of realloc, below. */
void send_mremap_end(struct thread *t, uintptr_t old, uint64_t old_size, uintptr_t address,
		     uint64_t size, const struct site *at);
/* False: it was dropped. Then the end must not be sent, either. */
bool send_realloc_begin(struct thread *t, uint8_t kind, uintptr_t old);
/*
 * The begin may no longer be this stream's last event: a handler may have forked, and this is the child, or the
 * handler may have reallocated itself. Then all that can be told is that there is a new block.
 */
void send_realloc_end(struct thread *t, uint8_t kind, uintptr_t address, uint64_t size,
		      const struct site *at);
/* A realloc whose begin was sent has made a block that is not recorded. */
void send_realloc_freed(struct thread *t, uint8_t kind);
/* Reports how many allocations of this thread were not recorded. */
void send_skipped(struct thread *t, uint32_t allocations);
/* TRK_RELEASING, TRK_REQUEST, TRK_ANNOTATE or TRK_CLASS, with the fields of its form; a label of at most 1024 bytes. */
void send_about(struct thread *t, const struct trk_event *e, const struct site *at);
/* For kinds that are told PLAIN or RARE: a label and a stack, or only a stack. */
void send_label(struct thread *t, uint8_t kind, const char *label, const struct site *at);
void send_bare(struct thread *t, uint8_t kind, const struct site *at);
/*
 * Asks the question in that entry of the segment, at this place in the order; at: the recorder is to know the stack of that
 * place, too, or NULL. False: there was no room.
 */
bool send_question(struct thread *t, uint32_t entry, const struct site *at);
/* A block of a domain of the program's own; and its end. */
void send_track(struct thread *t, uint32_t domain, uintptr_t address, uint64_t size, const struct site *at);
void send_untrack(struct thread *t, uint32_t domain, uintptr_t address);
/* The end of all blocks of the domain in a range. */
void send_untrack_range(struct thread *t, uint32_t domain, uintptr_t address, uint64_t size);
/* A record that is no event, after the escape: a kind of enum wire_rare, and its operands in two parts. False: there was no room. */
bool send_record(struct thread *t, uint8_t kind, const void *operands, uint32_t size, const void *more, uint32_t more_size);
/* directory: the module's path begins there; 0 bytes: it begins at the root. False: there was no room. */
bool send_module(struct thread *t, const struct wire_record *module, const char *directory, uint32_t directory_bytes);

#endif
