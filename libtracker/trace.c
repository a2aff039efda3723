/* trace - see trace.h. */
#include "trace.h"

#include <string.h>

#include "ask.h"
#include "error.h"
#include "frame_limit.h"
#include "hook.h"
#include "named_domains.h"
#include "own_recorder.h"
#include "print.h"
#include "raw.h"
#include "send.h"
#include "session.h"

/* A program that is to trace itself from its start cannot ask again; and a busy machine may keep the recorder from its work for a second. */
#define ENVIRONMENT_TRIES 5

/* Frames that a trace keeps; 0: this process is not traced. */
static _Atomic uint32_t limit;

static int not_tracing(void)
{
	return error_set(TRACKER_EDISABLED, "tracker is not tracing memory allocations: call tracker_start first");
}

static int ask_about(struct question *q)
{
	return trace_is_tracing() ? ask(q) : not_tracing();
}

/* ---- start and stop ---- */

/* tries: how often the recorder is asked, if it does not answer. */
static int start(int nframe, int tries)
{
	struct question q = { .what = SHM_ASK_START, .given = { (uint64_t)nframe } };
	uint32_t none = 0;
	int code;

	if (nframe < 1 || nframe > TRACKER_NFRAME_MAX)
		return error_set(TRACKER_EINVAL, "the number of frames must be in range [1; 65535]");
	if (trace_is_tracing())
		return TRACKER_OK;
	hook_start();
	code = own_recorder_want(OWN_TRACE, (uint32_t)nframe);
	if (code != TRACKER_OK)
		return code;
	do
		code = ask(&q);
	while (code == TRACKER_EIO && --tries > 0);
	if (code == TRACKER_OK)
		(void)atomic_compare_exchange_strong(&limit, &none, (uint32_t)q.figures[0]); /* another thread may have been first */
	return code;
}

int trace_start(int nframe)
{
	return start(nframe, 1);
}

int trace_stop(void)
{
	struct question q = { .what = SHM_ASK_STOP };
	int code;

	if (!atomic_exchange(&limit, 0))
		return TRACKER_OK;
	code = ask(&q);
	own_recorder_rest(OWN_TRACE);
	return code;
}

static void complain(const char *text)
{
	(void)arch_syscall(SYS_write, 2, (long)text, (long)strlen(text), 0, 0, 0);
}

void trace_by_environment(void)
{
	const char *const text = session_variable("TRACKER_TRACE");
	const int nframe = text ? frame_limit(text) : 0;

	if (nframe < 0) {
		complain("TRACKER_TRACE: invalid number of frames\n");
		(void)arch_syscall(SYS_exit_group, 1, 0, 0, 0, 0, 0);
	}
	if (nframe > 0 && start(nframe, ENVIRONMENT_TRIES) != TRACKER_OK) {
		complain("tracker: TRACKER_TRACE asks for traces, and there are none: ");
		complain(error_last());
		complain("\n");
	}
}

int trace_is_tracing(void)
{
	return atomic_load_explicit(&limit, memory_order_relaxed) != 0;
}

int trace_limit(void)
{
	const uint32_t frames = atomic_load_explicit(&limit, memory_order_relaxed);

	return frames ? (int)frames : not_tracing();
}

/* ---- figures ---- */

int trace_memory(uint64_t domain, size_t *current, size_t *peak)
{
	struct question q = { .what = SHM_ASK_MEMORY, .given = { domain } };
	const int code = trace_is_tracing() ? ask(&q) : TRACKER_OK; /* then nothing happens, as in tracemalloc */

	if (current)
		*current = q.figures[0];
	if (peak)
		*peak = q.figures[1];
	return code;
}

int trace_reset_peak(void)
{
	struct question q = { .what = SHM_ASK_RESET_PEAK };

	return trace_is_tracing() ? ask(&q) : TRACKER_OK;
}

size_t trace_cost(void)
{
	struct question q = { .what = SHM_ASK_COST };

	return ask_about(&q) == TRACKER_OK ? q.figures[0] : 0;
}

