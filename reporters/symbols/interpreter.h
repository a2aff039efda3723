/*
 * interpreter - which frames of a stack only run its Python frames: the evaluation loop, calls of objects, lists that grow; and Python's own
 * functions behind an import.
 *
 * No name says it, because most interpreters are stripped: it is the module whose frames stand before Python frames.
 */
#ifndef SYMBOLS_INTERPRETER_H
#define SYMBOLS_INTERPRETER_H

#include "symbols/stack.h"

struct interpreter;

/* *ret is NULL if the capture has no Python frame. TRK_ERR_NOMEM. */
int interpreter_new(struct interpreter **ret, const struct capture *c);
void interpreter_free(struct interpreter *p); /* NULL-safe */

/* Sets `python` and `interpreter` of source frames, which are those of one frame in that module. */
void interpreter_mark(const struct interpreter *p, uint32_t module, struct source_frame *frames, size_t n);
/* Whether the frame is a Python frame. */
bool interpreter_runs(const struct interpreter *p, uint32_t frame);

/* Whether it is skipped at the top of a stack with Python frames. */
bool interpreter_passes(const struct source_frame *f);

/*
 * In a stack with Python frames the interpreter's say nothing: the most recent ones are skipped as the allocator's are, and with them code of extensions
 * without a name; the others are left out, or kept with their mark if `keep` is set. In another stack nothing is marked any more. Returns how many frames are
 * left.
 */
size_t interpreter_hide(struct source_frame *frames, size_t n, bool keep);

#endif
