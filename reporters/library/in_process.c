/*
 * in_process - what the recorder knows of this program, in the form of captures: its live blocks, and the stack of
 * one of them.
 *
 * The recorder writes a snapshot into memory, as a capture. For one block it tells modules and offsets. They become a
 * capture of one stack, so that its names are found like all others.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failure.h"
#include "format/array.h"
#include "format/shm.h"
#include "format/writer.h"
#include "own.h"
#include "snapshot.h"
#include "traceback_object.h"

#define PATH_ROOM 4096u

/* The failure of a call to the recorder, which returned `code`. */
static int recorder_failure(int code)
{
	const char *const sentence = tracker_last_error();

	return failure(code, "%s", *sentence ? sentence : tracker_strerror(code));
}

/* The recorder's numbers of the modules of a capture, by the capture's. */
struct numbers {
	unsigned *list;
	size_t count;
	uint32_t room;
	unsigned python; /* which of them has the functions of Python; 0: none */
};

/* Opens the capture in fd, which is closed. */
static int open_source(struct source **ret, int fd, const struct numbers *modules)
{
	char path[64];
	int code;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	code = source_open_own(ret, path, modules->list, modules->count);
	close(fd);
	return code;
}

/* ---- snapshots ---- */

/* The snapshot that the recorder has under that number, or a failure. */
static struct tracker_snapshot *open_taken(int number)
{
	const struct point_range end = { .from.kind = POINT_END };
	const int fd = number < 0 ? number : TRACKER_CALL_(open_snapshot, TRACKER_EDISABLED, (number));
	struct tracker_snapshot *ret;
	struct source *source;

	if (fd < 0) {
		recorder_failure(fd);
		return NULL;
	}
	if (open_source(&source, fd, &(struct numbers){ 0 }) != TRACKER_OK)
		return NULL;
	ret = snapshot_at(source, &end);
	source_drop(source);
	return ret;
}

tracker_snapshot *tracker_take_snapshot(void)
{
	OWN_MEMORY;

	return open_taken(TRACKER_CALL_(take_snapshot, TRACKER_EDISABLED, ()));
}

/* The blocks are looked up with our memory hidden; what the caller's function allocates is the program's. */
static struct tracker_snapshot *survivors_of(const tracker_capture *capture)
{
	OWN_MEMORY;

	return open_taken(TRACKER_CALL_(capture_survivors, TRACKER_EDISABLED, (capture)));
}

int tracker_capture_surviving(const tracker_capture *capture, void (*function)(const tracker_trace *trace, void *user), void *user)
{
	tracker_snapshot *const s = survivors_of(capture);

	if (!s)
		return tracker_replay_last_code();
	for (size_t i = 0; i < tracker_snapshot_len(s); i++) {
		tracker_trace trace;

		if (tracker_snapshot_trace(s, i, &trace) == TRACKER_OK)
			function(&trace, user);
	}
	tracker_snapshot_free(s);
	return TRACKER_OK;
}

/* ---- one block ---- */

/* The path of a file has a slash. */
static bool is_python(const char *path)
{
	return strncmp(path, "Python 3.", strlen("Python 3.")) == 0 && !strchr(path, '/');
}

/* The number in the capture of that module of the recorder's, which is asked for once. */
static uint32_t write_module(struct writer *w, unsigned module, struct numbers *modules)
{
	char path[PATH_ROOM];
	struct tracker_raw_module_ m = { .path = path, .path_room = sizeof(path) };
	uint32_t number;

	for (size_t i = 1; i < modules->count; i++)
		if (modules->list[i] == module)
			return (uint32_t)i;
	if (!module || TRACKER_CALL_(module, TRACKER_EDISABLED, (module, &m)) != TRACKER_OK)
		return 0;
	if (is_python(path))
		modules->python = module;
	number = writer_module(w, &(struct trk_module){ .path = path, .build_id = m.build_id, .build_id_bytes = (uint32_t)m.build_id_bytes, .identity = module, .flags = is_python(path) ? TRK_MODULE_MADE | TRK_MODULE_PYTHON : 0 });
	if (!ARRAY_ZEROES(modules->list, modules->room, (size_t)number + 1, 16))
		return 0;
	modules->list[number] = module;
	if (modules->count <= number)
		modules->count = (size_t)number + 1;
	return number;
}

