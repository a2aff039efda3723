/*
 * skip - which functions are the allocator's own (hidden at the top of a stack)
 * and which are the runtime's below main.
 */
#ifndef SYMBOLS_SKIP_H
#define SYMBOLS_SKIP_H

#include <stdbool.h>

/* All take names as displayed: shortened. */

/* malloc family, operator new and delete, std:: and __gnu_cxx::, strdup, asprintf, g_malloc ... */
bool skip_is_allocator(const char *function);
/* malloc, operator new and their like, which only repeat the kind of the allocation. */
bool skip_is_kind(const char *function);
/* One of the NULL-terminated fnmatch patterns matches; patterns may be NULL. */
bool skip_matches(const char *function, const char *const *patterns);
/* _start, __libc_start_main, start_thread, clone3 ... */
bool skip_is_runtime(const char *function);
/* A module whose frames without a name at the far end of a stack can only be the runtime's. */
bool skip_is_runtime_module(const char *path);

#endif
