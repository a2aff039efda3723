/*
 * library - captures for the tests of libtracker-replay, and what is expected of their snapshots. The first of them is that of
 * CPython's own tests of tracemalloc, so that what is expected is what CPython's classes say.
 */
#ifndef TEST_LIBRARY_H
#define TEST_LIBRARY_H

#include "capture_file.h"

#include <tracker-replay.h>

/* ---- captures ---- */

struct making {
	struct capture_file file;
	struct writer *writer;
	uint32_t module;
	uint64_t address, offset, time_ns;
};

static inline struct making begin(void)
{
	struct making m = { .file = capture_file_new(), .address = 0x1000, .offset = 0x10 };

	m.writer = capture_file_writer(&m.file);
	writer_process(m.writer, &(struct trk_process){ .pid = 100, .end_ns = UINT64_MAX, .parent = UINT32_MAX, .name = "app" });
	writer_thread(m.writer, &(struct trk_thread){ .tid = 100, .end_ns = UINT64_MAX, .main = true });
	m.module = writer_module(m.writer, &(struct trk_module){ .path = "/bin/app", .flags = TRK_MODULE_MAIN });
	return m;
}

struct at {
	const char *file;
	uint32_t line;
	const char *function;
};

/* A call of `parent`'s, in the frame `f`; NULL: a frame without symbols. */
static inline uint32_t below(struct making *m, uint32_t parent, const struct at *f)
{
	const uint32_t frame = writer_frame(m->writer, m->module, m->offset += 0x10);

	writer_symbols(m->writer, frame, &(struct trk_symbol_text){ f->function, f->file, f->line, false }, 1);
	return writer_node(m->writer, parent, frame);
}

/* The oldest first; ends with a NULL file. No frame: the empty stack. */
static inline uint32_t stack(struct making *m, const struct at *frames)
{
	uint32_t node = 0;

	for (; frames->file; frames++)
		node = below(m, node, frames);
	return node;
}

#define STACK(m, ...) stack(m, (const struct at[]){ __VA_ARGS__, { NULL, 0, NULL } })

static inline void put(struct making *m, uint32_t domain, uint64_t size, uint32_t node)
{
	struct trk_event e = event_of(0, m->time_ns, domain ? TRK_TRACK : TRK_MALLOC, m->address, size);

	e.domain = domain;
	e.node = node;
	writer_event(m->writer, &e);
	m->address += 0x10000;
}

static inline void mark(struct making *m, const char *label)
{
	struct trk_event e = event_of(0, m->time_ns, TRK_MARK, 0, 0);

	e.label = label;
	e.label_bytes = (uint32_t)strlen(label);
	writer_event(m->writer, &e);
}

static inline void end(struct making *m)
{
	capture_file_finish(m->writer);
}

static inline tracker_snapshot *load_at(const struct capture_file *f, const char *point)
{
	char path[200];
	tracker_snapshot *s;

	snprintf(path, sizeof(path), "%s@%s", f->path, point);
	s = tracker_snapshot_load(path);
	assert_non_null(s);
	return s;
}

/* CPython's create_snapshots(): the first, and the second. */
static inline struct making cpython(void)
{
	struct making m = begin();
	const uint32_t b4 = STACK(&m, { "b.c", 4, "b" }), a2 = below(&m, b4, &(struct at){ "a.c", 2, "a" });
	const uint32_t a5 = below(&m, b4, &(struct at){ "a.c", 5, "a" }), b1 = STACK(&m, { "b.c", 1, "b" });
	const uint32_t c578 = STACK(&m, { "c.c", 578, "c" });
	const uint64_t first = m.address;

	put(&m, 0, 10, a2);
	put(&m, 0, 10, a2);
	put(&m, 0, 10, a2);
	put(&m, 1, 2, a5);
	put(&m, 2, 66, b1);
	put(&m, 3, 7, 0);
	mark(&m, "one");
	for (uint32_t domain = 1; domain <= 3; domain++) {
		struct trk_event e = event_of(0, 0, TRK_UNTRACK, first + (2 + domain) * 0x10000, 0);

		e.domain = domain;
		writer_event(m.writer, &e);
	}
	put(&m, 2, 2, a5);
	put(&m, 2, 5000, a5);
	put(&m, 4, 400, c578);
	mark(&m, "two");
	end(&m);
	return m;
}

/* ---- what is expected ---- */

static inline void expect_statistics(const tracker_snapshot *s, tracker_key_type by, bool cumulative, const char *const *lines)
{
	tracker_statistic *all;
	size_t n, i = 0;
	char text[300];

	assert_int_equal(tracker_snapshot_statistics(s, by, cumulative, &all, &n), TRACKER_OK);
	for (; i < n && lines[i]; i++) {
		assert_int_equal(tracker_statistic_format(text, sizeof(text), &all[i]), strlen(lines[i]));
		assert_string_equal(text, lines[i]);
	}
	assert_int_equal(i, n);
	assert_null(lines[i]);
	tracker_statistics_free(all);
}

static inline void expect_changes(const tracker_snapshot *newer, const tracker_snapshot *older, tracker_key_type by, const char *const *lines)
{
	tracker_statistic_diff *all;
	size_t n, i = 0;
	char text[300];

	assert_int_equal(tracker_snapshot_compare_to(newer, older, by, false, &all, &n), TRACKER_OK);
	for (; i < n && lines[i]; i++) {
		assert_int_equal(tracker_statistic_diff_format(text, sizeof(text), &all[i]), strlen(lines[i]));
		assert_string_equal(text, lines[i]);
	}
	assert_int_equal(i, n);
	assert_null(lines[i]);
	tracker_statistics_free(all);
}

#define ANY (-1) /* line, domain */
#define LINES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_LINES ((const char *const[]){ NULL })

static inline void expect_failure(int code, const char *part)
{
	assert_int_equal(tracker_replay_last_code(), code);
	if (!strstr(tracker_replay_last_error(), part))
		fail_msg("\"%s\" does not contain \"%s\"", tracker_replay_last_error(), part);
}

static inline char *printed(const tracker_traceback *t, int limit, bool most_recent_first)
{
	char *text = NULL;
	size_t size;
	FILE *const f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(tracker_traceback_print(t, f, limit, most_recent_first), TRACKER_OK);
	fclose(f);
	return text;
}

static inline void expect_printed(const tracker_traceback *t, int limit, bool most_recent_first, const char *want)
{
	char *const text = printed(t, limit, most_recent_first);

	assert_string_equal(text, want);
	free(text);
}

#endif
