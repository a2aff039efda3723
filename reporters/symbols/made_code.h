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
/* The generation stands above the address in a frame's offset. */
#define MADE_CODE_ADDRESS_BITS 48u
#define MADE_CODE_GENERATION_MAX 0x7fffu

struct made_code;

int made_code_new(struct made_code **ret); /* TRK_ERR_NOMEM */
void made_code_free(struct made_code *c); /* NULL-safe */
/*
 * The code of the program from which `c`'s was forked: addresses that `c` does not know are looked up there. It must
 * live as long as `c`.
 */
void made_code_inherit(struct made_code *c, struct made_code *from);

/*
 * From `time_ns` on (0: from now on) code lies there, or code has moved there. Takes effect with made_code_advance.
 * False: there is no room for it, or the values are impossible; nothing changed.
 */
bool made_code_add(struct made_code *c, uint64_t time_ns, uint64_t start, uint64_t size, const char *name,
		   size_t name_bytes);
bool made_code_move(struct made_code *c, uint64_t time_ns, uint64_t from, uint64_t to, uint64_t size);

/* Applies all changes before `time_ns`. Returns how often an address has changed its meaning so far. */
uint32_t made_code_advance(struct made_code *c, uint64_t time_ns);
/* The present offset of a frame with that return address. */
uint64_t made_code_offset(const struct made_code *c, uint64_t address);
/* Pieces that were left out because there is no room for more. */
uint64_t made_code_left_out(const struct made_code *c);

/*
 * The name at an offset (of a return address, minus 1); NULL: unknown. If a frame was recorded before its code was
 * told, this is the first code that was told for the address.
 */
const char *made_code_name(struct made_code *c, uint64_t offset);
/* The same while more pieces may come; NULL, too, if other code lies there by now. */
const char *made_code_name_now(const struct made_code *c, uint64_t offset);

#endif
