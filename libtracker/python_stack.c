/*
 * python_stack - the stack that is told: native frames, and behind each one of the evaluation loop the functions of Python that it
 * runs.
 *
 * Which native frame runs a function is proved by the anchor of the run that the function belongs to, an address within the frame of
 * the C function that runs it. Where a version has none, frames of the loop and functions are counted, which proves something only if
 * both numbers agree or nothing but the youngest can be missing. What is not proved is left out, and the stack is counted.
 */
#include "python_private.h"

#include "chunk.h"
#include "raw.h"

/* ---- the arrays of a stream ---- */

/* NULL: there is no memory. */
static struct python_thread *python_thread_of(struct thread *t)
{
	const size_t room = state.nframe + state.nframe_slack + 2u, told = 2 * room;
	struct python_thread *y = t->python;

	if (y || !chunk_may_call(t))
		return y;
	t->forget_stack = true; /* the recorder's copy has no functions of Python */
	y = raw_map_private(sizeof(*y) + 2 * room * sizeof(*y->frames) + (told + room) * sizeof(*y->told) + 2 * room * sizeof(*y->before));
	if (!y) {
		atomic_fetch_add(&state.process->tables_refused, 1);
		return NULL;
	}
	y->room = y->capacity = state.nframe + state.nframe_slack;
	y->frames = (struct python_frame *)(y + 1);
	y->walk = y->frames + room;
	y->told = (uintptr_t *)(y->walk + room);
	y->sp = y->told + told;
	y->before = (uint32_t *)(y->sp + room);
	y->place = y->before + room;
	t->python = y;
	return y;
}

struct python_thread *python_thread_renew(struct python_thread *y)
{
	const uint32_t room = state.nframe + state.nframe_slack;

	if (!y || y->capacity < room)
		return NULL;
	y->room = room;
	y->depth = y->generation = y->told_depth = y->native_depth = 0;
	y->state = y->root = 0;
	y->ran = 0;
	return y;
}

/* ---- what is put together ---- */

struct mixing {
	struct python_thread *y;
	uint32_t at, same; /* so many frames stand there; so many are as they were told */
	bool equal; /* all of them */
};

static inline void put(struct mixing *m, uintptr_t pc)
{
	m->equal = m->equal && m->at < m->y->told_depth && m->y->told[m->at] == pc;
	m->same += m->equal;
	m->y->told[m->at++] = pc;
}

/* No program has code there. A word that passes for a pc must not pass for a place in a function of Python. */
static inline uintptr_t native_pc(uintptr_t pc)
{
	return unlikely(wire_is_python(pc)) ? pc & (WIRE_PYTHON_PC - 1) : pc;
}

static inline bool is_loop(const struct python *p, uintptr_t pc)
{
	return pc - 1 - p->loop < p->loop_end - p->loop;
}

/* The frames of functions that native frame i runs, by the anchor of the first. The mark of a cut stands for all older frames. */
static inline bool runs(const struct python_thread *y, uint32_t i, const struct python_frame *f)
{
	return f->anchor >= y->sp[i] && (i == 0 || f->anchor < y->sp[i - 1] || y->sp[i - 1] < y->sp[i]);
}

/* Whether native frame i, which stayed, runs frame k of Python now, which was not there before: both stacks may be the same, and this not be. */
static bool runs_more(const struct python_thread *y, uint32_t i, uint32_t k)
{
	const struct python_frame *const f = y->frames;

	if (k >= y->depth)
		return false;
	while (k && !f[k].begins)
		k--;
	return f[k].anchor >= y->sp[i];
}

/* Puts a run of functions, from frame k on. Returns the first frame of the next one. */
static uint32_t put_run(struct mixing *m, uint32_t k)
{
	const struct python_thread *const y = m->y;

	do {
		if (y->frames[k].pc)
			put(m, y->frames[k].pc);
		k++;
	} while (k < y->depth && !y->frames[k].begins);
	return k;
}

static void put_native(const struct thread *t, struct mixing *m, uint32_t i, uint32_t k)
{
	m->y->before[i] = k;
	m->y->place[i] = m->at;
	put(m, native_pc(t->sent[i]));
}

/* Only what comes behind the oldest frames that are as they were, native and Python's, is put anew. Returns how many frames of Python were put. */
static uint32_t put_by_anchors(struct thread *t, struct mixing *m, uint32_t i, uint32_t same)
{
	struct python_thread *const y = m->y;
	uint32_t k = 0;

	while (i && (y->before[i - 1] > same || runs_more(y, i - 1, same)))
		i--;
	if (i) {
		k = y->before[i - 1];
		m->at = m->same = y->place[i - 1] + 1;
	}
	for (; i < t->sent_depth; i++) {
		while (k < y->depth && runs(y, i, &y->frames[k]))
			k = put_run(m, k);
		put_native(t, m, i, k);
	}
	return k;
}

/*
 * The oldest functions were left out: of the run that is cut, nothing tells the anchor. The next older frame of the loop runs it, and
 * all that is older is left out with it.
 */
