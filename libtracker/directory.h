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

/* Called at start, and after the program changed its directory. Asks the kernel. */
void directory_ask(void);

/*
 * "" if the directory is not known. If another thread changes it twice meanwhile, the text may change while it is
 * read; so the recorder checks the file's build-id.
 */
const char *directory_now(uint32_t *ret_bytes);

#endif
