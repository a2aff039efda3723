/*
 * frames - allocations below every mixture of unusual frames (frames.S and gcc's own).
 */
#include <alloca.h>

#include "truth.h"

#define NOINLINE __attribute__((noinline))
#define ROUNDS 1000
#define DEPTH_MAX 24
#define STACK_BYTES (512 * 1024) /* for a few frames, some of them big */

typedef void (*function)(void);

void frame_rbx(function f);
void frame_r12(function f);
void frame_r15(function f);
void frame_expression(function f);
void frame_register(function f);
void frame_saved_by_expression(function f);
void frame_val_offset(function f);
void frame_val_expression(function f);
void frame_moved_return(function f);
void frame_signal_mark(function f);
void frame_big(function f);
void frame_switch(function f, char *stack_end);

static NOINLINE void frame_alloca(function f)
{
	void *const p = alloca((size_t)(rand() % 3000 + 1));

	(void)keep(p);
	f();
	(void)keep(p);
}

static NOINLINE void frame_realigned(function f)
{
	_Alignas(128) char room[256];

	(void)keep(room);
	f();
	(void)keep(room);
}

static NOINLINE void frame_realigned_alloca(function f)
{
	_Alignas(64) char room[64];
	void *const p = alloca((size_t)(rand() % 3000 + 1));

	(void)keep(room);
	f();
	(void)keep(p);
}

/* On heap memory, at a lower or at a higher address than the stack at hand. */
static NOINLINE void frame_other_stack(function f)
{
	char *const room = malloc(STACK_BYTES);

	must(room != NULL, "malloc");
	frame_switch(f, room + STACK_BYTES);
	free(room);
}

static void (*const kinds[])(function) = {
	frame_rbx, frame_r12, frame_r15, frame_expression, frame_register, frame_saved_by_expression,
	frame_val_offset, frame_val_expression, frame_moved_return, frame_signal_mark, frame_big,
	frame_alloca, frame_realigned, frame_realigned_alloca,
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

static int depth, deepest;
static unsigned long events;
static int leave_at; /* the depth at which the stack is left for another one; -1: never */

static NOINLINE void descend(void)
{
	churn(1001, 1);
	events++;
	if (depth == deepest)
		return;
	depth++;
	if (depth == leave_at && deepest - depth < 4)
		frame_other_stack(descend);
	else
		kinds[(size_t)rand() % KINDS](descend);
	depth--;
	churn(1001, 1);
	events++;
}

int main(void)
{
	for (size_t i = 0; i < KINDS; i++) {
		deepest = 1;
		leave_at = -1;
		kinds[i](descend);
	}
	for (int i = 0; i < ROUNDS; i++) {
		deepest = rand() % DEPTH_MAX + 1;
		leave_at = rand() % 2 ? deepest - rand() % 3 : -1;
		descend();
	}
	truth_churn(1001, events);
	return 0;
}
