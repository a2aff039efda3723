/* frames - see frames.h. */
#include "lint/frames.h"

#include <stdlib.h>
#include <string.h>

#define OPERATOR_DEPTH 4u /* an operator may reach malloc through so many functions less one */

enum {
	IS_JUDGED = 1,
	IS_RETURN = 2, /* from a signal handler */
	IS_OPERATOR = 4,
};

/* The C library's function on x86-64, those of the vdso on others. */
static bool is_return(const char *function)
{
	return strcmp(function, "__restore_rt") == 0 || strcmp(function, "__kernel_rt_sigreturn") == 0 || strcmp(function, "__kernel_sigreturn") == 0;
}

static bool is_operator(const char *function)
{
	static const char *const names[] = { "_Znw", "_Zna", "_Zdl", "_Zda", "operator new", "operator delete" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strncmp(function, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static uint8_t judge(const char *function)
{
	return (uint8_t)(IS_JUDGED | (is_return(function) ? IS_RETURN : 0) | (is_operator(function) ? IS_OPERATOR : 0));
}

/* By the names that the capture has. */
static void judge_known(struct lint_frames *f)
{
	const struct capture *const c = f->capture;

	for (uint32_t i = 1; i < c->frame_count; i++) {
		const struct cap_frame *const frame = &c->frames[i];

		if (frame->symbol_count == UINT32_MAX)
			continue;
		f->of_frame[i] = IS_JUDGED;
		for (uint32_t j = 0; j < frame->symbol_count; j++)
			f->of_frame[i] |= judge(c->strings[c->symbols[frame->first_symbol + j].function]);
	}
}

/* By the names that files have, of frames that nobody has looked up. */
static void judge_unknown(struct lint_frames *f, struct stacks *s)
{
	const struct capture *const c = f->capture;

	for (uint32_t i = 1; i < c->node_count; i++) {
		size_t n;

		if (f->of_frame[c->nodes[i].frame])
			continue;
		const struct source_frame *const frames = stacks_frames(s, i, &n);

		for (size_t j = 0; j < n; j++)
			if (frames[j].frame < c->frame_count)
				f->of_frame[frames[j].frame] |= judge(frames[j].function);
		f->of_frame[c->nodes[i].frame] |= IS_JUDGED;
	}
}

/* In a view, frames count that are its own, not the older ones of the stack that it is a view of. */
static bool is_handled(const struct lint_frames *f, uint32_t node)
{
	const struct capture *const c = f->capture;
	const struct cap_frame *const frame = &c->frames[c->nodes[node].frame];
	uint64_t n;

	if (frame->module || frame->offset < TRK_FRAME_CUT || frame->offset >= TRK_FRAME_DEPTH)
		return f->in_handler[c->nodes[node].parent] || (f->of_frame[c->nodes[node].frame] & IS_RETURN);
	n = frame->offset - TRK_FRAME_CUT;
	for (node = c->nodes[node].parent; n && node; n--, node = c->nodes[node].parent)
		if (f->of_frame[c->nodes[node].frame] & IS_RETURN)
			return true;
	return false;
}

int lint_frames_init(struct lint_frames *f, struct report *r)
{
	const struct capture *const c = r->capture;

	f->capture = c;
	f->of_frame = calloc((size_t)c->frame_count + 1, sizeof(*f->of_frame));
	f->in_handler = calloc((size_t)c->node_count + 1, sizeof(*f->in_handler));
	if (!f->of_frame || !f->in_handler)
		return TRK_ERR_NOMEM;
	f->of_frame[0] = IS_JUDGED;
	judge_known(f);
	judge_unknown(f, r->stacks);
	for (uint32_t i = 1; i < c->node_count; i++) /* parents come before */
		f->in_handler[i] = is_handled(f, i);
	return 0;
}

bool lint_frames_operator(const struct lint_frames *f, uint32_t node)
{
	const struct capture *const c = f->capture;

	node = capture_stack(c, node);
	for (unsigned i = 0; i < OPERATOR_DEPTH && node; i++, node = c->nodes[node].parent)
		if (f->of_frame[c->nodes[node].frame] & IS_OPERATOR)
			return true;
	return false;
}

void lint_frames_finish(struct lint_frames *f)
{
	free(f->of_frame);
	free(f->in_handler);
	*f = (struct lint_frames){ 0 };
}
