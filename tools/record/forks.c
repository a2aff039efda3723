/* forks - see forks.h. */
#include "forks.h"

#include <errno.h>
#include <stdlib.h>

#include "deliver.h"
#include "own_capture.h"
#include "process.h"
#include "process_domains.h"
#include "traced.h"

/* Of so many forks the child is waited for at once. Children of older ones get what their parents have when they come. */
#define KEPT 256u
/* All copies together have at most so many blocks. One copy is kept, however large it is: its parent is as large. */
#define KEPT_BLOCKS (2u << 20)
/* A child comes before its fork returns in it. So it comes within this, unless somebody stops it there. */
#define KEPT_NS 10000000000ull
#define ORPHANS_NS 3000000000ull /* ... and no later than this after its parent's end */
/* A child waits at most so long for the record of its fork, which may have been lost: its parent found no room for it. */
#define WAIT_NS 1000000000ull
#define WAIT_ROUNDS 8u /* ... and at least for so many looks at what was published: the recorder itself may have stood still */
#define PASSED 4096u /* so many forks are known to have passed; who comes for an older one waits in vain */

struct inheritance {
	uint32_t number; /* of the fork; 0: a free place */
	uint32_t process; /* the parent's index */
	bool doubtful; /* the fork may have failed */
	uint64_t order; /* the smallest one is the oldest */
	uint64_t drop_ns;
	uint64_t blocks; /* in `trace` */
	struct trace *trace; /* NULL: none */
	struct own_capture_plan *plan; /* NULL: none */
	int plan_error; /* why there is none; 0: none was asked for */
};

struct fork_name {
	uint32_t number, process;
};

struct forks {
	struct inheritance list[KEPT];
	uint32_t count;
	uint64_t blocks, order;
	struct fork_name passed[PASSED]; /* by their numbers: what no child needs to wait for */
	struct {
		uint32_t slot; /* of the program that waits for its fork; all later ones wait for this program */
		uint64_t since_ns, since_round; /* 0: none waits */
	} waits;
};

/* ---- what is kept ---- */

static void drop(struct forks *f, struct inheritance *i)
{
	f->count -= i->number != 0;
	f->blocks -= i->blocks;
	trace_free(i->trace);
	free(i->plan);
	*i = (struct inheritance){ 0 };
}

static struct inheritance *find(const struct recorder *r, uint32_t number, uint32_t process)
{
	for (uint32_t i = 0; r->forks && r->forks->count && i < KEPT; i++)
		if (r->forks->list[i].number == number && r->forks->list[i].process == process)
			return &r->forks->list[i];
	return NULL;
}

static struct inheritance *free_place(struct forks *f)
{
	for (uint32_t i = 0; i < KEPT; i++)
		if (!f->list[i].number)
			return &f->list[i];
	return NULL;
}

static void drop_oldest(struct forks *f)
{
	struct inheritance *oldest = NULL;

	for (uint32_t i = 0; i < KEPT; i++)
		if (f->list[i].number && (!oldest || f->list[i].order < oldest->order))
			oldest = &f->list[i];
	if (oldest)
		drop(f, oldest);
}

static bool has_passed(const struct recorder *r, uint32_t number, uint32_t process)
{
	const struct fork_name *const n = r->forks ? &r->forks->passed[number % PASSED] : NULL;

	return n && n->number == number && n->process == process;
}

static struct inheritance inherited(struct recorder *r, const struct process *parent)
{
	struct inheritance ret = {
		.process = parent->index,
		.blocks = parent->trace ? trace_blocks(parent->trace) : 0,
		.trace = parent->trace ? trace_copy(parent->trace, r->rotation.header.page_bytes) : NULL,
	};

	if (parent->capture)
		ret.plan_error = own_capture_plan(parent->capture, &ret.plan);
	r->out_of_memory |= (parent->trace && !ret.trace) || ret.plan_error == ENOMEM;
	return ret;
}

/* A program whose forks fail one after the other needs no more memory for each. */
static void drop_doubtful(struct forks *f, uint32_t process)
{
	for (uint32_t i = 0; i < KEPT; i++)
		if (f->list[i].number && f->list[i].doubtful && f->list[i].process == process)
			drop(f, &f->list[i]);
}

static void keep(struct recorder *r, const struct process *p, uint32_t number)
{
	const uint64_t blocks = p->trace ? trace_blocks(p->trace) : 0;
	struct forks *const f = r->forks;
	struct inheritance *i;

	while (f->count && f->blocks + blocks > KEPT_BLOCKS)
		drop_oldest(f);
	if (f->count == KEPT)
		drop_oldest(f);
	i = free_place(f);
	*i = inherited(r, p);
	i->number = number;
	i->order = ++f->order;
	i->drop_ns = r->now_ns + KEPT_NS;
	f->count++;
	f->blocks += i->blocks;
}

