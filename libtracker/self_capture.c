/* self_capture - see self_capture.h. */
#include "self_capture.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "ask.h"
#include "error.h"
#include "format/python_env.h"
#include "hook.h"
#include "own_recorder.h"
#include "raw.h"
#include "sending.h"

#define NFRAME_DEFAULT 1024
#define MS_NS 1000000ull

enum stage { NEW,
	     ENTERED,
	     LEFT };

struct tracker_capture {
	enum stage stage;
	int fd; /* of the file until the capture is entered; -1 */
	struct sending sending; /* of a capture that is sent; then `path` is the address */
	bool created; /* by this capture: the file is removed if the capture is never entered */
	uint32_t pid; /* of the process that made it, or entered it */
	uint32_t flags, nframe;
	uint64_t memory_interval_ns;
	bool lifetimes, python_objects;
	bool began_objects; /* no other recording has asked for them */
	char path[PATH_MAX];
};

/* The capture that is active in this process, or was active in its parent when it forked. */
static _Atomic(struct tracker_capture *) active;

/* ---- the file ---- */

static const char *reason(long error)
{
	static const struct {
		int number;
		const char *text;
	} reasons[] = {
		{ EACCES, "Permission denied" },
		{ ENOENT, "No such file or directory" },
		{ ENOTDIR, "Not a directory" },
		{ EISDIR, "Is a directory" },
		{ EROFS, "Read-only file system" },
		{ ENOSPC, "No space left on device" },
		{ EDQUOT, "Disk quota exceeded" },
		{ EMFILE, "Too many open files" },
		{ ENFILE, "Too many open files in system" },
		{ ELOOP, "Too many levels of symbolic links" },
		{ ENAMETOOLONG, "File name too long" },
		{ EFBIG, "File too large" },
		{ ENOMEM, "Cannot allocate memory" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].number == error)
			return reasons[i].text;
	return "the system refuses it";
}

static int cannot_create(const char *path, const char *why)
{
	const int code = error_about(TRACKER_EIO, "Could not create output file ", path, ": ");

	return error_about(code, error_last(), why, "");
}

static long open_file(const char *path, int flags)
{
	const long fd = arch_syscall(SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC | O_NOCTTY, 0600, 0, 0);
	const int high = raw_high((int)fd);

	return fd < 0 ? fd : high < 0 ? -EMFILE :
					high;
}

/* Devices and pipes are written to as they are. A regular file is overwritten only if the caller asks for that. */
static int open_output(struct tracker_capture *c, bool overwrite)
{
	struct stat st;
	long fd = open_file(c->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);

	c->created = fd >= 0;
	if (fd == -EEXIST) {
		fd = open_file(c->path, O_RDWR);
		if (fd >= 0 && !overwrite && raw_stat_fd((int)fd, &st) && S_ISREG(st.st_mode)) {
			raw_close((int)fd);
			return error_about(TRACKER_EEXIST, "Output file ", c->path, " already exists; set overwrite to true to overwrite it");
		}
	}
	if (fd < 0)
		return cannot_create(c->path, reason(-fd));
	c->fd = (int)fd;
	return TRACKER_OK;
}

static void close_output(struct tracker_capture *c)
{
	if (c->fd < 0)
		return;
	raw_close(c->fd);
	c->fd = -1;
	if (c->created && c->stage == NEW)
		(void)arch_syscall(SYS_unlinkat, AT_FDCWD, (long)c->path, 0, 0, 0, 0);
}

/* ---- what is asked for ---- */

static int check_stacks(const struct tracker_options *o)
{
	if (!o->native_traces)
		return error_set(TRACKER_ENOTSUP, "native stacks are the only ones that there are: native_traces must be true");
	if (o->nframe < 0 || o->nframe > TRACKER_NFRAME_MAX)
		return error_set(TRACKER_EINVAL, "the number of frames must be in range [1; 65535]");
	return TRACKER_OK;
}

