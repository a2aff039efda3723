/*
 * late - the library in a program that ran already: `tracker attach` lets a thread of the program load it and call
 * tracker_late, and `tracker detach` lets a thread call it again (docs/ATTACH.md).
 *
 * The library stays for the rest of the program's life, because return addresses and copied pointers lead into it. This
 * header is also the tools': they read and write tracker_late_state in the program's memory.
 */
#ifndef LATE_H
#define LATE_H

#include <stdint.h>

#define LATE_CALL "tracker_late"
#define LATE_STATE "tracker_late_state"

enum late_what { LATE_ATTACH,
		 LATE_DETACH };

enum late_answer { LATE_DONE,
		   LATE_OTHER_VERSION,
		   LATE_ALREADY, /* it is recorded */
		   LATE_NOT, /* it is not recorded */
		   LATE_NO_ROOM, /* for the recorder's tables */
		   LATE_AT_WORK_STILL, /* a thread is in a hook since the last recording, or has left it for good, less than 2 s ago */
		   LATE_BUSY, /* another thread is doing this at the moment */
		   LATE_REFUSED /* the pages have a size, or the malloc is a sanitizer's, that cannot be recorded */ };

struct late_order {
	uint32_t version; /* SHM_VERSION */
	uint32_t what; /* enum late_what */
	uint64_t recording; /* ATTACH: header.recording of the segment, ... */
	int32_t fd; /* ... and its descriptor, which is closed whatever the answer is */
	uint32_t pid; /* of the program, as the recorder sees it */
	uint64_t ended_ns; /* written by tracker_late: when it was done (CLOCK_MONOTONIC) */
};

/* Memory in which a borrowed thread works: its stack, and then a page of code. */
#define LATE_ROOM_BYTES (256u << 10)
#define LATE_CODE_BYTES 4096u

#define LATE_AT_WORK 2u

/* In a forked child: the thread that was in tracker_late, if one was, is not in this process. */
void late_forked(void);

struct late_state {
	uint16_t version; /* SHM_VERSION */
	uint16_t on; /* 1: what happens is recorded; LATE_AT_WORK: a thread is in tracker_late */
	/* Written by the tools. */
	uint32_t recorder; /* pid of the last one; 0: none */
	uint64_t room; /* for the next borrowed thread; 0: there is none, or a thread may still be there */
};

#endif
