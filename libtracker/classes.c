/* classes - see classes.h. */
#include "classes.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "ask.h"
#include "error.h"
#include "hook.h"
#include "looked_at.h"
#include "quarantine.h"
#include "raw.h"
#include "send.h"
#include "thread.h"

#define NAME_BYTES 500u /* of a pattern, and of a name to show */
#define LABEL_BYTES 128u
#define LEVEL_MAX 255u

_Static_assert((int)TRK_CLASS_TRACK == (int)TRACKER_CLASS_TRACK_ && (int)TRK_CLASS_CLEAR == (int)TRACKER_CLASS_CLEAR_, "one numbering");

static bool is_name(const char *name)
{
	return name && name[0] && strnlen(name, NAME_BYTES + 1) <= NAME_BYTES && !strchr(name, '\n');
}

/* The pattern, or a type; and behind a newline the name to show. */
static void join(char text[SHM_TEXT_BYTES], const char *type_name, const char *shown)
{
	const size_t n = type_name ? strlen(type_name) : 0, more = shown ? strlen(shown) : 0;

	if (n)
		memcpy(text, type_name, n);
	if (more) {
		text[n] = '\n';
		memcpy(text + n + 1, shown, more);
	}
	text[n + (more ? more + 1 : 0)] = 0;
}

/* The sentence of an answer that says no. */
static int refused(int code, unsigned operation)
{
	switch (code) {
	case TRACKER_ENOENT:
		return error_set(code, operation == TRK_CLASS_DETACH ? "no class of that name is tracked" : "no live block begins at that address, or it is not tracked");
	case TRACKER_ENOTSUP:
		return error_set(code, "this recording does not know single blocks: it is aggregated or sampled");
	case TRACKER_ENOMEM:
		return error_set(code, "too many classes are tracked");
	}
	return code;
}

static int ask_about(unsigned operation, struct question *q)
{
	const int ret = ask(q);

	return ret == TRACKER_OK ? ret : refused(ret, operation);
}

static int check(unsigned operation, const void *ptr, const char *type_name, const tracker_track_options *o)
{
	if ((operation == TRK_CLASS_TRACK || operation == TRK_CLASS_DETACH) && !is_name(type_name))
		return error_set(TRACKER_EINVAL, "the name of the class is NULL, empty, longer than 500 bytes, or has a newline");
	if (operation == TRK_CLASS_OBJECT && type_name && type_name[0] && !is_name(type_name))
		return error_set(TRACKER_EINVAL, "the name of the type is longer than 500 bytes, or has a newline");
	if ((operation == TRK_CLASS_OBJECT || operation == TRK_CLASS_CHANGE) && !ptr)
		return error_set(TRACKER_EINVAL, "the block is NULL");
	if (o && o->name && o->name[0] && !is_name(o->name))
		return error_set(TRACKER_EINVAL, "the name to show is longer than 500 bytes, or has a newline");
	if (o && o->resolution_level > LEVEL_MAX)
		return error_set(TRACKER_EINVAL, "the resolution level is above 255");
	return TRACKER_OK;
}

/* `ret` is what the recorder answered. */
static int keep(unsigned operation, const void *ptr, const tracker_track_options *o, const struct question *q, int ret)
{
	if (ret != TRACKER_OK || !o->keep)
		return ret;
	if (operation == TRK_CLASS_TRACK)
		quarantine_class();
	return operation == TRK_CLASS_OBJECT && q->figures[0] ? quarantine_object(ptr, q->figures[1]) : ret;
}

int class_do(unsigned operation, const void *ptr, const char *type_name, const tracker_track_options *options)
{
	static const tracker_track_options none = { NULL, 0, false, false };
	const tracker_track_options *const o = options ? options : &none;
	const struct site at = SITE_HERE();
	struct question q = { .what = SHM_ASK_CLASS, .at = &at };
	char text[SHM_TEXT_BYTES];
	const int ret = check(operation, ptr, type_name, options);

	if (ret != TRACKER_OK)
		return ret;
	join(text, type_name, o->name);
	q.text = text;
	q.given[0] = operation | o->resolution_level << 8 | (o->keep ? TRK_CLASS_KEEP : 0) | (o->trace ? TRK_CLASS_TRACE : 0);
	q.given[1] = (uintptr_t)ptr;
	return keep(operation, ptr, o, &q, ask_about(operation, &q));
}

