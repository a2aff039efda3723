/*
 * by_address - sorts many things by address, in time that grows linearly with their number. A compiler's library
 * exports 60,000 functions, and a program asks for a few of them.
 */
#ifndef SYMBOLS_BY_ADDRESS_H
#define SYMBOLS_BY_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct by_address {
	uint64_t address;
	uint32_t index; /* the caller's */
};

/* Things with one address stay in the order in which they were. False: there is no memory, and nothing is sorted. */
bool by_address_sort(struct by_address *items, size_t count);

#endif
