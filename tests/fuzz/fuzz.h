/*
 * fuzz - what every target is: one function that takes any bytes. libFuzzer
 * calls it with -Dfuzz=true; replay.c calls it with the files of its corpus in
 * every other build.
 */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold for all inputs. */
#define MUST(condition)           \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

#endif
