/*
 * find - see find.h.
 *
 * The events are read once; they show everything but what became of an address before it was released in vain. If there are such
 * releases, the events are read again, and only these addresses are followed. So memory grows with live blocks, stacks and faults.
 */
#include "lint/find.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/group.h"
#include "format/array.h"
#include "format/event.h"
#include "format/mix.h"
#include "lint/frames.h"
#include "replay/heap_keyframe.h"

/* A release that met no block, by process and address; and how the last block there had ended. */
struct vain {
	uint64_t address, size;
	uint32_t process, allocated, released; /* nodes */
	uint8_t allocated_by, released_by; /* 0: none has ended there so far */
};

struct lint_process {
	bool inherits; /* blocks of its parent may be in it */
	bool doubtful; /* events were lost, or blocks forgotten */
	bool executed; /* another program, after a fork */
	bool of_threads; /* its parent had several when it was forked */
	bool own_operators; /* it defines operators new and delete itself */
	uint32_t epoch; /* changes when events were lost: older blocks are not known for certain */
};

/* What the last event of a thread says about the next. */
struct lint_thread {
	uint64_t address; /* of the block that it is about to release; 0: none */
	uint32_t node; /* where */
};

struct finder {
	struct lint *lint;
	struct report *report;
	struct heap *heap;
	struct lint_process *processes;
	struct lint_thread *threads;
	struct lint_frames frames;
	struct vain *vains;
	uint32_t vain_count, vain_room;
	struct idmap vain_map;
	bool second; /* the second reading */
	bool no_memory;
	uint64_t damaged; /* blocks of events, so far */
};

/* ---- findings ---- */

static bool same(const struct lint_finding *a, const struct lint_finding *b)
{
	return a->rule == b->rule && a->called == b->called && a->allocated_by == b->allocated_by && a->released_by == b->released_by &&
	       a->process == b->process && memcmp(a->nodes, b->nodes, sizeof(a->nodes)) == 0;
}

static void add(struct finder *f, const struct lint_finding *new, uint64_t bytes)
{
	struct lint *const l = f->lint;
	const uint32_t head[] = { new->rule | (uint32_t) new->called << 8 | (uint32_t) new->allocated_by << 16 | (uint32_t) new->released_by << 24,
				  new->process, new->nodes[0], new->nodes[1], new->nodes[2] };
	const uint32_t hash = (uint32_t)trk_mix_bytes(head, sizeof(head));
	uint32_t at = hash, id;

	while ((id = idmap_next(&l->map, hash, &at)))
		if (same(&l->items[id - 1], new))
			break;
	if (!id) {
		if (!idmap_reserve(&l->map) || !ARRAY_ROOM(l->items, l->room, l->count + 1, 64)) {
			f->no_memory = true;
			return;
		}
		l->items[l->count++] = *new;
		id = (uint32_t)l->count;
		idmap_add(&l->map, hash, id);
	}
	l->items[id - 1].count++;
	l->items[id - 1].bytes += bytes;
}

static uint64_t vain_hash(uint32_t process, uint64_t address)
{
	const uint64_t key[] = { process, address };

	return trk_mix_bytes(key, sizeof(key));
}

/* `make`: it is added if it is new. NULL: it is not there. */
static struct vain *vain_at(struct finder *f, uint32_t process, uint64_t address, bool make)
{
	const uint32_t hash = (uint32_t)vain_hash(process, address);
	uint32_t at = hash, id;

	while ((id = idmap_next(&f->vain_map, hash, &at)))
		if (f->vains[id - 1].address == address && f->vains[id - 1].process == process)
			return &f->vains[id - 1];
	if (!make)
		return NULL;
	if (!idmap_reserve(&f->vain_map) || !ARRAY_ROOM(f->vains, f->vain_room, (size_t)f->vain_count + 1, 64)) {
		f->no_memory = true;
		return NULL;
	}
	f->vains[f->vain_count] = (struct vain){ .address = address, .process = process };
	idmap_add(&f->vain_map, hash, ++f->vain_count);
	return &f->vains[f->vain_count - 1];
}

/* ---- what events show ---- */

/* The function that the program called: what its own operator new took from malloc, it calls new. */
static uint8_t call_of(const struct trk_event *e)
{
	return e->call ? e->call : e->kind;
}

/* Where the release was called; 0: nobody knows. */
static uint32_t release_node(const struct finder *f, const struct trk_event *e)
{
	const struct lint_thread *const t = &f->threads[e->thread];

	if (trk_kind_has_stack(e->kind))
		return e->node;
	return t->address && t->address == e->address ? t->node : 0;
}