static int check(const struct tracker_options *o)
{
	const struct tracker_destination *const d = o->destination;

	if (!o->file_name == !d)
		return error_set(TRACKER_EINVAL, "Exactly one of 'file_name' or 'destination' argument must be specified");
	if (d && d->kind == TRACKER_DESTINATION_SOCKET && o->file_format != TRACKER_FILE_FORMAT_ALL_ALLOCATIONS)
		return error_set(TRACKER_EINVAL, "AGGREGATED_ALLOCATIONS requires an output file");
	if (d && d->kind == TRACKER_DESTINATION_SOCKET && o->follow_fork)
		return error_set(TRACKER_EINVAL, "follow_fork requires an output file");
	if (d && d->kind == TRACKER_DESTINATION_SOCKET)
		return check_stacks(o);
	if ((d && (d->kind != TRACKER_DESTINATION_FILE || !d->path || !d->path[0])) || (!d && !o->file_name[0]))
		return error_set(TRACKER_EINVAL, "the output file has no name");
	if (strlen(d ? d->path : o->file_name) >= PATH_MAX)
		return cannot_create(d ? d->path : o->file_name, reason(ENAMETOOLONG));
	if (o->file_format != TRACKER_FILE_FORMAT_ALL_ALLOCATIONS && o->file_format != TRACKER_FILE_FORMAT_AGGREGATED_ALLOCATIONS)
		return error_set(TRACKER_EINVAL, "the file format is none of enum tracker_file_format");
	return check_stacks(o);
}

static int take(struct tracker_capture *c, const struct tracker_options *o)
{
	const struct tracker_destination *const d = o->destination;
	const char *const path = d ? d->path : o->file_name;
	const bool is_sent = d && d->kind == TRACKER_DESTINATION_SOCKET;

	c->fd = c->sending.socket = -1;
	c->pid = raw_getpid();
	c->nframe = o->nframe ? (uint32_t)o->nframe : NFRAME_DEFAULT;
	c->memory_interval_ns = o->memory_interval_ms * MS_NS;
	c->lifetimes = o->track_object_lifetimes;
	c->python_objects = o->trace_python_allocators;
	c->flags = (o->file_format == TRACKER_FILE_FORMAT_AGGREGATED_ALLOCATIONS ? SHM_CAPTURE_AGGREGATED : 0) |
		   (d && !is_sent && !d->compress_on_exit ? SHM_CAPTURE_UNPACKED : 0) | (o->follow_fork ? SHM_CAPTURE_FOLLOWS_FORK : 0) |
		   (d && !is_sent && d->overwrite ? SHM_CAPTURE_OVERWRITES : 0);
	if (!is_sent) {
		memcpy(c->path, path, strlen(path) + 1);
		return open_output(c, c->flags & SHM_CAPTURE_OVERWRITES);
	}

	const int code = sending_address(d->address, d->server_port, c->path);

	return code == TRACKER_OK ? sending_start(&c->sending, c->path, &c->fd) : code;
}

static const size_t whole_pages = (sizeof(struct tracker_capture) / RAW_PAGE_MOST + 1) * RAW_PAGE_MOST;

struct tracker_capture *capture_new(const struct tracker_options *options)
{
	struct tracker_options o = { 0 };
	struct tracker_capture *c;

	if (!options || options->struct_size < offsetof(struct tracker_options, nframe) + sizeof(int)) {
		(void)error_set(TRACKER_EINVAL, "the options were not made by tracker_options_init");
		return NULL;
	}
	memcpy(&o, options, options->struct_size < sizeof(o) ? options->struct_size : sizeof(o));
	if (check(&o) != TRACKER_OK)
		return NULL;
	c = raw_map_private(whole_pages);
	if (!c) {
		(void)error_set(TRACKER_ENOMEM, "there is no memory for a capture");
		return NULL;
	}
	if (take(c, &o) == TRACKER_OK)
		return c;
	raw_release(c, whole_pages);
	return NULL;
}

/* ---- its time ---- */

static bool is_ours(const struct tracker_capture *c)
{
	return c && (c->pid == raw_getpid() || c->flags & SHM_CAPTURE_FOLLOWS_FORK);
}

/* A recording that goes on and shows arenas cannot show objects, too, because then both would count. */
static bool shows_objects(void)
{
	const char *const chosen = session_variable(PYTHON_ENV);

	return state.shm->header.flags & (SHM_PYTHON_MALLOC | SHM_PYTHON_OBJECTS) ||
	       (chosen && strncmp(chosen, PYTHON_ENV_VALUE, strlen(PYTHON_ENV_VALUE)) == 0);
}

