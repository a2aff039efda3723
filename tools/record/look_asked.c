/* look_asked - who wants a look, and what they are told; see look.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libtracker/tracker.h"
#include "look_private.h"
#include "tracked_classes.h"

bool look_for_classes(struct recorder *r, struct process *p, uint32_t entry, const struct class_snapshot *s)
{
	struct class_snapshot *const copy = malloc(sizeof(*copy));

	if (!copy || p->look || !look_want(r, p, entry, SHM_WHY_CLASSES, s->label + s->figures_bytes, s->bytes - s->figures_bytes)) {
		free(copy);
		return false;
	}
	*copy = *s;
	p->look->snapshot = copy;
	p->look->head.graph = true;
	return true;
}

bool look_take(struct recorder *r, struct process *p, uint32_t entry, uint64_t figures[6])
{
	const struct look_result *const found = &p->look->result;
	const uint64_t told[6] = { found->inner, found->done, found->lost_bytes, found->lost_blocks, found->indirect_bytes, found->indirect_blocks };

	if (p->look->state != LOOK_OVER || p->look->entry != entry)
		return false;
	memcpy(figures, told, sizeof(told));
	p->look_child = found->inner;
	look_free(r, p);
	return true;
}

bool look_order(struct recorder *r, struct process *p, const char *label, size_t label_bytes)
{
	return !p->look && look_want(r, p, LOOK_ORDERED, SHM_WHY_QUESTION, label, label_bytes);
}

bool look_take_ordered(struct recorder *r, struct process *p, struct look_found *ret)
{
	const struct look *const l = p->look;

	*ret = (struct look_found){ .why = "the program ended, or executed another one, before it was finished" };
	if (!l || l->entry != LOOK_ORDERED)
		return true;
	if (l->state != LOOK_OVER)
		return false;
	ret->done = l->result.done;
	ret->lost_bytes = l->result.lost_bytes;
	ret->lost_blocks = l->result.lost_blocks;
	ret->indirect_bytes = l->result.indirect_bytes;
	ret->indirect_blocks = l->result.indirect_blocks;
	snprintf(ret->why, sizeof(ret->why), "%s", l->reason);
	look_reap(r, p, l->result.inner);
	look_free(r, p);
	return true;
}

void look_let_go(struct process *p)
{
	if (p->look && p->look->entry == LOOK_ORDERED)
		p->look->entry = LOOK_NOBODY;
}

/* A process has one look at a time: who comes meanwhile waits. The label is the program's memory, so it is copied once. */
int look_answer(struct recorder *r, struct process *p, uint32_t entry, uint64_t why, uint64_t figures[6], bool *ret_waits)
{
	const struct shm_question *const q = &r->shm->questions.entries[entry];
	struct look *const l = p->look;
	const uint32_t bytes = q->count;
	char label[SHM_TEXT_BYTES];

	if (l && look_take(r, p, entry, figures))
		return TRACKER_OK;
	memcpy(label, q->answer, sizeof(label));
	if (!l && (why >= SHM_WHY_CLASSES || bytes > sizeof(label) || !look_want(r, p, entry, (enum shm_why)why, label, bytes)))
		return TRACKER_EINVAL;
	*ret_waits = true;
	return TRACKER_OK;
}
