/* lost - see lost.h. */
#include "lost.h"

#include <stdlib.h>
#include <string.h>

#include "common/group.h"
#include "format/shm.h"

static bool passes(const struct report *r, const struct view_block *b)
{
	size_t n;

	if (!r->filters.count)
		return true;
	const struct source_frame *const frames = group_frames(r->stacks, b->node, &n);

	return filters_pass(&r->filters, frames, n, b->process, b->domain);
}

/* The look that counts for each process. */
static int find_looks(struct lost *l, const struct report *r)
{
	const char *const label = r->at.from.kind == POINT_MARK ? r->at.from.label : NULL;

	l->of = calloc((size_t)r->capture->process_count + 1, sizeof(*l->of));
	if (!l->of)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < r->capture->process_count; i++)
		l->of[i] = l->at_mark ? looks_at_mark(&l->looks, i, label, r->view.time_ns) : looks_last(&l->looks, i);
	return 0;
}

static struct lost_block judge(const struct lost *l, const struct view_block *b)
{
	const struct looked_block as = { .address = b->address, .size = b->size, .time_ns = b->time_ns, .node = b->node, .kind = b->kind };
	struct lost_block ret = { .size = b->size, .node = b->node, .kind = b->kind };
	const struct looked *const look = b->domain || trk_kind_is_piece(b->kind) ? NULL : l->of[b->process];
	const struct trk_look_block *const found = look ? looked_find(look, &as, &ret.number) : NULL;

	if (found) {
		ret.verdict = found->verdict;
		ret.look = look;
	}
	return ret;
}

static int by_node(const void *left, const void *right)
{
	const struct lost_block *const a = left, *const b = right;

	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	if (a->verdict != b->verdict)
		return a->verdict < b->verdict ? -1 : 1;
	return a->size < b->size ? 1 : a->size > b->size ? -1 :
							   0;
}

static int judge_all(struct lost *l, const struct report *r)
{
	const struct view *const v = &r->view;

	l->blocks = calloc(v->block_count + 1, sizeof(*l->blocks));
	if (!l->blocks)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < v->block_count; i++)
		if (passes(r, &v->blocks[i]))
			l->blocks[l->block_count++] = judge(l, &v->blocks[i]);
	qsort(l->blocks, l->block_count, sizeof(*l->blocks), by_node);
	return 0;
}

/* ---- what lost blocks hold ---- */

static int find_leaders(struct lost *l)
{
	l->leaders = calloc((size_t)l->looks.count + 1, sizeof(*l->leaders));
	if (!l->leaders)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < l->looks.count; i++) {
		if (!l->looks.list[i].blocks)
			continue;
		l->leaders[i] = looked_leaders(&l->looks.list[i]);
		if (!l->leaders[i])
			return TRK_ERR_NOMEM;
	}
	return 0;
}

/* By look and number of the leader: what was not freed and only it leads to. */
struct held {
	struct lost_sum **sums;
};

static void free_held(struct held *h, const struct lost *l)
{
	for (uint32_t i = 0; h->sums && i < l->looks.count; i++)
		free(h->sums[i]);
	free(h->sums);
}

static int sum_held(struct held *h, const struct lost *l)
{
	h->sums = calloc((size_t)l->looks.count + 1, sizeof(*h->sums));
	if (!h->sums)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < l->block_count; i++) {
		const struct lost_block *const b = &l->blocks[i];
		const size_t look = b->look ? (size_t)(b->look - l->looks.list) : 0;
		uint32_t leader;

		if (b->verdict != LOOK_INDIRECTLY)
			continue;
		leader = l->leaders[look][b->number];
		if (!h->sums[look])
			h->sums[look] = calloc((size_t)b->look->count + 1, sizeof(**h->sums));
		if (!h->sums[look])
			return TRK_ERR_NOMEM;
		if (leader < b->look->count) {
			h->sums[look][leader].bytes += b->size;
			h->sums[look][leader].count++;
		}
	}
	return 0;
}

/* ---- sections ---- */

static struct lost_sum held_by(const struct held *h, const struct lost *l, const struct lost_block *b)
{
	const struct lost_sum *const sums = b->verdict == LOOK_DEFINITELY ? h->sums[b->look - l->looks.list] : NULL;

	return sums ? sums[b->number] : (struct lost_sum){ 0 };
}

static struct suppression *suppression_of(struct suppressions *s, const struct report *r, const struct lost_block *b, enum look_verdict verdict)
{
	const struct suppressed what = { .kind = b->kind, .verdict = verdict, .judged = true };
	size_t n;
	const struct source_frame *const frames = stacks_frames(r->stacks, b->node, &n);

