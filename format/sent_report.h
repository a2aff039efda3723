/*
 * sent_report - what tracker-send says to who has started it, over a SOCK_SEQPACKET socket. Both come from one build, so these are structs.
 */
#ifndef FORMAT_SENT_REPORT_H
#define FORMAT_SENT_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#define STREAM_REPORT_WHY 200u
#define STREAM_READY_WHY 768u

/* In the end. If nothing was recorded, it says nothing. */
struct stream_report {
	bool is_whole; /* the receiver has all of it */
	uint64_t has, file_bytes; /* it has so many, of so many */
	char why[STREAM_REPORT_WHY]; /* it has no more */
};

/* Before, to a program that captures itself: a client has connected. The file from which the capture is sent comes with it. */
struct stream_ready {
	int32_t error; /* an errno: there is no client and no file; 0: all is well */
	char why[STREAM_READY_WHY]; /* a sentence about the error */
};

#endif
