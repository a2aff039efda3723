/*
 * words - lines of text to words, numbers and times. Any mistake ends the
 * program with the number of the line.
 */
#ifndef TEST_WORDS_H
#define TEST_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORDS_MAX 1100 /* a stack of 1024 frames fits */

struct word {
	char *text; /* NUL-terminated, too */
	size_t size;
};

extern unsigned words_line;

_Noreturn void die(const char *what, const char *word);

/* A copy that lives as long as the program. */
char *keep(const char *text, size_t size);

/* Splits `line` into at most WORDS_MAX words, which point into it. */
int split(char *line, struct word *words);
uint64_t number(const char *s);
uint64_t duration(const char *s); /* ns */

#endif