	return suppressions_match(s, frames, n, &what);
}

/* What is left out of blocks of one stack and function that have one verdict. */
struct left_out {
	uint32_t node;
	uint8_t kind;
	bool known;
	struct suppression *by; /* NULL: they are not */
	bool counts; /* here; what is left out whatever the verdict counts in leaked.c */
};

static void ask(struct left_out *o, const struct report *r, struct suppressions *s, const struct lost_block *b)
{
	if (o->known && o->node == b->node && o->kind == b->kind)
		return;
	*o = (struct left_out){ b->node, b->kind, true, suppression_of(s, r, b, b->verdict), false };
	o->counts = o->by && !suppression_of(s, r, b, LOOK_UNKNOWN);
}

static void leave_out(struct lost *l, const struct left_out *o, const struct lost_block *b)
{
	struct suppression *const by = o->by;

	if (!o->counts)
		return;
	by->bytes += b->size;
	by->count++;
	l->suppressed.bytes += b->size;
	l->suppressed.count++;
}

static int make_section(struct lost *l, const struct report *r, struct suppressions *s, const struct held *h, enum look_verdict verdict)
{
	struct lost_section *const section = &l->sections[verdict];
	struct alike_stack *row = NULL;
	struct left_out out = { 0 };

	section->rows = calloc(l->block_count + 1, sizeof(*section->rows));
	if (!section->rows)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < l->block_count; i++) {
		const struct lost_block *const b = &l->blocks[i];
		const struct lost_sum held = held_by(h, l, b);

		if (b->verdict != verdict)
			continue;
		ask(&out, r, s, b);
		if (out.by) {
			leave_out(l, &out, b);
			continue;
		}
		if (!row || row->node != b->node) {
			row = &section->rows[section->row_count++];
			row->node = b->node;
		}
		row->bytes += b->size;
		row->count++;
		row->held_bytes += held.bytes;
		row->held_count += held.count;
		section->all.bytes += b->size;
		section->all.count++;
	}
	return alike_join(r->stacks, section->rows, &section->row_count) < 0 ? TRK_ERR_NOMEM : 0;
}

int lost_read(struct lost *l, struct report *r)
{
	const struct point *const p = &r->at.from;
	const bool mark = r->has_point && !r->at.is_range && (p->kind == POINT_MARK || p->kind == POINT_NTH_MARK);
	const int err = looks_read(&l->looks, r->capture, r->process, 0);

	for (uint32_t i = 0; i < r->capture->process_count; i++)
		l->at_mark |= mark && looks_at_mark(&l->looks, i, p->kind == POINT_MARK ? p->label : NULL, 0);
	return err == TRK_ERR_NOMEM ? err : 0;
}

/* What the looks that count are. */
static void choose(struct lost *l)
{
	for (uint32_t i = 0; i < l->looks.count; i++) {
		const struct looked *const look = &l->looks.list[i];
		const struct looked *const counts = l->of[look->head.process];

		l->any |= look == counts && (look->blocks || (!look->head.reason[0] && !look->count));
		if (look->head.reason[0] && (!l->at_mark || look == counts))
			l->refused = look;
		if (look == counts && look->blocks && look->head.how)
			l->other_way = look;
		if (look == counts && !l->at_mark && look->head.why != SHM_WHY_END)
			l->early = look;
	}
}

int lost_find(struct lost *l, struct report *r, struct suppressions *s)
{
	struct held held = { 0 };
	int err = looks_place(&l->looks, r->capture);

	if (!err)
		err = find_looks(l, r);
	if (err)
		return err;
	choose(l);
	if (!l->any)
		return 0;
	err = judge_all(l, r);
	if (!err)
		err = find_leaders(l);
	if (!err)
		err = sum_held(&held, l);
	for (unsigned i = 0; i < LOOK_VERDICTS && !err; i++)
		err = make_section(l, r, s, &held, (enum look_verdict)i);
	free_held(&held, l);
	return err;
}

void lost_finish(struct lost *l)
{
	for (uint32_t i = 0; l->leaders && i < l->looks.count; i++)
		free(l->leaders[i]);
	free(l->leaders);
	free(l->of);
	for (unsigned i = 0; i < LOOK_VERDICTS; i++)
		free(l->sections[i].rows);
	free(l->blocks);
	looks_finish(&l->looks);
	*l = (struct lost){ 0 };
}
