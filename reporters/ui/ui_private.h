/*
 * ui_private - what the files of ui share with one another only.
 */
#ifndef UI_PRIVATE_H
#define UI_PRIVATE_H

#include "ui/ui.h"

/* "tracker-stats" -> "tracker stats": the words that a user types. Returns buf. */
char *ui_command_words(const char *name, char *buf, size_t room);

/*
 * Decodes one code point of s[0..n), n > 0. Returns its length, or 0 when the
 * bytes are no UTF-8 (overlong forms, surrogates and values above U+10FFFF are
 * not): then one byte is to be skipped.
 */
size_t ui_utf8_decode(const char *s, size_t n, uint32_t *ret_code);

/* Each of these prints, and exits. */
void ui_print_help(const struct ui_command *c);
void ui_print_version(void);
void ui_list_options(const struct ui_command *c);
extern const struct ui_option ui_help_option, ui_version_option; /* that every command has */

/* What the next messages are about stands there ("FILE:3"); "": on the command line. */
void ui_set_place(const char *place);
/* Tells for a message where the option that it is about was set. */
void ui_set_places(const char *(*of)(const char *message));

/* Columns that a character takes on a terminal. */
int ui_code_columns(uint32_t code);

/* Names that ui_text writes to this stream are marked, see fit.h. NULL: no stream has marks. */
void ui_text_marks(const FILE *f);

/* ---- terminals ---- */

/*
 * A stream whose lines end at this terminal: fitted into its width if `fits`, through a pager if `pages` and there are
 * more than its height. One at a time. NULL: it is no terminal, or there is no memory.
 */
FILE *ui_screen_open(FILE *terminal, bool fits, bool pages);
/* Waits until the user has left the pager. An errno; 0: all was written, or its reader did not want more. */
int ui_screen_close(void);

/* Where the text goes that a pager shows; NULL: none runs. */
FILE *ui_pager(void);
bool ui_pager_start(void); /* false: none is wanted, or there is none */
void ui_pager_wait(void);

/* when: of --color; NULL: "auto". */
bool ui_colour_wanted(const char *when, FILE *terminal);
/* Only this stream is painted. */
void ui_colour_is(const FILE *f);

#endif
