/*
 * python_walk - the frames of Python that a thread is in, and which of them are as they were at its last stack.
 *
 * A thread reads its own frames, which only it changes. Whoever has not got CPython's lock must not read them while the interpreter
 * ends, because the thread that ends it frees what belongs to others; nor if its state was freed, by which CPython does not notice that a
 * thread of another kind still has it. So a walker without the lock counts itself before it looks whether either has happened, and the
 * thread that frees waits before it does (python_release).
 *
 * What was read is remembered. A new walk goes from the youngest frame to the first one that is remembered, and from there on
 * compares each older frame's link, instruction and anchor with what they were. A remembered frame is read only after the link of a
 * frame that lives has led to it.
 */
#include "python_private.h"

#include <pthread.h>

#include "chunk.h"
#include "thread.h"

/* ---- whose frames ---- */

static void read_frame(struct thread *t, struct python *p, struct python_cursor *c, struct python_frame *f)
{
	const struct python_layout *const l = p->layout;

	f->frame = c->frame;
	f->begins = python_begins_run(l, c->frame);
	f->instr = python_instr(l, c->frame);
	f->code = python_word(c->frame + l->code);
	f->anchor = 0;
	if (f->begins && python_has_cframes(l)) {
		f->anchor = c->cframe;
		if (c->cframe)
			c->cframe = python_word(c->cframe + l->cframe_older);
	} else if (f->begins && l->begins == PYTHON_SHIMS) {
		f->anchor = c->frame;
	}
	f->pc = f->begins && l->begins == PYTHON_SHIMS ? 0 : python_pc(t, p, f->code, f->instr);
	c->frame = python_word(c->frame + l->older);
}

/* What was freed may have become another thread's state. */
static bool is_mine(const struct python *p, uintptr_t s)
{
	return p->thread_id && python_word(s + p->thread_id) == (uintptr_t)pthread_self();
}

/* The walkers' count is taken before anybody asks whether the interpreter ends, or the state was freed. */
static bool count_in(struct python *p, uintptr_t s)
{
	struct python_state *const place = python_state_of(p, s);

	atomic_fetch_add(&place->walkers, 1);
	if (atomic_load(&place->key) == s && !p->is_finalizing() && is_mine(p, s))
		return true;
	atomic_fetch_sub(&place->walkers, 1);
	return false;
}

/* A state that has the lock lives. */
static void note_state(struct python *p, uintptr_t s)
{
	struct python_state *const place = python_state_of(p, s);

	if (unlikely(atomic_load_explicit(&place->key, memory_order_relaxed) != s))
		atomic_store(&place->key, s);
}

/* Whether the thread's stack shows that it runs functions of Python. */
static bool runs_python(const struct thread *t, const struct python *p)
{
	for (uint32_t i = t->sent_depth; i--;)
		if (t->sent[i] - p->loop < p->loop_end - p->loop)
			return true;
	return false;
}

/*
 * From 3.12 on, the state that has the lock is a variable of each thread. In a library that is loaded later, the C library allocates it when the
 * thread first asks. A thread that has run a function of Python has it.
 */
static bool may_ask_attached(const struct thread *t, const struct python *p)
{
	struct python_thread *const y = t->python;

	if (unlikely(y->ran != p->number) && p->layout->begins == PYTHON_SHIMS) {
		if (!runs_python(t, p))
			return false;
		y->ran = p->number;
	}
	return true;
}

/* The state whose frames may be read, and *ret_locked, whether this thread has the lock. If not, it was counted in. 0: none. */
static uintptr_t state_now(const struct thread *t, struct python *p, bool *ret_locked)
{
	const uintptr_t own = p->own_state();
	uintptr_t attached, it = own;

	*ret_locked = false;
	if (!own || !may_ask_attached(t, p))
		return 0;
	attached = p->attached_state();
	if (p->layout->begins == PYTHON_SHIMS && attached)
		it = attached;
	*ret_locked = it == attached;
	if (!*ret_locked)
		return count_in(p, it) ? it : 0;
	note_state(p, it);
	return it;
}

#define TRIALS 1000u /* stacks at which the check could not be made */

static void decide(struct python *p, uintptr_t s, bool agrees)
{
	if (agrees) {
		p->thread_id = python_find_thread_id(s);
		python_watch_codes(p);
	} else {
		atomic_store(&p->on, false);
	}
	atomic_store_explicit(&p->checked, agrees ? PYTHON_AGREES : PYTHON_CHECKING, memory_order_release);
	python_say(p->layout->minor, agrees ? TRK_PYTHON_READ : TRK_PYTHON_DIFFERS);
}