static int begin(struct tracker_capture *c)
{
	struct question q = { .what = SHM_ASK_CAPTURE, .given = { (uint64_t)c->fd, c->nframe, c->flags, c->memory_interval_ns } };
	int code;

	hook_start();
	if (c->python_objects && state.on && !shows_objects())
		return error_set(TRACKER_ENOTSUP, "the arenas that objects of Python lie in are being recorded already: trace_python_allocators needs "
						  "tracker run --trace-python-allocators, or that nothing else is recorded");
	code = own_recorder_want(OWN_CAPTURE, c->nframe);
	if (code != TRACKER_OK)
		return code;
	code = ask(&q);
	if (code == TRACKER_EIO && q.figures[0])
		code = cannot_create(c->sending.socket < 0 ? c->path : "for the client", reason((long)q.figures[0]));
	if (code != TRACKER_OK)
		own_recorder_rest(OWN_CAPTURE);
	c->began_objects = code == TRACKER_OK && c->python_objects && !shows_objects();
	if (c->began_objects)
		python_want_objects(true);
	return code;
}

int capture_enter(struct tracker_capture *c)
{
	struct tracker_capture *other = atomic_load(&active);
	int code;

	if (!c)
		return error_set(TRACKER_EINVAL, "there is no capture to enter");
	if (c->stage != NEW)
		return error_set(TRACKER_ESTALE, "Attempting to use stale output handle");
	if (is_ours(other) || !atomic_compare_exchange_strong(&active, &other, c))
		return error_set(TRACKER_EBUSY, "No more than one Tracker instance can be active at the same time");
	c->pid = raw_getpid();
	code = begin(c);
	if (code == TRACKER_EBUSY)
		code = error_set(TRACKER_EBUSY, "No more than one Tracker instance can be active at the same time");
	if (code != TRACKER_OK) {
		atomic_store(&active, NULL);
		return code;
	}
	c->stage = ENTERED;
	close_output(c);
	return TRACKER_OK;
}

int capture_exit(struct tracker_capture *c)
{
	struct question q = { .what = SHM_ASK_CAPTURE_END };
	int code;

	if (!c || c->stage != ENTERED)
		return error_set(TRACKER_EINVAL, "the capture was not entered, or is left already");
	if (!is_ours(c))
		return error_set(TRACKER_EINVAL, "the capture is that of the process that forked this one");
	c->stage = LEFT;
	if (c->began_objects)
		python_want_objects(false);
	code = ask(&q);
	if (code == TRACKER_EIO && q.figures[0]) {
		code = error_about(TRACKER_EIO, "the capture ", c->path, " could not be written: ");
		code = error_about(code, error_last(), reason((long)q.figures[0]), "");
	}
	if (c->sending.socket >= 0 && code == TRACKER_OK)
		code = sending_finish(&c->sending);
	atomic_store(&active, NULL);
	if (!c->lifetimes)
		own_recorder_rest(OWN_CAPTURE);
	return code;
}

int capture_free(struct tracker_capture *c)
{
	struct tracker_capture *entered = c;
	int code = TRACKER_OK;

	if (!c)
		return TRACKER_OK;
	if (c->stage == ENTERED && is_ours(c))
		code = capture_exit(c);
	(void)atomic_compare_exchange_strong(&active, &entered, NULL); /* in a forked child it may still stand for the parent's */
	if (c->lifetimes && c->stage == LEFT)
		own_recorder_rest(OWN_CAPTURE);
	close_output(c);
	sending_leave(&c->sending, c->pid == raw_getpid());
	raw_release(c, whole_pages);
	return code;
}

int capture_is_active(void)
{
	return is_ours(atomic_load(&active));
}

int capture_survivors(const struct tracker_capture *c)
{
	struct question q = { .what = SHM_ASK_SURVIVORS };
	int code;

	if (!c || !c->lifetimes)
		return error_set(TRACKER_ENOTSUP, "the capture does not track lifetimes: set track_object_lifetimes to true");
	if (c->stage != LEFT)
		return error_set(TRACKER_EBUSY, "the capture is not finished: blocks that survive are known when it was left");
	code = ask(&q);
	return code == TRACKER_OK ? (int)(q.figures[0] & INT32_MAX) : code;
}
