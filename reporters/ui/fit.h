/*
 * fit - one line of text, as wide as a terminal.
 *
 * Names in it are cut in the middle as far as need be, so that what stands beside them stays. If that does not suffice, the line
 * goes on in further ones, which are indented. Marks in the line say where names are; they are characters that no text of a
 * report contains, because ui_text makes them harmless.
 */
#ifndef UI_FIT_H
#define UI_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define FIT_NAME '\x01' /* here a name begins, */
#define FIT_NAME_END '\x02' /* and here it ends */
#define FIT_HANG '\x03' /* further lines begin below this place */

/* line: without a newline; it is printed with one. False: there was no memory, and it was printed as it is. */
bool fit_print(FILE *f, const char *line, size_t bytes, int width, bool utf8);
/* Prints so much of a name. False: there was no memory, and nothing is printed. */
bool fit_name(FILE *f, const char *name, int width, bool utf8);

#endif