uint64_t trace_lost(void)
{
	struct question q = { .what = SHM_ASK_LOST };

	return ask_about(&q) == TRACKER_OK ? q.figures[0] : 0;
}

/* ---- domains ---- */

int trace_track(unsigned domain, uintptr_t address, size_t size)
{
	const struct site at = SITE_HERE();
	struct thread *t;

	if (!hook_start_and_ask() || !state.on || !(t = thread_enter(at.sp)))
		return not_tracing();
	if (__builtin_expect(named_domains_are_untold(), 0))
		named_domains_tell(t);
	send_track(t, domain, address, size, &at);
	thread_leave(t);
	return TRACKER_OK;
}

int trace_untrack(unsigned domain, uintptr_t address)
{
	const struct site at = SITE_HERE();
	struct thread *t;

	if (!hook_start_and_ask() || !state.on || !(t = thread_enter(at.sp)))
		return not_tracing();
	send_untrack(t, domain, address);
	thread_leave(t);
	return TRACKER_OK;
}

int trace_untrack_range(unsigned domain, uintptr_t address, size_t size)
{
	const struct site at = SITE_HERE();
	struct thread *t;

	if (domain == TRACKER_DOMAIN_HEAP)
		return error_set(TRACKER_EINVAL, "the blocks of domain 0 are the heap's: they end one by one, when they are freed");
	if (!hook_start_and_ask() || !state.on || !(t = thread_enter(at.sp)))
		return not_tracing();
	send_untrack_range(t, domain, address, size);
	thread_leave(t);
	return TRACKER_OK;
}

/* ---- one block ---- */

int trace_frames(uint64_t node, struct tracker_raw_traceback_ *ret)
{
	struct shm_frame frames[SHM_ANSWER_BYTES / sizeof(struct shm_frame)];
	uint32_t have = 0;

	while (have < ret->nframe && have < ret->frame_room) {
		struct question q = { .what = SHM_ASK_FRAMES, .given = { node, have }, .answer = frames, .room = sizeof(frames) };
		const int code = ask(&q);

		if (code != TRACKER_OK)
			return code;
		if (!q.count || q.count > sizeof(frames) / sizeof(*frames))
			break;
		for (uint32_t i = 0; i < q.count && have < ret->nframe && have < ret->frame_room; i++) {
			ret->frames[have].offset = (uintptr_t)frames[i].offset;
			ret->frames[have++].module = frames[i].module;
		}
	}
	ret->nframe = have;
	return TRACKER_OK;
}

int trace_object(unsigned domain, uintptr_t address, struct tracker_raw_traceback_ *ret)
{
	struct question q = { .what = SHM_ASK_BLOCK, .given = { domain, address } };
	const int code = ask_about(&q);

	if (code != TRACKER_OK)
		return code;
	ret->address = (uintptr_t)q.figures[0];
	ret->size = q.figures[1];
	ret->nframe = q.figures[3];
	ret->total_nframe = q.figures[4];
	return trace_frames(q.figures[2], ret);
}

/* A path that is longer than an answer, or than there is room, is cut. */
int trace_module(unsigned module, struct tracker_raw_module_ *ret)
{
	const size_t room = ret->path_room ? ret->path_room - 1 : 0;
	struct question q = { .what = SHM_ASK_MODULE, .given = { module }, .answer = ret->path, .room = room };
	const int code = ask(&q);

	if (ret->path_room)
		ret->path[code != TRACKER_OK ? 0 : q.count < room ? q.count :
								    room] = 0;
	ret->build_id_bytes = code == TRACKER_OK && q.figures[0] <= sizeof(ret->build_id) ? q.figures[0] : 0;
	memcpy(ret->build_id, &q.figures[1], ret->build_id_bytes);
	return code;
}

/* Two texts, the second one terminated by us. */
int trace_function(unsigned module, uintptr_t offset, struct tracker_raw_function_ *ret)
{
	const size_t room = ret->room > 2 ? ret->room - 2 : 0;
	struct question q = { .what = SHM_ASK_FUNCTION, .given = { module, offset }, .answer = ret->text, .room = room };
	const int code = room ? ask(&q) : TRACKER_EINVAL;
	const size_t bytes = code == TRACKER_OK && q.count < room ? q.count : room;

	if (code != TRACKER_OK)
		return code;
	memset(ret->text + bytes, 0, 2);
	ret->line = (unsigned)q.figures[0];
	return TRACKER_OK;
}

