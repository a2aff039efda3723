/*
 * print - text to a descriptor without the heap and without stdio: from hooks, from signal handlers, from a program that is about to end.
 */
#ifndef PRINT_H
#define PRINT_H

#include <stddef.h>
#include <stdint.h>

struct print {
	int fd;
	size_t used;
	char bytes[4096];
};

void print(struct print *p, const char *text);
void print_hex(struct print *p, uint64_t n); /* 0x1234 */
void print_number(struct print *p, uint64_t n);
/* What was printed is written by now. Errors are nobody's business. */
void print_flush(struct print *p);

#endif
