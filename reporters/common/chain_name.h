/*
 * chain_name - what a frame is called in two builds of one program: by its function, without what a compiler chooses anew each time
 * (numbers of lambdas and closures, clones, hashes), and without lines and addresses.
 */
#ifndef CHAIN_NAME_H
#define CHAIN_NAME_H

#include "symbols/stack.h"

/*
 * The name, in `out`, which it returns. "" if the frame does not count: it is below main, or in a standard library, whose frames
 * come and go with optimisation; or it stands for frames that were not kept.
 */
char *chain_name(const struct source_frame *f, char *out, size_t room);
/* The same for a frame that counts whatever it is. */
char *chain_name_always(const struct source_frame *f, char *out, size_t room);

#endif
