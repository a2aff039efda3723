/*
 * control - what tracker-run and its recorder say to each other, over a SOCK_SEQPACKET socket pair. Both come from
 * one build, so messages are structs.
 */
#ifndef RECORD_CONTROL_H
#define RECORD_CONTROL_H

#include <stdint.h>

enum control_kind {
	/* from tracker-run */
	CONTROL_ENDED = 1, /* the program has ended; status: as wait(2) has it */
	CONTROL_ABORT, /* it was never started: write nothing more */
	CONTROL_LEAVE, /* do not wait for tracker-run any more: go on alone */
	/* from the recorder */
	CONTROL_FINISHING = 16, /* all processes have ended, the file is being finished */
	CONTROL_LEFT, /* the answer to LEAVE: running descendants */
	CONTROL_DONE, /* the file is finished, as complete as it could be made */
	CONTROL_FAILED, /* recording is not possible: error */
	/* from a keeper, in the place of the recorder */
	CONTROL_FILE, /* elsewhere: the file of the recording that the next messages are about */
	CONTROL_DORMANT, /* nothing was being recorded when the program ended */
};

/* What ended a recording before its processes ended: the value of stopped_by in HEALTH. */
enum stopped_by { STOPPED_NOT,
		  STOPPED_DURATION,
		  STOPPED_SIZE,
		  STOPPED_TOLD,
		  STOPPED_ROTATED,
		  STOPPED_SNAPSHOT };

#define CONTROL_PIDS 16u
#define CONTROL_NOTICE 768u
#define CONTROL_PATH 4096u

struct control_message {
	uint32_t kind;
	int32_t status;
	uint32_t running; /* LEFT: how many processes; the first of them stand in pids */
	uint32_t pids[CONTROL_PIDS];
	/* DONE */
	uint32_t processes; /* that were recorded */
	uint64_t unrecorded; /* ... and that were not */
	uint32_t error; /* errno of the first failed write; 0: none. FAILED: errno */
	uint64_t error_ns; /* since the capture began */
	uint64_t allocations, bytes_allocated, peak_bytes, leaked_blocks, leaked_bytes, lost;
	uint64_t reserved_bytes, reserved_mappings; /* when they were most */
	uint64_t file_bytes;
	uint32_t stopped_by; /* enum stopped_by; `running` says how many processes ran then */
	uint64_t stopped_ns; /* since the capture began */
	uint32_t first_piece, last_piece; /* of a rotated capture: which pieces exist; otherwise 0 */
	uint64_t began_ns; /* when the first of these pieces began */
	char notice[CONTROL_NOTICE]; /* why something was not recorded; "": nothing to say */
	char elsewhere[CONTROL_PATH]; /* the file, if it is not where it should be; otherwise "" */
};

#endif