int class_label(const void *ptr, const char *label)
{
	const struct site at = SITE_HERE();
	struct thread *t;

	if (!ptr || !label)
		return error_set(TRACKER_EINVAL, "the block or its label is NULL");
	if (!hook_start_and_ask() || !state.on || !(t = thread_enter(at.sp)))
		return error_set(TRACKER_EDISABLED, "this program is not being recorded: run it with tracker run");
	send_about(t, &(struct trk_event){ .kind = TRK_CLASS, .address = (uintptr_t)ptr, .size = TRK_CLASS_LABEL, .label = label, .label_bytes = (uint32_t)strnlen(label, LABEL_BYTES) }, &at);
	thread_leave(t);
	return TRACKER_OK;
}

/* What malloc says of itself: bytes in use, free, and mapped singly. Not inside of another hook, which may hold its lock. */
static void look_at_malloc(uint64_t figures[3])
{
	struct real_mallinfo m;

	if (!real.mallinfo2 || !real_is_libcs() || tls.real_frame || tls.level)
		return;
	m = real.mallinfo2();
	figures[0] = m.uordblks;
	figures[1] = m.fordblks;
	figures[2] = m.hblkhd;
}

int class_snapshot(const char *description, bool compute_total)
{
	const struct site at = SITE_HERE();
	struct question q = { .what = SHM_ASK_CLASS, .text = description ? description : "", .at = &at };
	int ret;

	__builtin_unwind_init(); /* as in looked_at.c */
	q.given[0] = TRK_CLASS_SNAPSHOT | (compute_total ? TRK_CLASS_TOTAL : 0);
	if (hook_start_and_ask() && state.on) {
		look_prepare();
		look_at_malloc(&q.given[1]);
	}
	ret = ask_about(TRK_CLASS_SNAPSHOT, &q);
	if (ret == TRACKER_OK && q.figures[0])
		(void)arch_syscall(SYS_wait4, (long)q.figures[0], 0, __WALL, 0, 0, 0);
	return ret;
}

int class_periodic(uint64_t interval_ns)
{
	struct question q = { .what = SHM_ASK_CLASS, .text = "", .given = { SHM_CLASS_PERIODIC, interval_ns } };

	if (interval_ns == UINT64_MAX)
		return error_set(TRACKER_EINVAL, "the distance of snapshots is not between 0.001 and 1e9 seconds");
	if (hook_start_and_ask() && state.on)
		look_prepare();
	return ask_about(TRK_CLASS_SNAPSHOT, &q);
}

int class_dump(const char *path)
{
	struct question q = { .what = SHM_ASK_CLASS, .text = "", .given = { SHM_CLASS_DUMP } };
	bool is_new;
	long fd;
	int ret;

	if (!path || !path[0])
		return error_set(TRACKER_EINVAL, "the path is NULL or empty");
	if (!hook_start_and_ask() || !state.on)
		return error_set(TRACKER_EDISABLED, "this program is not being recorded: run it with tracker run");
	fd = arch_syscall(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666, 0, 0);
	is_new = fd >= 0;
	if (!is_new)
		fd = arch_syscall(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_CREAT | O_CLOEXEC, 0666, 0, 0);
	if (fd < 0)
		return error_about(TRACKER_EIO, "", path, " cannot be created");
	q.given[1] = (uint64_t)fd;
	ret = ask(&q);
	(void)arch_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
	if (ret != TRACKER_OK && is_new)
		(void)arch_syscall(SYS_unlinkat, AT_FDCWD, (long)path, 0, 0, 0, 0);
	if (ret == TRACKER_ENOTSUP)
		return error_set(ret, "only a recording that lies in one whole file, of tracker run, can be dumped");
	return ret == TRACKER_EIO ? error_about(ret, "", path, " cannot be written, or the recorder does not answer") : ret;
}
