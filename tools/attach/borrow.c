/* borrow - see borrow.h. */
#include "tools/attach/borrow.h"

#include "tools/attach/judge.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#define STOP_NS 100000000ull /* so long a thread gets to stop */
#define LATE_NS 1000000000ull /* all that have not */
#define PAUSE_NS 20000u
#define BETWEEN_NS 1000000u
#define ROOM_BELOW 8192u /* of the stack, below the frame */
#define STACK_GROWS (64u << 20) /* the first thread's, since its area was read */

#ifndef PTRACE_GET_RSEQ_CONFIGURATION
#define PTRACE_GET_RSEQ_CONFIGURATION 0x420f
#endif

uint64_t borrow_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pause_for(uint64_t ns)
{
	const struct timespec t = { .tv_nsec = (long)ns };

	nanosleep(&t, NULL);
}

/* ---- stopping a thread ---- */

static bool take_waiting(struct borrow *b, pid_t thread, pid_t with)
{
	for (unsigned i = 0; i < BORROW_WAITING; i++)
		if (b->waiting[i] == thread) {
			b->waiting[i] = with;
			return true;
		}
	return false;
}

static void let_go(pid_t thread, int number)
{
	(void)ptrace(PTRACE_DETACH, thread, 0, number);
}

/* It was told to stop. False: it did something else instead, or has not stopped in time. */
static bool wait_for_stop(struct borrow *b, pid_t thread)
{
	const uint64_t until = borrow_now_ns() + STOP_NS;
	int status;

	for (;;) {
		const pid_t got = waitpid(thread, &status, __WALL | WNOHANG);

		if (got == thread)
			break;
		if (got < 0 && errno != EINTR)
			return false;
		if (borrow_now_ns() >= until) {
			(void)take_waiting(b, 0, thread);
			return false;
		}
		pause_for(PAUSE_NS);
	}
	if (!WIFSTOPPED(status))
		return false;
	if (status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) == SIGTRAP)
		return true;
	let_go(thread, status >> 16 ? 0 : WSTOPSIG(status)); /* a signal came first */
	return false;
}

static bool stop(struct borrow *b, pid_t thread, int *ret_error)
{
	*ret_error = 0;
	if (!take_waiting(b, thread, 0)) {
		if (ptrace(PTRACE_SEIZE, thread, 0, PTRACE_O_TRACESYSGOOD) < 0 || ptrace(PTRACE_INTERRUPT, thread, 0, 0) < 0) {
			*ret_error = errno;
			return false;
		}
	}
	b->stopped_ns = borrow_now_ns();
	return wait_for_stop(b, thread);
}

/* ---- whether it may be borrowed ---- */

/* The kernel has told it which code may not be interrupted (rseq), and it stands in such code. */
static bool is_in_sequence(const struct borrow *b, pid_t thread, uint64_t pc)
{
	struct {
		uint64_t place;
		uint32_t size, signature, flags, pad;
	} told = { 0 };
	struct {
		uint32_t version, flags;
		uint64_t start, bytes, abort;
	} sequence;
	uint64_t at = 0;

	if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, thread, sizeof(told), &told) < 0 || !told.place ||
	    !target_read(b->target, told.place + 8, &at, sizeof(at)) || !at || !target_read(b->target, at, &sequence, sizeof(sequence)))
		return false;
	return pc - sequence.start < sequence.bytes;
}

static bool has_signal(const struct borrow *b, pid_t thread)
{
	uint64_t own = 0, all = 0, blocked = 0;
	const pid_t pid = b->target->pid;

	return target_status(pid, thread, "SigPnd:", 16, &own) && target_status(pid, thread, "ShdPnd:", 16, &all) &&
	       target_status(pid, thread, "SigBlk:", 16, &blocked) && ((own | all) & ~blocked);
}

/*
 * The area of the thread's own stack: not of a coroutine, which may have no room for a frame. NULL: it is not there, or
 * has no room, either.
 */
static const struct area *own_stack(const struct borrow *b, pid_t thread)
{
	const struct frame_registers *const f = &b->registers;
	const uint64_t sp = f->general.rsp, pointer = frame_thread_pointer(f);
	const struct area *const a = target_area(b->target, sp);

	for (size_t i = 0; !a && thread == b->target->pid && i < b->target->area_count; i++) {
		const struct area *const s = &b->target->areas[i];

		if (strcmp(s->path, "[stack]") == 0 && sp < s->start && s->start - sp < STACK_GROWS)
			return s;
	}
	if (!a || !a->writable || (strcmp(a->path, "[stack]") != 0 && (pointer <= sp || pointer >= a->end)))
		return NULL;
	return a;
}

static enum stack_verdict judge(struct borrow *b, pid_t thread, const char **ret_why, struct image **ret_unread)
{
	uintptr_t regs[REG_COUNT];
	uint8_t code[FRAME_CALL_BYTES];
	const struct area *stack;
	size_t bytes;

	*ret_why = "code of another processor";
	b->saved = frame_save(thread, &b->registers);
	if (!b->saved)
		return STACK_FORBIDDEN;
	*ret_why = "a call that goes on after a stop";
	if (target_read(b->target, b->registers.general.rip - FRAME_CALL_BEFORE, code, sizeof(code)) && !frame_name_call(&b->registers, code))
		return STACK_FORBIDDEN;
	*ret_why = "a coroutine";
	stack = own_stack(b, thread);
	if (!stack)
		return STACK_FORBIDDEN;
	b->place = frame_place(&b->registers, &bytes);
	*ret_why = "the end of its stack";
	if (strcmp(stack->path, "[stack]") != 0 && b->place < stack->start + ROOM_BELOW)
		return STACK_FORBIDDEN;
	*ret_why = "a signal";
	if (has_signal(b, thread))
		return STACK_HANDLER;
	frame_dwarf(&b->registers, regs);
	*ret_why = "a restartable sequence";
	if (is_in_sequence(b, thread, regs[REG_PC]))
		return STACK_FORBIDDEN;
	return stack_judge(b->target, b->images, b->ground, regs, stack->end, b->code.restorer, ret_why, ret_unread);
}

