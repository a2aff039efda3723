/* watch_act - see watch_act.h. */
#include "watch_act.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "backtrace.h"
#include "cfi.h"
#include "format/bucket.h"
#include "format/trk.h"
#include "raw.h"

#define TEXT_BYTES (32u << 10)
#define FRAMES_MOST 64u
#define LEAKS_TOLD 4u

static _Atomic(tracker_alarm_fn) thrower;

void watch_set_thrower(tracker_alarm_fn function)
{
	atomic_store(&thrower, function);
}

static const char *allocator_of(uint8_t kind)
{
	switch (kind) {
	case TRK_MALLOC: return "malloc";
	case TRK_CALLOC: return "calloc";
	case TRK_REALLOC: return "realloc";
	case TRK_REALLOCARRAY: return "reallocarray";
	case TRK_POSIX_MEMALIGN: return "posix_memalign";
	case TRK_ALIGNED_ALLOC: return "aligned_alloc";
	case TRK_MEMALIGN: return "memalign";
	case TRK_VALLOC: return "valloc";
	case TRK_PVALLOC: return "pvalloc";
	case TRK_NEW: return "operator new";
	case TRK_NEW_ARRAY: return "operator new[]";
	case TRK_MREMAP: return "mremap";
	default: return "mmap";
	}
}

/* ---- text ---- */

struct message {
	size_t bytes;
	char text[TEXT_BYTES];
	uintptr_t pcs[FRAMES_MOST];
	struct backtrace_place place;
	struct cfi_scratch cfi;
};

static void add(struct message *m, const char *text)
{
	const size_t n = strnlen(text, TEXT_BYTES - m->bytes);

	memcpy(m->text + m->bytes, text, n);
	m->bytes += n;
}

static void add_number(struct message *m, uint64_t n, unsigned base)
{
	char digits[24], *at = digits + sizeof(digits);

	*--at = 0;
	do
		*--at = "0123456789abcdef"[n % base];
	while ((n /= base));
	add(m, base == 16 ? "0x" : "");
	add(m, at);
}

static void add_attempt(struct message *m, const struct watch_call *c)
{
	add(m, "Attempt to allocate ");
	add_number(m, bucket_blocks(c->size), 10);
	add(m, " blocks (");
	add_number(m, c->size, 10);
	add(m, " bytes) by ");
	add(m, allocator_of(c->kind));
	add(m, "\n");
}

static void add_thread(struct message *m)
{
	char name[16] = "";

	(void)arch_syscall(SYS_prctl, PR_GET_NAME, (long)name, 0, 0, 0, 0);
	add(m, "  in thread ");
	add_number(m, raw_gettid(), 10);
	add(m, " (");
	add(m, name);
	add(m, ")\n");
}

static void add_frame(struct message *m, unsigned number, uintptr_t pc)
{
	const struct backtrace_place *const p = &m->place;

	backtrace_find(pc, &m->place);
	add(m, number < 10 ? "   #" : "  #");
	add_number(m, number, 10);
	add(m, " ");
	if (p->function[0]) {
		add(m, p->function);
		add(m, "+");
		add_number(m, p->in_function, 16);
		add(m, " ");
	}
	add(m, p->file[0] ? p->file : "<unknown>");
	add(m, "(+");
	add_number(m, p->offset, 16);
	add(m, ")\n");
}

/*
 * libtracker reads no line numbers. Somebody who has the tools can ask them for the line of the first frame by this
 * text.
 */
static void add_frames(struct message *m, const uintptr_t *pcs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		add_frame(m, i, pcs[i]);
	backtrace_find(pcs[0], &m->place);
	if (!m->place.file[0])
		return;
	add(m, "  source line of #0: addr2line -Cfipe ");
	add(m, m->place.file);
	add(m, " ");
	add_number(m, m->place.offset, 16);
	add(m, "\n");
}

static void add_where(struct message *m, const struct tracker_watch_ *w)
{
	add(m, w->file);
	add(m, ":");
	add_number(m, (uint64_t)w->line, 10);
	add(m, ": ");
}

static struct message *begin(void)
{
	struct message *const m = raw_map_private(sizeof(*m));

	if (m)
		add(m, "tracker: ");
	return m;
}

static void write_all(const char *text, size_t bytes)
{
	while (bytes) {
		const long n = arch_syscall(SYS_write, 2, (long)text, (long)bytes, 0, 0, 0);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		bytes -= (size_t)n;
	}
}