int trace_module_path(unsigned module, char *path, size_t room)
{
	struct tracker_raw_module_ m = { .path = path, .path_room = room };

	return trace_module(module, &m);
}

/* Asks for the path of a descriptor of the recorder's, and opens it. refusal: what is said if it cannot be opened. */
static int open_theirs(struct question *q, const char *refusal)
{
	char path[64];
	int code;

	q->answer = path;
	q->room = sizeof(path) - 1;
	code = ask(q);
	if (code != TRACKER_OK)
		return code;
	path[q->count < sizeof(path) ? q->count : 0] = 0;
	code = raw_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return code >= 0 ? code : error_set(TRACKER_EIO, refusal);
}

int trace_module_file(unsigned module)
{
	struct question q = { .what = SHM_ASK_MODULE_FILE, .given = { module } };

	return open_theirs(&q, "the file cannot be opened: it lies in the recorder's part of /proc, which is not to be seen from here");
}

/* ---- printing: from signal handlers, and from a program that is about to end ---- */

#define DUMPED_FRAMES 64u
#define PATH_ROOM 1024u

/* As Python prints it. False: it is none of Python's. */
static bool print_python(struct print *p, const struct tracker_raw_frame_ *frame, char text[static PATH_ROOM])
{
	struct tracker_raw_function_ function = { .text = text, .room = PATH_ROOM };

	if (!frame->module || trace_function(frame->module, frame->offset, &function) != TRACKER_OK)
		return false;
	print(p, "  File \"");
	print(p, text + strlen(text) + 1);
	print(p, "\", line ");
	print_number(p, function.line);
	print(p, ", in ");
	print(p, text);
	print(p, "\n");
	return true;
}

void trace_print_frames(struct print *p, const struct tracker_raw_frame_ *frames, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char path[PATH_ROOM];

		if (print_python(p, &frames[i], path))
			continue;
		if (!frames[i].module || trace_module_path(frames[i].module, path, sizeof(path)) != TRACKER_OK)
			memcpy(path, "<unknown>", sizeof("<unknown>"));
		print(p, "  File \"");
		print(p, path);
		print(p, "\", offset ");
		print_hex(p, frames[i].offset);
		print(p, "\n");
	}
}

int trace_dump(int fd, const void *address)
{
	struct tracker_raw_frame_ frames[DUMPED_FRAMES];
	const uint32_t most = atomic_load_explicit(&limit, memory_order_relaxed);
	struct tracker_raw_traceback_ traceback = { .frames = frames, .frame_room = most < DUMPED_FRAMES ? most : DUMPED_FRAMES };
	struct print p = { .fd = fd };
	const int code = trace_object(0, (uintptr_t)address, &traceback);

	if (code != TRACKER_OK)
		return code;
	print(&p, "Memory block allocated at (most recent call first):\n");
	trace_print_frames(&p, frames, traceback.nframe);
	print_flush(&p);
	return TRACKER_OK;
}

/* ---- snapshots ---- */

int trace_snapshot(void)
{
	struct question q = { .what = SHM_ASK_SNAPSHOT };
	int code;

	if (!trace_is_tracing())
		return error_set(TRACKER_EDISABLED, "tracker must be tracing memory allocations to take a snapshot");
	code = ask(&q);
	return code == TRACKER_OK ? (int)(q.figures[0] & INT32_MAX) : code;
}

int trace_open_snapshot(int snapshot)
{
	struct question q = { .what = SHM_ASK_SNAPSHOT_FILE, .given = { (uint64_t)snapshot } };
	struct question done = { .what = SHM_ASK_SNAPSHOT_DONE, .given = { (uint64_t)snapshot } };
	const int fd = open_theirs(&q, "the snapshot cannot be opened: it lies in the recorder's part of /proc, which is not to be seen from here");

	(void)ask(&done);
	return fd;
}