/* From here on its way leads over the frame, whatever becomes of this process. */
static bool put_frame(struct borrow *b, pid_t thread)
{
	static uint8_t frame[FRAME_STATE_MAX + 1024];
	const uint64_t all = ~0ull;
	size_t bytes;

	b->place = frame_place(&b->registers, &bytes);
	frame_make(&b->registers, &b->code, b->place, frame);
	return target_write(b->target, b->place, frame, bytes) && frame_go_back(thread, &b->registers, &b->code, b->place) &&
	       ptrace(PTRACE_SETSIGMASK, thread, 8, &all) == 0;
}

/* ---- choosing ---- */

struct pass {
	struct borrow *b;
	bool sleepers; /* this time those that sleep, next time the others */
	bool takes_unknown;
	int error;
};

/* It goes on where it was. A call that would fail because of the look is made once more. */
static void go_on(struct borrow *b, pid_t thread)
{
	if (b->saved && !has_signal(b, thread))
		frame_go_on(thread, &b->registers);
	let_go(thread, 0);
}

/* Stops it until nothing is left to be read that the walk over its stack needs: it does not stand still for that. */
static bool look(struct borrow *b, pid_t thread, enum stack_verdict *ret, const char **ret_why, int *ret_error)
{
	struct image *unread;

	while (stop(b, thread, ret_error)) {
		b->looks++;
		*ret = judge(b, thread, ret_why, &unread);
		if (*ret != STACK_UNREAD)
			return true;
		go_on(b, thread);
		image_copy(unread, b->target);
	}
	return false;
}

static bool try_thread(pid_t thread, void *data)
{
	struct pass *const p = data;
	struct borrow *const b = p->b;
	enum stack_verdict verdict;
	const char *why;
	int error;

	if ((target_state(b->target->pid, thread) == 'S') != p->sleepers)
		return false;
	if (!look(b, thread, &verdict, &why, &error)) {
		if (error == EPERM)
			p->error = EPERM;
		return error == EPERM;
	}
	if (verdict == STACK_SAFE || (verdict == STACK_UNKNOWN && p->takes_unknown)) {
		if (put_frame(b, thread)) {
			b->thread = thread;
			return true;
		}
		why = "the end of its stack";
	}
	b->why = why ? why : verdict == STACK_HANDLER ? "a signal handler" :
							"code without unwind information";
	go_on(b, thread);
	return false;
}

enum borrow_end borrow_one(struct borrow *b, uint64_t patience_ns)
{
	const uint64_t began = borrow_now_ns();
	uint64_t now = began;

	for (; now - began < patience_ns; now = borrow_now_ns()) {
		for (int i = 0; i < 2; i++) {
			struct pass p = { .b = b, .sleepers = i == 0, .takes_unknown = (now - began) * 2 >= patience_ns };

			if (target_read_areas(b->target) != 0)
				return BORROW_GONE;
			if (target_each_thread(b->target->pid, try_thread, &p))
				return p.error ? BORROW_FORBIDDEN : BORROW_DONE;
		}
		pause_for(BETWEEN_NS / 2 + (uint64_t)rand() % BETWEEN_NS);
	}
	return BORROW_NOWHERE;
}

/* ---- using it ---- */

/* To the next entry or end of a system call. */
static bool run_to_call(pid_t thread)
{
	int status;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, thread, 0, 0) < 0)
			return false;
		while (waitpid(thread, &status, __WALL) < 0)
			if (errno != EINTR)
				return false;
		if (!WIFSTOPPED(status))
			return false;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			return true;
	}
}

long borrow_call(struct borrow *b, long number, uint64_t first, uint64_t second, uint64_t third, uint64_t fourth, uint64_t fifth)
{
	const uint64_t arguments[6] = { first, second, third, fourth, fifth };
	long returned;

	if (!frame_go_call(b->thread, &b->registers, &b->code, b->place, number, arguments) || !run_to_call(b->thread) || !run_to_call(b->thread) ||
	    !frame_returned(b->thread, &returned))
		return -ESRCH;
	return frame_go_back(b->thread, &b->registers, &b->code, b->place) ? returned : -ESRCH;
}

bool borrow_work(struct borrow *b, uint64_t room)
{
	return frame_go_work(b->thread, &b->registers, room) && ptrace(PTRACE_DETACH, b->thread, 0, 0) == 0;
}

void borrow_return(struct borrow *b)
{
	if (b->thread)
		let_go(b->thread, 0);
	b->thread = 0;
}

void borrow_finish(struct borrow *b)
{
	const uint64_t until = borrow_now_ns() + LATE_NS;
	bool any = true;

	while (any && borrow_now_ns() < until) {
		any = false;
		for (unsigned i = 0; i < BORROW_WAITING; i++) {
			const pid_t thread = b->waiting[i];

			any |= thread != 0;
			b->waiting[i] = 0;
			if (!thread || !wait_for_stop(b, thread)) /* then it may be waiting again */
				continue;
			b->saved = frame_save(thread, &b->registers);
			go_on(b, thread);
		}
	}
}
