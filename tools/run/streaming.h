/*
 * streaming - the capture of `tracker run --send-to` and `--live-remote` on its way to a receiver: the socket, the
 * wait for the first client, and the program beside the recorder that sends (tools/stream/sender.c).
 */
#ifndef RUN_STREAMING_H
#define RUN_STREAMING_H

#include <stdbool.h>
#include <sys/types.h>

#include "tools/run/capture_file.h"
#include "tools/run/run_options.h"
#include "tools/stream/address.h"

struct streaming {
	bool is_on;
	struct address address;
	int listen, client; /* -1: none */
	int report; /* from the sender; -1: there is none */
	pid_t sender;
};

/* What the options ask for; opens the socket on which receivers are waited for. False: printed. */
bool streaming_begin(struct streaming *s, const struct run_options *o, pid_t program);
/*
 * With --live-remote: waits for the first receiver. False: the user interrupted it. Until it returns, a signal ends this program as
 * any other.
 */
bool streaming_wait(struct streaming *s, const struct run_options *o);
/* Starts the sender. False: printed. */
bool streaming_start(struct streaming *s, const struct capture_file *file, pid_t recorder);
/* Nothing was recorded: ends the sender. */
void streaming_cancel(struct streaming *s);
/* The recording goes on without tracker-run: so does the sender. */
void streaming_leave(struct streaming *s);
/* The recording has ended: waits until the receiver has it, and says whether it has. */
void streaming_finish(struct streaming *s, const struct capture_file *file, bool quiet);

#endif
