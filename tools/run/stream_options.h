/* stream_options - the options of tracker-run for a capture that is sent while it is recorded. */
#ifndef STREAM_OPTIONS_H
#define STREAM_OPTIONS_H

#include <stdbool.h>

struct run_options;

/* `o` has the members. */
#define STREAM_OPTIONS(o)                                                                                                                                                       \
	{ 0, "send-to", UI_STRING, &(o)->send_to, "ADDRESS",                                                                                                                    \
	  "send the capture to a tracker receive --listen ADDRESS: the path of a Unix socket, or HOST:PORT", 0, 0 },                                                            \
		{ 0, "live-remote", UI_FLAG, &(o)->live_remote, NULL, "wait for a tracker live or receive that connects, then run the program and send it the capture", 0, 0 }, \
	{                                                                                                                                                                       \
		0, "live-port", UI_STRING, &(o)->live_port, "PORT", "with --live-remote: wait on that port of 127.0.0.1", 0, 0                                                  \
	}

/* False: printed. */
bool stream_options_check(const struct run_options *o);

#endif