static void mismatch(struct finder *f, const struct heap_block *b, const struct trk_event *by)
{
	const struct lint_finding found = {
		.rule = LINT_MISMATCHED,
		.called = call_of(by),
		.allocated_by = b->kind,
		.process = b->process,
		.nodes = { [LINT_CALL] = release_node(f, by), [LINT_ALLOCATED] = b->node },
	};

	add(f, &found, b->size);
}

static void on_died(void *data, const struct heap_block *b, const struct sampling_estimate *e, bool temporary, const struct trk_event *by)
{
	struct finder *const f = data;
	const uint8_t call = call_of(by);
	struct vain *v;

	(void)temporary;
	if (!e->count || b->domain || !lint_family(b->kind) || trk_kind_wipes(by->kind) || !lint_family(call))
		return;
	if (f->second) {
		v = vain_at(f, b->process, b->address, false);
		if (v)
			*v = (struct vain){ b->address, b->size, b->process, b->node, release_node(f, by), b->kind, call };
		return;
	}
	if (b->user != f->processes[b->process].epoch)
		return;
	/* What the program's own operator new took from malloc may go back by any name. */
	if (!lint_fits(b->kind, call) && !(lint_family(b->kind) == LINT_FAMILY_MALLOC && lint_frames_operator(&f->frames, b->node)))
		mismatch(f, b, by);
	if (trk_kind_reallocates(call) && b->size == by->size && by->size) {
		const struct lint_finding found = { .rule = LINT_SAME_SIZE, .called = call, .process = b->process, .nodes = { [LINT_CALL] = by->node } };

		add(f, &found, b->size);
	}
}

static void on_born(void *data, struct heap_block *b, const struct sampling_estimate *e)
{
	struct finder *const f = data;
	struct lint_process *const p = &f->processes[b->process];
	struct lint_finding found = { .called = b->kind, .process = b->process, .nodes = { [LINT_CALL] = b->node } };

	b->user = p->epoch;
	if (f->second || !e->count || b->domain || !lint_family(b->kind))
		return;
	p->own_operators |= lint_family(b->kind) == LINT_FAMILY_MALLOC && lint_frames_operator(&f->frames, b->node);
	if (!b->size) {
		found.rule = LINT_ZERO;
		add(f, &found, 0);
	}
	if (lint_frames_handler(&f->frames, b->node)) {
		found.rule = LINT_HANDLER;
		add(f, &found, b->size);
	}
	if (p->of_threads && !p->executed) {
		found.rule = LINT_FORK;
		add(f, &found, b->size);
	}
}

static void on_restored(void *data, struct heap_block *b, const struct sampling_estimate *e, uint64_t asked)
{
	struct finder *const f = data;

	(void)e, (void)asked;
	b->user = f->processes[b->process].epoch;
}

/* A release met no block. */
static void in_vain(struct finder *f, const struct trk_event *e, uint64_t address)
{
	struct vain *const v = vain_at(f, e->process, address, !f->second);
	const struct lint_process *const p = &f->processes[e->process];
	struct lint_finding found = { .rule = LINT_INVALID, .called = call_of(e), .process = e->process };

	if (!f->second || !v)
		return;
	if (p->doubtful) {
		f->lint->unjudged++;
		return;
	}
	if (!v->released_by && p->inherits) {
		f->lint->inherited++;
		return;
	}
	found.nodes[LINT_CALL] = release_node(f, e);
	if (v->released_by) {
		found.rule = LINT_DOUBLE;
		found.allocated_by = v->allocated_by;
		found.released_by = v->released_by;
		found.nodes[LINT_ALLOCATED] = v->allocated;
		found.nodes[LINT_RELEASED] = v->released;
	}
	add(f, &found, v->released_by ? v->size : 0);
}

/* What a process knows of its blocks ends here. */
static void forget(struct lint_process *p)
{
	p->doubtful = true;
	p->epoch++;
}

static void look_at_process(struct finder *f, const struct trk_event *e)
{
	struct lint_process *const p = &f->processes[e->process];

	if (e->kind == TRK_GAP || e->kind == TRK_CLEAR)
		forget(p);
	if (e->kind == TRK_EXEC) {
		p->executed = true;
		p->inherits = p->doubtful = false;
	}
}

