/*
 * sent_report - what tracker-send says at its end to the program that has started it, over a SOCK_SEQPACKET socket. Both come
 * from one build, so it is a struct. If nothing was recorded, it says nothing.
 */
#ifndef STREAM_SENT_REPORT_H
#define STREAM_SENT_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#define STREAM_REPORT_WHY 200u

struct stream_report {
	bool is_whole; /* the receiver has all of it */
	uint64_t has, file_bytes; /* it has so many, of so many */
	char why[STREAM_REPORT_WHY]; /* it has no more */
};

#endif