/* Made once in a process, by a thread that has the lock and runs Python. Before, nothing is read. */
static bool is_checked(struct thread *t, struct python *p)
{
	uint8_t unchecked = PYTHON_UNCHECKED;
	enum python_says says = PYTHON_SAYS_NOTHING;

	if (likely(atomic_load_explicit(&p->checked, memory_order_acquire) == PYTHON_AGREES))
		return true;
	if (!t->python->locked || !runs_python(t, p) ||
	    !atomic_compare_exchange_strong(&p->checked, &unchecked, PYTHON_CHECKING))
		return false;
	if (chunk_may_call(t))
		says = python_compare(p, t->python->state);
	if (says != PYTHON_SAYS_NOTHING || ++p->trials == TRIALS)
		decide(p, t->python->state, says == PYTHON_SAYS_AGREES);
	else
		atomic_store(&p->checked, PYTHON_UNCHECKED);
	return says == PYTHON_SAYS_AGREES;
}

/* ---- what is remembered ---- */

/* Brings frame i up to date with what stands there now. True: something has changed. */
static bool renew(struct thread *t, struct python *p, struct python_frame *f, struct python_cursor *c)
{
	const struct python_layout *const l = p->layout;
	const uintptr_t instr = python_instr(l, f->frame);
	bool changed = false;

	/* the pointer tells the code, too */
	if (unlikely(instr != f->instr || (l->instruction != PYTHON_POINTER && python_word(f->frame + l->code) != f->code))) {
		f->instr = instr;
		f->code = python_word(f->frame + l->code);
		if (l->begins != PYTHON_SHIMS || !f->begins)
			f->pc = python_pc(t, p, f->code, instr);
		changed = true;
	}
	if (l->begins == PYTHON_ENTRIES && unlikely(python_begins_run(l, f->frame) != f->begins)) {
		f->begins = !f->begins;
		f->anchor = 0;
		changed = true;
	}
	if (f->begins && python_has_cframes(l)) {
		changed |= f->anchor != c->cframe;
		f->anchor = c->cframe;
		if (c->cframe)
			c->cframe = python_word(c->cframe + l->cframe_older);
	}
	c->frame = python_word(f->frame + l->older);
	return changed;
}

/*
 * The same for frames from i on as long as nothing has changed: returns the first that has, or that is the oldest. Only where the
 * pointer to the instruction tells the code.
 */
static uint32_t skip_same(const struct python_thread *y, const struct python_layout *l, uint32_t i, struct python_cursor *c)
{
	const struct python_frame *const f = y->frames;
	const uint32_t instr = l->instr, older = l->older, owner = l->owner;
	const bool entries = l->begins == PYTHON_ENTRIES;
	uintptr_t cframe = c->cframe;

	for (; i; i--) {
		const uintptr_t frame = f[i].frame;

		if (unlikely(python_word(frame + instr) != f[i].instr || python_word(frame + older) != f[i - 1].frame))
			break;
		if (!entries)
			continue;
		if (unlikely((python_byte(frame + owner) != 0) != f[i].begins || (f[i].begins && (f[i].anchor != cframe || !cframe))))
			break;
		if (f[i].begins)
			cframe = python_word(cframe + l->cframe_older);
	}
	c->cframe = cframe;
	return i;
}

/*
 * From remembered frame `at` on: are the older ones linked as they were? *ret_same: so many of the oldest are as they were. Returns 0
 * if all links hold; otherwise the number of the oldest frame whose link still led to it, + 1, and c is where that one leads.
 */
static uint32_t follow(struct thread *t, struct python *p, uint32_t at, struct python_cursor *c, uint32_t *ret_same)
{
	struct python_thread *const y = t->python;
	const bool quick = p->layout->instruction == PYTHON_POINTER;
	uint32_t same = at + 1;

	for (uint32_t i = at;; i--) {
		if (quick)
			i = skip_same(y, p->layout, i, c);
		if (renew(t, p, &y->frames[i], c))
			same = i;
		if (unlikely(c->frame != (i ? y->frames[i - 1].frame : y->root))) {
			*ret_same = 0;
			return i + 1;
		}
		if (!i) {
			*ret_same = same;
			return 0;
		}
	}
}

#define CANDIDATES 6u

/* The youngest remembered frame that is the one at hand, + 1, among the few youngest of `count`. */
static uint32_t find(const struct python_thread *y, uint32_t count, uintptr_t frame)
{
	for (uint32_t i = count; i && count - i < CANDIDATES; i--)
		if (y->frames[i - 1].frame == frame)
			return i;
	return 0;
}

