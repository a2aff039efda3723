/*
 * made_code - the code that one program made while it ran: what lay where, and when.
 *
 * Compilers at run time (JIT) write down each piece of code that they make. perf_map.c and jitdump.c read that and
 * pass it on here, in order. Addresses are reused: a piece replaces those that it overlaps. An address alone is
 * therefore ambiguous, so a frame is recorded as address and generation: how many times the code at the address had
 * been replaced. Pieces of one generation never overlap.
 *
 * It is filled while the program runs, in O(log n) per piece; names are looked up when no more pieces come. It trusts
 * no input, and it keeps a bounded amount.
 */
#ifndef SYMBOLS_MADE_CODE_H
#define SYMBOLS_MADE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MADE_CODE_NAME_MAX 4096u /* longer names are cut */
#define MADE_CODE_PIECES_MAX (1u << 20)
#define MADE_CODE_BYTES_MAX (128u << 20) /* of names and pieces */
/* In a frame's offset the generation stands above the address. */
#define MADE_CODE_ADDRESS_BITS 48u
#define MADE_CODE_GENERATION_MAX 0x7fffu

struct made_code;

int made_code_new(struct made_code **ret); /* TRK_ERR_NOMEM */
void made_code_free(struct made_code *c); /* NULL-safe */
/* Of the program that `c`'s was forked from: what `c` does not know is looked up there. Must live as long. */
void made_code_inherit(struct made_code *c, struct made_code *from);

/*
 * From `time_ns` on (0: from now on) a piece of code is there; or one that was there has moved. Takes
 * effect with made_code_advance. False: there is no room for it, or it makes no sense; nothing changed.
 */
bool made_code_add(struct made_code *c, uint64_t time_ns, uint64_t start, uint64_t size, const char *name,
		   size_t name_bytes);
bool made_code_move(struct made_code *c, uint64_t time_ns, uint64_t from, uint64_t to, uint64_t size);

/* What came about before `time_ns` is there. Returns how often an address has changed its meaning so far. */
uint32_t made_code_advance(struct made_code *c, uint64_t time_ns);
/* The offset of a frame with that return address, as of now. */
uint64_t made_code_offset(const struct made_code *c, uint64_t address);
/* Pieces that were left out because there is no room for more. */
uint64_t made_code_left_out(const struct made_code *c);

/*
 * The name at an offset (of a return address, minus 1); NULL: unknown. Where a frame was recorded before its
 * code was told, the first that stood there is meant.
 */
const char *made_code_name(struct made_code *c, uint64_t offset);

#endif
