/* packing - the option --compress of those who begin a recording. */
#ifndef RUN_PACKING_H
#define RUN_PACKING_H

#include <stdbool.h>
#include <stdint.h>

/* *ret: enum trk_packing. False: printed. */
bool packing_parse(const char *name, uint32_t *ret);

#endif