static void end(struct message *m)
{
	write_all(m->text, m->bytes);
	raw_release(m, sizeof(*m));
}

static void say(const struct watch_effect *e, const struct watch_call *c)
{
	static const char no_memory[] = "tracker: allocation alarm: there is no memory for its message\n";
	struct message *const m = begin();

	if (!m) {
		write_all(no_memory, sizeof(no_memory) - 1);
		return;
	}
	if (e->exceeded) {
		add_where(m, e->exceeded);
		add(m, "no more than ");
		add_number(m, e->exceeded->allocations, 10);
		add(m, " allocations of ");
		add_number(m, e->exceeded->bytes, 10);
		add(m, " bytes in all are allowed here: ");
	} else {
		add(m, "allocation alarm: ");
	}
	add_attempt(m, c);
	add_thread(m);
	add_frames(m, m->pcs, backtrace_walk(&m->cfi, c->at, m->pcs, FRAMES_MOST));
	end(m);
}

/* ---- actions ---- */

bool watch_is_stronger(tracker_alarm_action a, tracker_alarm_action than)
{
	static const uint8_t strength[] = {
		[TRACKER_ALARM_COUNT] = 0,
		[TRACKER_ALARM_WARN] = 1,
		[TRACKER_ALARM_FAIL] = 2,
		[TRACKER_ALARM_THROW] = 3,
		[TRACKER_ALARM_TRAP] = 4,
		[TRACKER_ALARM_ABORT] = 5,
	};

	return strength[a] > strength[than];
}

/* Its code may have been unloaded with the module that included tracker.hpp. */
static tracker_alarm_fn thrower_there(void)
{
	const tracker_alarm_fn f = atomic_load(&thrower);
	struct cfi_module m;

	return f && cfi_module_at((uintptr_t)f, &m) ? f : NULL;
}

/* If throwing is not possible, acts in another way. */
static tracker_alarm_action instead(tracker_alarm_action action, const struct watch_call *c)
{
	if (action != TRACKER_ALARM_THROW)
		return action;
	if (c->nothrow)
		return TRACKER_ALARM_FAIL;
	return c->may_throw && thrower_there() ? TRACKER_ALARM_THROW : TRACKER_ALARM_ABORT;
}

bool watch_act(const struct watch_effect *e, const struct watch_call *c)
{
	const tracker_alarm_event event = { c->size, bucket_blocks(c->size), allocator_of(c->kind), (const void *)c->at->pc };
	const tracker_alarm_action action = e->exceeded ? TRACKER_ALARM_ABORT : instead(e->action, c);

	for (unsigned i = 0; i < e->callbacks; i++)
		e->callback[i].function(&event, e->callback[i].user);
	if (action == TRACKER_ALARM_WARN || action == TRACKER_ALARM_ABORT || action == TRACKER_ALARM_TRAP)
		say(e, c);
	if (action == TRACKER_ALARM_ABORT)
		raw_abort();
	if (action == TRACKER_ALARM_TRAP)
		raw_send_signal(SIGTRAP);
	if (action == TRACKER_ALARM_THROW)
		thrower_there()(&event, NULL);
	return action != TRACKER_ALARM_FAIL;
}

/* ---- leaks ---- */

struct leaks {
	struct message *message;
	size_t bytes, told;
};

static void sum(const void *p, const struct born *b, void *data)
{
	(void)p;
	((struct leaks *)data)->bytes += b->size;
}

static void tell(const void *p, const struct born *b, void *data)
{
	struct leaks *const l = data;

	if (l->told++ >= LEAKS_TOLD)
		return;
	add(l->message, "  ");
	add_number(l->message, b->size, 10);
	add(l->message, " bytes at ");
	add_number(l->message, (uintptr_t)p, 16);
	add(l->message, ", made by\n");
	add_frames(l->message, b->pcs, b->frames);
}

void watch_act_leaked(const struct tracker_watch_ *w, size_t count)
{
	struct leaks l = { .message = begin() };

	if (!l.message)
		raw_abort();
	born_left(watch_owner(), w->serial, sum, &l);
	add_where(l.message, w);
	add_number(l.message, count, 10);
	add(l.message, " blocks (");
	add_number(l.message, l.bytes, 10);
	add(l.message, " bytes) that were allocated here are still there\n");
	add_thread(l.message);
	born_left(watch_owner(), w->serial, tell, &l);
	if (l.told > LEAKS_TOLD)
		add(l.message, "  and others\n");
	end(l.message);
	raw_abort();
}
