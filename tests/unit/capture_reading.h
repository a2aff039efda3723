/* capture_reading - a capture read to its end, and one that holds nothing yet. */
#ifndef CAPTURE_READING_H
#define CAPTURE_READING_H

#include "capture_file.h"

#include <errno.h>
#include <sys/resource.h>

/* Whatever opens is read to its end. The number of events, or -1. */
static inline long read_all(const struct capture_file *f, bool *ret_complete)
{
	struct trk_fault fault;
	struct capture *c;
	size_t n;

	if (capture_open(&c, f->path, &fault) != 0) {
		assert_true(fault.code < 0 && fault.why[0]);
		return -1;
	}
	free(capture_file_events(c, UINT32_MAX, &n));
	*ret_complete = c->complete;
	if (!c->complete)
		assert_true(c->damage.code < 0 && c->damage.why[0]);
	capture_close(c);
	return (long)n;
}

static inline struct capture_file header_only(void)
{
	const struct capture_file f = capture_file_new();
	uint8_t header[TRK_HEADER_BYTES];

	trk_header_encode(&(struct trk_header){ .version = 1, .page_bytes = 4096 }, header);
	capture_file_append(&f, header, sizeof(header));
	return f;
}

#endif