static uint32_t put_cut(struct thread *t, const struct python *p, struct mixing *m)
{
	struct python_thread *const y = m->y;
	uint32_t i = t->sent_depth, k = 0;

	while (k < y->depth && !y->frames[k].begins)
		k++;
	if (k < y->depth)
		for (i = 0; i < t->sent_depth && !runs(y, i, &y->frames[k]); i++)
			;
	while (i && !is_loop(p, t->sent[i - 1]))
		i--;
	if (i)
		i--;
	else if (t->sent_depth && wire_is_cut(t->sent[0]))
		i = 1; /* native frames are cut before that */
	else
		return 0;
	y->was_cut = true;
	put(m, 0);
	k = k ? put_run(m, 0) : 0;
	for (; i < t->sent_depth; i++) {
		while (k < y->depth && runs(y, i, &y->frames[k]))
			k = put_run(m, k);
		put_native(t, m, i, k);
	}
	return k;
}

/* ---- where functions are counted ---- */

/* The frame of the loop that has no function yet: it is being told that the stack is too deep. */
static bool has_none_yet(const struct thread *t, const struct python *p, uint32_t i)
{
	return i + 1 < t->sent_depth && t->sent[i + 1] - 1 - p->limit < p->limit_end - p->limit;
}

static uint32_t count_loops(const struct thread *t, const struct python *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->sent_depth; i++)
		n += is_loop(p, t->sent[i]) && !has_none_yet(t, p, i);
	return n;
}

/*
 * The n-th youngest frame of the loop runs the n-th youngest function. In a whole stack both are as many. If the thread has the lock, the state is the
 * one that runs, and older frames of the loop may have been left by a switch of stacks (greenlets); otherwise they may be of another interpreter.
 */
static uint32_t put_by_count(struct thread *t, const struct python *p, struct mixing *m)
{
	struct python_thread *const y = m->y;
	const uint32_t loops = count_loops(t, p);
	const bool cut = t->sent_depth && wire_is_cut(t->sent[0]);
	uint32_t older = loops > y->depth ? loops - y->depth : 0; /* frames of the loop without a function of this state */
	uint32_t k = 0;

	if (loops != y->depth && !y->locked)
		return 0;
	if (loops < y->depth && !cut)
		return 0;
	for (uint32_t i = 0; i < t->sent_depth; i++) {
		const bool loop = is_loop(p, t->sent[i]) && !has_none_yet(t, p, i);

		if (loop && older)
			older--;
		else if (loop)
			k = put_run(m, k);
		put_native(t, m, i, k);
		/* behind the mark of a cut stand all functions whose frames of the loop were cut off */
		while (!i && cut && y->depth - k > loops)
			k = put_run(m, k);
	}
	return k;
}

/* ---- the stack ---- */

/* Where native frames stand, by the walk, or as it is remembered. */
static void find_places(struct thread *t, uint32_t kept)
{
	struct python_thread *const y = t->python;
	const uint32_t depth = t->sent_depth;
	const bool remembered = t->memo.depth == depth;

	for (uint32_t i = kept; i < depth; i++)
		y->sp[i] = wire_is_cut(t->sent[i]) ? UINTPTR_MAX : remembered ? t->memo.sp[i] :
										t->walked[depth - 1 - i].sp;
	y->native_depth = depth;
}

static uint32_t put_all(struct thread *t, struct python *p, struct mixing *m, uint32_t kept)
{
	struct python_thread *const y = m->y;
	const bool was_cut = y->was_cut;
	uint32_t same = 0;

	y->was_cut = false;
	if (unlikely(t->no_python || !atomic_load_explicit(&p->on, memory_order_acquire)))
		y->depth = y->root = 0;
	else
		same = python_walk(t, p);
	if (p->layout->begins == PYTHON_COUNTED)
		return y->depth ? put_by_count(t, p, m) : 0;
	if (unlikely(y->root))
		return put_cut(t, p, m);
	return put_by_anchors(t, m, y->other_state || was_cut ? 0 : kept, same);
}

/* Nothing could be placed: the native frames alone. */
static void put_native_alone(struct thread *t, struct mixing *m)
{
	*m = (struct mixing){ .y = m->y, .equal = true };
	for (uint32_t i = 0; i < t->sent_depth; i++)
		put_native(t, m, i, 0);
}

void python_stack(struct thread *t, struct change *ret)
{
	struct python *const p = state.python;
	struct python_thread *const y = python_thread_of(t);
	struct mixing m = { .y = y, .equal = true };
	uint32_t kept, put_frames;

	if (!y)
		return;
	kept = t->kept < y->native_depth ? t->kept : y->native_depth;
	find_places(t, kept);
	put_frames = put_all(t, p, &m, kept);
	if (unlikely(put_frames < y->depth)) {
		atomic_fetch_add_explicit(&state.process->python_unplaced, 1, memory_order_relaxed);
		y->depth = put_frames;
	}
	if (unlikely(m.at == 0))
		put_native_alone(t, &m);
	*ret = (struct change){ .end = y->told + m.at, .pops = y->told_depth - m.same, .pushes = m.at - m.same };
	y->told_depth = m.at;
}

uint32_t python_told_depth(const struct thread *t)
{
	return t->python ? t->python->told_depth : t->sent_depth;
}
