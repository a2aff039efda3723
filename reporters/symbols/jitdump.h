/*
 * jitdump - the file in which programs write down the code that they make while they run, in the format of perf
 * inject(1) (tools/perf/Documentation/jitdump-specification.txt of Linux): records with a time, about code that was
 * loaded and code that moved.
 */
#ifndef SYMBOLS_JITDUMP_H
#define SYMBOLS_JITDUMP_H

#include "symbols/made_code.h"

#define JITDUMP_ROOM_MIN 8192u /* bytes that the caller must be able to give at once */

struct jitdump {
	bool begun; /* its header was read */
	bool broken; /* it is no such file, or of another machine, or damaged from here on */
	bool timeless; /* its times are the processor's, which cannot be compared with the capture's */
	uint64_t origin_ns; /* the caller sets it before: the value of CLOCK_MONOTONIC when the clock of the capture had 0 */
};

/*
 * Takes the complete records of the next part of the file: `size` bytes are there, `left` (at least size) are in the
 * file. Returns by how many bytes to go on. This may be more than size, because code is not read.
 */
uint64_t jitdump_read(struct jitdump *d, struct made_code *c, const uint8_t *bytes, size_t size, uint64_t left);

#endif
