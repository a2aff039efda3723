/*
 * dump_writer - the lines of tracker-dump on their way into a file, in one of several forms.
 *
 * Captures have millions of events: lines are put together by hand in one buffer. What needs escaping (stacks, labels)
 * goes past it, and rendered stacks are remembered.
 */
#ifndef DUMP_WRITER_H
#define DUMP_WRITER_H

#include <string.h>

#include "common/report.h"
#include "dump/dump_line.h"
#include "replay/domain_names.h"

#define DUMP_LINE_ROOM 512u /* of a line without stack and label */
#define DUMP_BUFFER_BYTES 65536u

struct dump_writer;

struct dump_form {
	void (*begin)(struct dump_writer *w); /* before the first line; may be NULL */
	int (*line)(struct dump_writer *w, const struct dump_line *l); /* TRK_ERR_NOMEM */
	void (*frames)(FILE *f, const struct source_frame *frames, size_t count);
};

extern const struct dump_form dump_text, dump_json, dump_csv;

struct dump_writer {
	const struct dump_form *form;
	FILE *file;
	bool with_stacks;
	struct report *report;
	uint64_t sequence; /* of the next line */
	bool mute; /* lines are counted, and not written */
	uint32_t *depths; /* see depths.h */
	struct dump_stack *stacks; /* as they were rendered */
	char *at; /* in buffer */
	char buffer[DUMP_BUFFER_BYTES];
};

/* form, file, with_stacks and report are set; the report has its stacks. TRK_ERR_NOMEM; finish it in any case. */
int dump_writer_start(struct dump_writer *w);
int dump_writer_line(struct dump_writer *w, const struct dump_line *l);
void dump_writer_flush(struct dump_writer *w);
void dump_writer_finish(struct dump_writer *w); /* zero-safe */

/* ---- for forms ---- */

/* The text of the stack that form->frames made, without a newline at its end. NULL: there is no memory. */
const char *dump_stack(struct dump_writer *w, uint32_t node);

static inline void dump_put(struct dump_writer *w, const char *text)
{
	const size_t n = strlen(text);

	memcpy(w->at, text, n);
	w->at += n;
}

/* What the event's process calls its domain. NULL: nothing. */
const char *dump_domain_name(const struct dump_writer *w, const struct trk_event *e, char room[DOMAIN_NAME_ROOM]);

void dump_put_number(struct dump_writer *w, uint64_t n);
void dump_put_hex(struct dump_writer *w, uint64_t n);

/* key: with the characters around it, as `,"size":`. */
static inline void dump_put_field(struct dump_writer *w, const char *key, uint64_t n)
{
	dump_put(w, key);
	dump_put_number(w, n);
}

#endif
