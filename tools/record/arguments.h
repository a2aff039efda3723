/* arguments - what tracker-run tells the recorder on its command line, and the shared memory that it names. */
#ifndef RECORD_ARGUMENTS_H
#define RECORD_ARGUMENTS_H

#include "recorder.h"

#include "ui/ui.h"

struct arguments {
	uint64_t serve_fd, nframe; /* of a recorder that a program has started for itself */
	uint64_t shm_fd, shm_id, out_fd, control_fd, pid_fd, connector_fd, pid, memory_interval_ms;
	uint64_t start_after_ns, duration_ns, max_bytes, rotate;
	uint64_t temporary_threshold, checkpoint_ms, packing;
	bool no_symbols, aggregate;
	const char *path;
	struct ui_list notices, track_class;
	uint64_t snapshot_ns;
	uint64_t attached_ns; /* the program ran already, for so long; UINT64_MAX: it did not */
	const char *environment;
	char own_environment[96]; /* for it */
};

/* Returns the index of the first operand. As ui_parse. */
int arguments_parse(struct arguments *o, int argc, char **argv);
/* Fills in r->shm, and how others find it. TRK_ERR_NOMEM, or TRK_ERR_ARG: it is not a segment of this build. */
int arguments_map_segment(const struct arguments *o, struct recorder *r);

#endif