/* The names of a function of Python are the recorder's: no file has them. */
static uint32_t write_frame(struct writer *w, const struct tracker_raw_frame_ *f, struct numbers *modules)
{
	char text[2 * PATH_ROOM];
	struct tracker_raw_function_ function = { .text = text, .room = sizeof(text) };
	const uint32_t frame = writer_frame(w, write_module(w, f->module, modules), f->offset);

	if (f->module && f->module == modules->python && TRACKER_CALL_(function, TRACKER_EDISABLED, (f->module, f->offset, &function)) == TRACKER_OK)
		writer_symbols(w, frame, &(struct trk_symbol_text){ .function = text, .file = text + strlen(text) + 1, .line = function.line }, 1);
	return frame;
}

/* A capture of that one stack, with that limit of frames. TRK_ERR_NOMEM, TRK_ERR_IO. */
static int write_stack(int fd, const struct tracker_raw_traceback_ *raw, uint32_t limit, uint32_t *ret_node, struct numbers *modules)
{
	const struct trk_header header = { .version = TRK_VERSION, .page_bytes = (uint32_t)sysconf(_SC_PAGESIZE), .id = 1 };
	struct writer *w = NULL;
	uint32_t node = 0;
	int err = writer_new(&w, fd, &header);

	if (!err) {
		for (size_t i = raw->nframe; i--;)
			node = writer_node(w, node, write_frame(w, &raw->frames[i], modules));
		if (raw->total_nframe > raw->nframe)
			node = writer_node(w, node, writer_frame(w, 0, TRK_FRAME_DEPTH + raw->total_nframe));
		writer_health(w, "traceback_limit", limit);
		err = writer_finish(w);
	}
	writer_free(w);
	*ret_node = node;
	return err;
}

/* The node's traceback, which keeps `s`. NULL: there is no memory, and `s` is freed. */
static struct tracker_traceback *own_traceback(struct source *s, uint32_t node)
{
	struct tracker_traceback *const t = malloc(sizeof(*t));
	const struct tracker_traceback *shared;

	source_lock(s);
	shared = source_traceback(s, node);
	source_unlock(s);
	if (t && shared) {
		*t = *shared;
		t->owner = s;
		return t;
	}
	failure_no_memory();
	free(t);
	source_drop(s);
	return NULL;
}

static struct tracker_traceback *name(const struct tracker_raw_traceback_ *raw, uint32_t limit)
{
	const int fd = memfd_create("tracker-traceback", MFD_CLOEXEC);
	struct numbers modules = { 0 };
	struct source *source = NULL;
	uint32_t node = 0;
	const int err = fd < 0 ? TRK_ERR_IO : write_stack(fd, raw, limit, &node, &modules);

	if (!err)
		(void)open_source(&source, fd, &modules);
	else if (err == TRK_ERR_NOMEM)
		failure_no_memory();
	else
		failure(TRACKER_EIO, "the traceback cannot be kept: %s", strerror(errno));
	if (err && fd >= 0)
		close(fd);
	free(modules.list);
	return source ? own_traceback(source, node) : NULL;
}

tracker_traceback *tracker_get_object_traceback_in(unsigned domain, uintptr_t ptr)
{
	OWN_MEMORY;
	const int limit = tracker_get_traceback_limit();
	struct tracker_raw_traceback_ raw = { .frame_room = limit > 0 ? (size_t)limit * SHM_FRAMES_PYTHON + SHM_FRAMES_MORE : 0 };
	struct tracker_traceback *ret = NULL;
	int code;

	if (limit < 0) {
		recorder_failure(limit);
		return NULL;
	}
	raw.frames = calloc(raw.frame_room + 1, sizeof(*raw.frames));
	if (!raw.frames) {
		failure_no_memory();
		return NULL;
	}
	code = TRACKER_CALL_(object_traceback, TRACKER_EDISABLED, (domain, ptr, &raw));
	if (code == TRACKER_OK)
		ret = name(&raw, (uint32_t)limit);
	else
		recorder_failure(code);
	free(raw.frames);
	return ret;
}

tracker_traceback *tracker_get_object_traceback(const void *ptr)
{
	return tracker_get_object_traceback_in(TRACKER_DOMAIN_HEAP, (uintptr_t)ptr);
}