static bool is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* Why it failed, or what is unusual about it. */
static enum lint_rule rule_of_request(uint8_t call, uint64_t size, uint64_t align, bool failed)
{
	if (call == TRK_POSIX_MEMALIGN && (!is_power_of_two(align) || align < sizeof(void *)))
		return LINT_ALIGNMENT;
	if ((call == TRK_ALIGNED_ALLOC || call == TRK_MEMALIGN) && !is_power_of_two(align))
		return LINT_ALIGNMENT;
	if (size > PTRDIFF_MAX / 2)
		return LINT_HUGE;
	return failed ? LINT_FAILED : LINT_UNEVEN;
}

static void request(struct finder *f, const struct trk_event *e, uint8_t call, uint64_t align)
{
	const enum lint_rule rule = rule_of_request(call, e->size, align, !e->address);
	const bool by_new = call == TRK_MALLOC && lint_frames_operator(&f->frames, e->node);
	const struct lint_finding found = { .rule = (uint8_t)rule, .called = by_new ? (uint8_t)TRK_NEW : call, .process = e->process, .nodes = { [LINT_CALL] = e->node } };

	/* Sums of sizes that no program can have say nothing. */
	add(f, &found, rule == LINT_HUGE ? 0 : e->size);
}

static bool failed_to_resize(const struct trk_event *e)
{
	return lint_family(call_of(e)) && (e->kind == TRK_REALLOC_WITHDRAW || (trk_kind_reallocates(e->kind) && !e->address));
}

static void look_at_call(struct finder *f, const struct trk_event *e)
{
	struct lint_thread *const t = &f->threads[e->thread];
	const struct lint_finding in_handler = { .rule = LINT_HANDLER, .called = e->kind, .process = e->process, .nodes = { [LINT_CALL] = t->node } };

	if (!f->second && e->kind == TRK_REQUEST)
		request(f, e, (uint8_t)e->detail, e->old_size);
	if (!f->second && failed_to_resize(e))
		request(f, e, call_of(e), 0);
	if (!f->second && t->address && trk_kind_releases(e->kind) && t->address == e->address && lint_frames_handler(&f->frames, t->node))
		add(f, &in_handler, 0);
	*t = e->kind == TRK_RELEASING ? (struct lint_thread){ e->address, e->node } : (struct lint_thread){ 0 };
}

static int apply(struct finder *f, const struct trk_event *e)
{
	const uint64_t in_vain_before = heap_process_totals(f->heap, e->process)->unmatched_frees;
	const bool releases = trk_kind_among(e->kind, TRK_KINDS_WITH(TRK_BY_ADDRESS)) && !e->domain;
	const int err = heap_apply(f->heap, e);

	if (releases && heap_process_totals(f->heap, e->process)->unmatched_frees != in_vain_before)
		in_vain(f, e, trk_kind_reallocates(e->kind) ? e->old_address : e->address);
	look_at_process(f, e);
	look_at_call(f, e);
	return f->no_memory ? TRK_ERR_NOMEM : err;
}

/* ---- reading ---- */

/* Threads by their process: the first one of each, and the next of the same one, both + 1; 0: none. */
struct chains {
	uint32_t *first, *next;
};

static bool make_chains(struct chains *ret, const struct capture *c)
{
	ret->first = calloc((size_t)c->process_count + 1, sizeof(*ret->first));
	ret->next = calloc((size_t)c->thread_count + 1, sizeof(*ret->next));
	if (!ret->first || !ret->next)
		return false;
	for (uint32_t i = 0; i < c->thread_count; i++)
		if (c->threads[i].process < c->process_count) {
			ret->next[i] = ret->first[c->threads[i].process];
			ret->first[c->threads[i].process] = i + 1;
		}
	return true;
}

/* Whether the parent of `p` had more than one thread then. */
static bool had_threads(const struct capture *c, const struct chains *chains, const struct trk_process *p)
{
	uint32_t tid = 0;

	for (uint32_t i = p->parent < c->process_count ? chains->first[p->parent] : 0; i; i = chains->next[i - 1]) {
		const struct trk_thread *const t = &c->threads[i - 1];

		if (t->start_ns > p->start_ns || t->end_ns < p->start_ns || t->tid == tid)
			continue;
		if (tid)
			return true;
		tid = t->tid;
	}
	return false;
}

