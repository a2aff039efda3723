/* forks - see forks.h. */
#include "forks.h"

#include <stdlib.h>

#include "deliver.h"
#include "own_capture.h"
#include "process_domains.h"
#include "traced.h"

/* Of so many children at once nobody has heard anything since their fork. Those of older forks get what their parents have. */
#define KEPT 256u
/* An event that was published is read in less than this, unless it was lost. */
#define WAIT_NS 1000000000ull

struct inheritance {
	uint32_t number; /* of the fork; 0: a free place */
	uint32_t process; /* the parent's index */
	bool doubtful; /* the fork may have failed */
	struct trace *trace; /* NULL: none */
	struct own_capture_plan *plan; /* NULL: none */
};

struct forks {
	struct inheritance list[KEPT];
	uint32_t next; /* the oldest one, when all are in use */
};

static void drop(struct inheritance *i)
{
	trace_free(i->trace);
	free(i->plan);
	*i = (struct inheritance){ 0 };
}

static struct inheritance *find(const struct recorder *r, uint32_t number)
{
	for (uint32_t i = 0; r->forks && i < KEPT; i++)
		if (r->forks->list[i].number == number)
			return &r->forks->list[i];
	return NULL;
}

static struct inheritance inherited(struct recorder *r, const struct process *parent)
{
	const struct inheritance ret = {
		.process = parent->index,
		.trace = parent->trace ? trace_copy(parent->trace, r->rotation.header.page_bytes) : NULL,
		.plan = parent->capture ? own_capture_plan(parent->capture) : NULL,
	};

	r->out_of_memory |= parent->trace && !ret.trace;
	return ret;
}

/* A program whose forks fail one after the other needs no more memory for each. */
static void drop_doubtful(struct forks *f, uint32_t process)
{
	for (uint32_t i = 0; i < KEPT; i++)
		if (f->list[i].doubtful && f->list[i].process == process)
			drop(&f->list[i]);
}

void forks_begin(struct recorder *r, const struct process *p, uint32_t number)
{
	struct inheritance *i;

	if (!number || number == SHM_FORK_UNSEEN)
		return;
	if (!r->forks)
		r->forks = calloc(1, sizeof(*r->forks));
	if (!r->forks) { /* its children get what it has when they are bound */
		r->out_of_memory = true;
		return;
	}
	drop_doubtful(r->forks, p->index);
	i = find(r, 0);
	if (!i)
		i = &r->forks->list[r->forks->next++ % KEPT];
	drop(i);
	deliver_flush(r);
	*i = inherited(r, p);
	i->number = number;
}

void forks_failed(struct recorder *r, uint32_t number)
{
	struct inheritance *const i = number ? find(r, number) : NULL;

	if (i)
		i->doubtful = true;
}

bool forks_may_bind(const struct recorder *r, const struct shm_process *slot)
{
	const uint64_t waited_ns = r->now_ns - slot->start_ns;
	const uint32_t number = slot->fork;

	if (slot->origin != SHM_FORKED || !number || number == SHM_FORK_UNSEEN || find(r, number))
		return true;
	return waited_ns > WAIT_NS || atomic_load(&r->shm->header.closed);
}

void forks_inherit(struct recorder *r, struct process *p, const struct shm_process *slot)
{
	const uint32_t number = slot->fork;
	const struct process *const parent = p->parent == NO_INDEX ? NULL : r->processes[p->parent];
	struct inheritance *const kept = number ? find(r, number) : NULL;
	struct inheritance now = { 0 }, *const from = kept ? kept : &now;

	if (parent)
		r->out_of_memory |= !process_domains_fork(p, parent);
	if (!number)
		return;
	deliver_flush(r);
	if (!kept && parent)
		now = inherited(r, parent);
	p->trace = from->trace;
	from->trace = NULL;
	p->capture = from->plan ? own_capture_fork(from->plan, r, p) : NULL;
	r->traced += (p->trace != NULL) + (p->capture != NULL);
	drop(from);
}

void forks_release(struct recorder *r)
{
	for (uint32_t i = 0; r->forks && i < KEPT; i++)
		drop(&r->forks->list[i]);
	free(r->forks);
	r->forks = NULL;
}