/* ---- what parents tell ---- */

void forks_begin(struct recorder *r, const struct process *p, uint32_t number)
{
	if (!number || number == SHM_FORK_UNSEEN || has_passed(r, number, p->index) || find(r, number, p->index))
		return;
	if (!r->forks)
		r->forks = calloc(1, sizeof(*r->forks));
	if (!r->forks) { /* its children get what it has when they are bound */
		r->out_of_memory = true;
		return;
	}
	drop_doubtful(r->forks, p->index);
	deliver_flush(r);
	keep(r, p, number);
	r->forks->passed[number % PASSED] = (struct fork_name){ number, p->index };
}

void forks_failed(struct recorder *r, const struct process *p, uint32_t number)
{
	struct inheritance *const i = number ? find(r, number, p->index) : NULL;

	if (i)
		i->doubtful = true;
}

void forks_parent_ended(struct recorder *r, const struct process *p)
{
	const uint64_t until_ns = r->now_ns + ORPHANS_NS;

	for (uint32_t i = 0; r->forks && r->forks->count && i < KEPT; i++)
		if (r->forks->list[i].process == p->index && r->forks->list[i].drop_ns > until_ns)
			r->forks->list[i].drop_ns = until_ns;
}

void forks_round(struct recorder *r)
{
	for (uint32_t i = 0; r->forks && r->forks->count && i < KEPT; i++)
		if (r->forks->list[i].number && r->now_ns > r->forks->list[i].drop_ns)
			drop(r->forks, &r->forks->list[i]);
}

/* ---- children ---- */

/* Whether its place among the events of its parent was reached, or will never be. */
static bool is_ready(const struct recorder *r, const struct shm_process *slot)
{
	const uint32_t number = slot->fork;

	if (slot->origin != SHM_FORKED || !number || number == SHM_FORK_UNSEEN)
		return true;
	if (r->discard || r->bounds.full || atomic_load(&r->shm->header.closed))
		return true;
	const uint32_t parent = process_parent(r, slot);

	return has_passed(r, number, parent) || find(r, number, parent);
}

bool forks_may_bind(struct recorder *r, const struct shm_process *slot)
{
	const uint32_t index = (uint32_t)(slot - r->shm->processes);
	bool ready = is_ready(r, slot);

	if (!ready && !r->forks)
		r->forks = calloc(1, sizeof(*r->forks));
	if (!r->forks)
		return true;
	if (!ready && (!r->forks->waits.since_round || r->forks->waits.slot != index)) {
		r->forks->waits.slot = index;
		r->forks->waits.since_ns = r->now_ns;
		r->forks->waits.since_round = r->counters.rounds;
	}
	ready |= r->forks->waits.slot == index && r->forks->waits.since_round && r->now_ns - r->forks->waits.since_ns > WAIT_NS &&
		 r->counters.rounds - r->forks->waits.since_round > WAIT_ROUNDS;
	if (ready && r->forks->waits.slot == index)
		r->forks->waits.since_round = 0;
	return ready;
}

/* What a child gets whose fork is not kept, or was not seen. */
static struct inheritance late(struct recorder *r, const struct process *parent, uint32_t number)
{
	struct inheritance none = { 0 };

	r->counters.inherited_late += number != SHM_FORK_UNSEEN;
	return parent ? inherited(r, parent) : none;
}

static void begin_capture(struct recorder *r, struct process *p, const struct inheritance *from)
{
	int error = from->plan_error;

	if (from->plan) {
		p->capture = own_capture_fork(from->plan, r, p);
		error = p->capture ? 0 : errno;
	}
	if (error)
		r->counters.unfollowed_error = error;
	r->counters.unfollowed += error != 0;
}

void forks_inherit(struct recorder *r, struct process *p, const struct shm_process *slot)
{
	const uint32_t number = slot->fork;
	const struct process *const parent = p->parent == NO_INDEX ? NULL : r->processes[p->parent];
	struct inheritance *const kept = number && parent ? find(r, number, parent->index) : NULL;
	struct inheritance from;

	if (parent)
		r->out_of_memory |= !process_domains_fork(p, parent);
	if (!number)
		return;
	deliver_flush(r);
	from = kept ? *kept : late(r, parent, number);
	p->trace = from.trace;
	begin_capture(r, p, &from);
	r->traced += (p->trace != NULL) + (p->capture != NULL);
	if (kept) {
		kept->trace = NULL;
		drop(r->forks, kept);
	} else {
		free(from.plan);
	}
}

void forks_release(struct recorder *r)
{
	for (uint32_t i = 0; r->forks && i < KEPT; i++)
		drop(r->forks, &r->forks->list[i]);
	free(r->forks);
	r->forks = NULL;
}