/* The n walked frames come on top of the oldest `kept`. */
static void take(struct python_thread *y, uint32_t kept, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		y->frames[kept + i] = y->walk[n - 1 - i];
	y->depth = kept + n;
}

/*
 * The remembered frames from `broken` - 1 to `top` - 1 live, and count as walked, as far as there is room: otherwise the walk ends at
 * the first one that found none.
 */
static uint32_t take_living(struct python_thread *y, uint32_t broken, uint32_t top, uint32_t n, struct python_cursor *c)
{
	uint32_t i = top;

	for (; i >= broken && n < y->room; i--)
		y->walk[n++] = y->frames[i - 1];
	if (i >= broken)
		c->frame = y->frames[i - 1].frame;
	return n;
}

/* So many frames, of which older ones were left out if `cut`: see fits() in unwind.c. */
static bool fits(const struct python_thread *y, uint32_t depth, bool cut)
{
	return depth <= y->room && (!cut || depth >= state.nframe);
}

static uint32_t walk(struct thread *t, struct python *p, uint32_t candidates)
{
	struct python_thread *const y = t->python;
	struct python_cursor c = python_top(p->layout, y->state);
	uint32_t n = 0, same;

	while (c.frame && n < y->room) {
		const uint32_t top = find(y, candidates, c.frame);
		uint32_t broken;

		if (!top) {
			read_frame(t, p, &c, &y->walk[n++]);
			continue;
		}
		broken = follow(t, p, top - 1, &c, &same);
		if (!broken && fits(y, top + n, y->root)) {
			take(y, top, n);
			return same < top ? same : top;
		}
		n = take_living(y, broken ? broken : 1, top, n, &c);
		candidates = broken ? broken - 1 : 0;
	}
	y->root = c.frame;
	take(y, 0, n);
	return 0;
}

uint32_t python_walk(struct thread *t, struct python *p)
{
	struct python_thread *const y = t->python;
	const uintptr_t s = state_now(t, p, &y->locked);
	uint32_t generation, kept = 0;
	bool forgotten;

	y->other_state = s != y->state;
	y->state = s;
	/* before the frames: what ends later is another change */
	generation = atomic_load_explicit(&p->generation, memory_order_acquire);
	forgotten = y->other_state || y->generation != generation;
	y->generation = generation;
	if (s && is_checked(t, p)) {
		if (unlikely(state.shm->header.flags & SHM_PYTHON_OBJECTS) && y->locked && p->objects_recording != state.recording)
			python_objects_begin(t, p);
		kept = walk(t, p, forgotten ? 0 : y->depth);
	} else {
		y->depth = 0;
		y->root = 0;
	}
	if (s && !y->locked)
		atomic_fetch_sub(&python_state_of(p, s)->walkers, 1);
	return kept;
}

/* Not for ever: a signal handler may have interrupted a walk of this very thread. */
#define WAIT_SPINS (1u << 26)

static void wait_for_walkers(const struct python_state *place)
{
	for (uint32_t i = 0; atomic_load(&place->walkers) && i < WAIT_SPINS; i++)
		arch_pause();
}

/* The thread that ends the interpreter frees frames and states of all. */
static void wait_at_the_end(struct python *p)
{
	if (!atomic_load_explicit(&p->on, memory_order_acquire) || !p->is_finalizing())
		return;
	/* the flag before the counts, as walkers have the count before the flag */
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned i = 0; i < PYTHON_STATES; i++)
		wait_for_walkers(&p->states[i]);
}

/* If that is a thread state, nobody without the lock reads it from now on. */
static void state_ends(struct python *p, uintptr_t s)
{
	struct python_state *const place = python_state_of(p, s);
	uintptr_t key = s;

	if (likely(atomic_load_explicit(&place->key, memory_order_relaxed) != s) || !atomic_compare_exchange_strong(&place->key, &key, 0))
		return;
	wait_for_walkers(place);
}

#define DEBUG_BYTES 16u /* that CPython's debugging allocator has before each block */

void python_release(uintptr_t block, uintptr_t frame)
{
	struct python *const p = state.python;
	/* at work: who unloads CPython waits for that */
	struct thread *const t = thread_enter(frame);

	if (block) {
		state_ends(p, block);
		state_ends(p, block + DEBUG_BYTES);
	}
	if (!t)
		return;
	wait_at_the_end(p);
	thread_leave(t);
}
