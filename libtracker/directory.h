/*
 * directory - the program's current directory, in which relative names of modules begin.
 *
 * It is kept here because a module is reported when its first stack is seen, in the middle of an allocation, where the
 * kernel must not be asked.
 */
#ifndef DIRECTORY_H
#define DIRECTORY_H

#include <stdint.h>

#define DIRECTORY_BYTES 4096u

/* At start; and after the program went elsewhere. Asks the kernel. */
void directory_ask(void);

/* "" when it is not known. Another thread that goes elsewhere twice may change it meanwhile: the file's build-id is checked. */
const char *directory_now(uint32_t *ret_bytes);

#endif
