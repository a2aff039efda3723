/* free_check - see free_check.h. */
#include "free_check.h"

#include "ask.h"
#include "format/trk.h"
#include "hook.h"
#include "print.h"
#include "raw.h"
#include "trace.h"

#define FRAMES 64u

static bool checks, tells;

void free_check_start(bool late)
{
	const uint32_t flags = state.shm->header.flags;
	const bool held = free_check_holds();

	checks = flags & SHM_CHECK_FREE && !late;
	tells = flags & SHM_RELEASE_STACKS;
	(void)start_hold(free_check_holds() - held);
}

bool free_check_holds(void)
{
	return checks || tells;
}

void free_tell(const void *p, const struct site *at)
{
	struct thread *const t = tells ? thread_enter(at->sp) : NULL;

	if (!t)
		return;
	send_about(t, &(struct trk_event){ .kind = TRK_RELEASING, .address = (uintptr_t)p }, at);
	thread_leave(t);
}

static void print_stack(struct print *p, const char *head, uint64_t node, uint64_t nframe)
{
	struct tracker_raw_frame_ frames[FRAMES];
	struct tracker_raw_traceback_ traceback = { .nframe = nframe, .frames = frames, .frame_room = FRAMES };

	if (!node || trace_frames(node, &traceback) != TRACKER_OK)
		return;
	print(p, head);
	print(p, " (most recent call first):\n");
	trace_print_frames(p, frames, traceback.nframe);
}

static const char *what(uint64_t bad)
{
	switch (bad) {
	case SHM_FREED_TWICE:
		return "is freed again: it was freed before";
	case SHM_FREED_OTHERWISE:
		return "is freed by a call that does not fit its allocation";
	}
	return "is freed, and no allocation returned that address";
}

static _Noreturn void complain(const struct question *q)
{
	struct print p = { .fd = 2 };
	const uint64_t nframe = q->figures[4];

	print(&p, "tracker: memory block ");
	print_hex(&p, q->given[0]);
	if (q->figures[0]) {
		print(&p, " of ");
		print_number(&p, q->figures[0]);
		print(&p, " bytes");
	}
	print(&p, " ");
	print(&p, what(q->figures[5]));
	print(&p, "\n");
	print_stack(&p, "Freed now at", q->figures[1], nframe);
	print_stack(&p, "Memory block first freed at", q->figures[3], nframe);
	print_stack(&p, "Memory block allocated at", q->figures[2], nframe);
	print_flush(&p);
	raw_abort();
}

void free_check(uint8_t kind, const void *p, const struct site *at)
{
	struct question q = { .what = SHM_ASK_FREE, .given = { (uintptr_t)p, kind }, .at = at };

	if (!checks || !p || !state.on || tls.level || nested_in_real(at->sp))
		return;
	(void)ask(&q);
	if (q.figures[5])
		complain(&q);
}
