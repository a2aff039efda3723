/* looked_at - see looked_at.h. */
#include "looked_at.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "ask.h"
#include "ended.h"
#include "error.h"
#include "hook.h"
#include "look_mark.h"
#include "raw.h"
#include "way.h"

#define STACK_BYTES ((size_t)64 << 10)

/*
 * What threads of the program, or a copy of it, execute when the recorder has stopped them: it sets their registers. The system call is
 * in a function of nobody.
 */
__asm__(".pushsection .text\n\t.globl look_system_call\n\t.hidden look_system_call\n"
	"look_system_call:\n\t" ARCH_SYSTEM_CALL "\n\t" ARCH_BREAK "\n\t.popsection");
extern const char look_system_call[];

/* In a forked child that has no other thread, on a stack of its own. It must call nothing. */
static _Noreturn void look_child(struct look_marking *m)
{
	look_mark(m);
	look_types(m);
	for (;;)
		__asm__ volatile(ARCH_BREAK);
}

static uint8_t *stack; /* NULL: no looks are taken */
static _Atomic(uint8_t *) mapped; /* it, or what shall be it if looks are wanted */

static uint8_t *map_stack(void)
{
	uint8_t *before = atomic_load(&mapped), *new;

	if (before)
		return before;
	new = raw_map_private(STACK_BYTES);
	if (new && !atomic_compare_exchange_strong(&mapped, &before, new)) {
		(void)arch_syscall(SYS_munmap, (long)new, STACK_BYTES, 0, 0, 0, 0);
		return before;
	}
	return new;
}

/* Of "/proc/PID/fd/N"; 0: the name is another one. */
static uint32_t recorder_pid(void)
{
	char name[SHM_WAY_BYTES];
	uint32_t pid = 0;

	way_name(name);
	if (memcmp(name, "/proc/", 6) != 0)
		return 0;
	for (const char *p = name + 6; *p >= '0' && *p <= '9'; p++)
		pid = pid * 10 + (uint32_t)(*p - '0');
	return pid;
}

/* Where the kernel lets only parents trace (yama). It is not inherited. */
static void allow_tracing(void)
{
	if (stack && !state.sandboxed)
		(void)arch_syscall(SYS_prctl, PR_SET_PTRACER, recorder_pid(), 0, 0, 0, 0);
}

static void tell(struct shm_process *p)
{
	p->look_code = stack ? (uintptr_t)look_child : 0;
	p->look_call = stack ? (uintptr_t)look_system_call : 0;
	p->look_stack = stack ? (uintptr_t)stack + STACK_BYTES : 0;
	p->own_start = raw_first();
	p->foreign_allocator = state.foreign_allocator;
	state.looks = stack != NULL;
	allow_tracing();
}

void look_tell(struct shm_process *p)
{
	stack = state.shm->header.flags & SHM_LOOKS || atomic_load(&mapped) ? map_stack() : NULL; /* a forked process has its parent's */
	tell(p);
}

void look_prepare(void)
{
	if (stack || state.sandboxed)
		return;
	stack = map_stack();
	if (stack)
		tell(state.process);
}

static int look_ask(enum shm_why why, const char *label, struct question *q)
{
	int ret;

	__builtin_unwind_init(); /* all registers that calls keep go to the stack, where they are found without a stop, too */
	*q = (struct question){ .what = SHM_ASK_LOOK, .given = { why }, .text = label };
	ret = ask(q);
	if (ret == TRACKER_OK && q->figures[0])
		(void)arch_syscall(SYS_wait4, (long)q->figures[0], 0, __WALL, 0, 0, 0);
	return ret;
}

void look_at_end(void)
{
	static _Atomic uint32_t taken; /* by the process of that pid */
	struct question q;

	if (!state.on || !stack || !(state.shm->header.flags & SHM_LOOK_AT_END) || !(state.sandboxed || ended_is_us()))
		return;
	if (atomic_exchange(&taken, state.pid) != state.pid)
		(void)look_ask(SHM_WHY_END, NULL, &q);
}

void look_at_mark(const char *label)
{
	struct question q;

	if (state.on && stack && state.shm->header.flags & SHM_LOOK_AT_MARKS)
		(void)look_ask(SHM_WHY_MARK, label, &q);
}

int look_check(const char *label, tracker_leaks *ret)
{
	struct question q;
	int err;

	if (!hook_start_and_ask() || !state.on || !stack)
		return error_set(TRACKER_EDISABLED, "tracker run --leak-check does not record this program");
	err = look_ask(SHM_WHY_QUESTION, label, &q);
	if (err != TRACKER_OK)
		return err;
	if (!q.figures[1])
		return error_set(TRACKER_ENOTSUP, "the memory could not be looked at: tracker leaks says why");
	if (ret)
		*ret = (tracker_leaks){ q.figures[2], q.figures[3], q.figures[4], q.figures[5] };
	return TRACKER_OK;
}
