/*
 * ui_private - what the files of ui share with one another only.
 */
#ifndef UI_PRIVATE_H
#define UI_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

/* "tracker-stats" -> "tracker stats": the words that a user types. Returns buf. */
char *ui_command_words(const char *name, char *buf, size_t room);

/*
 * Decodes one code point of s[0..n), n > 0. Returns its length, or 0 when the
 * bytes are no UTF-8 (overlong forms, surrogates and values above U+10FFFF are
 * not): then one byte is to be skipped.
 */
size_t ui_utf8_decode(const char *s, size_t n, uint32_t *ret_code);

#endif
