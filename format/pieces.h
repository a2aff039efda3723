/*
 * pieces - the names of the files of a rotated recording. For the capture FILE they are FILE.000001, FILE.000002, ...
 * of which the oldest were removed. FILE itself does not exist.
 */
#ifndef TRK_PIECES_H
#define TRK_PIECES_H

#include <stddef.h>
#include <stdint.h>

#define PIECES_DIGITS 6 /* at least */

/* Writes the name of that piece (from 1) to ret; TRK_ERR_ARG: there is no room for it. */
int pieces_name(const char *path, uint32_t number, char *ret, size_t room);

/*
 * Finds the numbers of the pieces that exist, ascending. The caller frees *ret. None if the folder cannot be read.
 * TRK_ERR_NOMEM.
 */
int pieces_find(const char *path, uint32_t **ret, size_t *ret_count);

#endif