static int begin_processes(struct finder *f)
{
	const struct capture *const c = f->report->capture;
	const bool own = capture_health(c, "traceback_limit") > 0; /* a program began it when it had blocks already */
	struct chains chains;
	const bool fine = make_chains(&chains, c);

	memset(f->processes, 0, (c->process_count + 1) * sizeof(*f->processes));
	memset(f->threads, 0, (c->thread_count + 1) * sizeof(*f->threads));
	for (uint32_t i = 0; i < c->process_count && fine; i++) {
		const struct trk_process *const p = &c->processes[i];

		f->processes[i].inherits = p->origin != TRK_STARTED || own;
		f->processes[i].of_threads = p->origin == TRK_FORKED && had_threads(c, &chains, p);
	}
	free(chains.first);
	free(chains.next);
	return fine ? 0 : TRK_ERR_NOMEM;
}

static int read_batch(struct finder *f, const struct trk_event *e, size_t n)
{
	int err = 0;

	if (f->report->capture->damaged_blocks != f->damaged)
		for (uint32_t i = 0; i < f->report->capture->process_count; i++)
			forget(&f->processes[i]);
	f->damaged = f->report->capture->damaged_blocks;
	for (size_t i = 0; i < n && !err; i++)
		err = apply(f, &e[i]);
	return err;
}

static int read_events(struct finder *f, struct ui_progress *progress)
{
	const struct heap_observer observer = { .data = f, .born = on_born, .died = on_died, .restored = on_restored };
	struct capture *const c = f->report->capture;
	struct cursor *k = NULL;
	const struct trk_event *e;
	uint64_t done = 0;
	size_t n;
	int err = heap_new(&f->heap, 1, &observer);

	if (!err)
		err = begin_processes(f);
	if (err) {
		heap_free(f->heap);
		f->heap = NULL;
		return err;
	}
	heap_set_page_bytes(f->heap, c->header.page_bytes);
	heap_set_sampling(f->heap, c->header.sample_bytes);
	f->damaged = c->damaged_blocks;
	err = heap_keyframe_begin(c, f->report->process, f->heap);
	if (!err)
		err = cursor_open(&k, c, f->report->process);
	while (!err && (err = cursor_batch(k, &e, &n)) == 0) {
		err = read_batch(f, e, n);
		ui_progress_step(progress, done += n);
	}
	cursor_close(k);
	f->report->lost = heap_totals(f->heap)->lost;
	f->lint->calls = heap_totals(f->heap)->allocations + heap_totals(f->heap)->frees + heap_totals(f->heap)->unmatched_frees;
	heap_free(f->heap);
	f->heap = NULL;
	return err == TRK_END ? 0 : err;
}

/* Findings that turned out to be none: of children that executed nothing; of operators of the program's own. */
static void drop(struct finder *f)
{
	struct lint *const l = f->lint;
	size_t n = 0;

	for (size_t i = 0; i < l->count; i++) {
		const struct lint_finding *const x = &l->items[i];
		const struct lint_process *const p = &f->processes[x->process];
		const bool is_freed_new = x->rule == LINT_MISMATCHED && lint_family(x->called) == LINT_FAMILY_MALLOC;

		if (x->rule == LINT_FORK && !p->executed)
			continue;
		if (is_freed_new && (x->nodes[LINT_CALL] ? lint_frames_operator(&f->frames, x->nodes[LINT_CALL]) : p->own_operators))
			continue;
		l->items[n++] = *x;
	}
	l->count = n;
}

static int find_all(struct finder *f)
{
	const struct capture *const c = f->report->capture;
	struct ui_progress progress;
	int err = lint_frames_init(&f->frames, f->report);

	f->processes = calloc((size_t)c->process_count + 1, sizeof(*f->processes));
	f->threads = calloc((size_t)c->thread_count + 1, sizeof(*f->threads));
	if (err || !f->processes || !f->threads)
		return TRK_ERR_NOMEM;
	ui_progress_start(&progress, "reading events", c->event_count);
	err = read_events(f, &progress);
	drop(f);
	if (!err && f->vain_count) {
		f->second = true;
		err = read_events(f, &progress);
	}
	ui_progress_end(&progress);
	return err;
}

int lint_find(struct lint *ret, struct report *r)
{
	struct finder f = { .lint = ret, .report = r };
	const int err = find_all(&f);

	lint_frames_finish(&f.frames);
	idmap_finish(&f.vain_map);
	idmap_finish(&ret->map);
	free(f.processes);
	free(f.threads);
	free(f.vains);
	if (!err) {
		report_say_missing(r);
		return UI_OK;
	}
	ui_error("%s: %s", r->capture->path, err == TRK_ERR_NOMEM ? "out of memory" : capture_why(r->capture, err));
	return UI_CANNOT;
}

void lint_finish(struct lint *l)
{
	free(l->items);
	idmap_finish(&l->map);
	*l = (struct lint){ 0 };
}
