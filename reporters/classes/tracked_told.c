/* tracked_told - what programs say of classes and objects, event by event; see tracked_private.h. */
#include "classes/tracked_private.h"

#include <stdlib.h>
#include <string.h>

#include "format/array.h"

const char *const tracked_figures[TRACKED_FIGURES] = { "vsz", "rss", "data", "code", "stack", "shared", "peak", "hwm", "lck", "pte", "minflt", "majflt", "arena", "inuse", "free", "mmapped", "tracker" };

/* ---- classes ---- */

static struct tracked_rule *add_rule(struct reading *x, uint32_t process, const char *pattern, size_t bytes)
{
	struct tracked *const t = x->t;
	struct tracked_rule *r;

	if (!ARRAY_ROOM(t->rules, t->rule_room, t->rule_count + 1, 8)) {
		x->no_memory = true;
		return NULL;
	}
	r = &t->rules[t->rule_count];
	*r = (struct tracked_rule){ .process = process, .derived = bytes > 1 && pattern[bytes - 1] == '+' };
	r->pattern = strndup(pattern, bytes - r->derived);
	if (!r->pattern) {
		x->no_memory = true;
		return NULL;
	}
	t->rule_count++;
	return r;
}

static struct tracked_rule *find_rule(const struct reading *x, uint32_t process, const char *pattern, size_t bytes)
{
	const bool derived = bytes > 1 && pattern[bytes - 1] == '+';

	for (size_t i = 0; i < x->t->rule_count; i++) {
		struct tracked_rule *const r = &x->t->rules[i];

		if (r->process == process && r->derived == derived && strlen(r->pattern) == bytes - derived && memcmp(r->pattern, pattern, bytes - derived) == 0)
			return r;
	}
	return NULL;
}

/* A forked process goes on tracking what its parent did. */
static void inherit(struct reading *x, uint32_t process)
{
	const struct capture *const c = x->t->report->capture;
	const struct trk_process *const p = process < c->process_count ? &c->processes[process] : NULL;
	const size_t count = x->t->rule_count;

	for (size_t i = 0; p && p->origin == TRK_FORKED && i < count; i++) {
		const struct tracked_rule from = x->t->rules[i];
		struct tracked_rule *const r = from.active && from.process == p->parent ? add_rule(x, process, from.pattern, strlen(from.pattern)) : NULL;
		char *const pattern = r ? r->pattern : NULL;

		if (!r)
			continue;
		*r = from;
		r->pattern = pattern;
		r->process = process;
		r->since = r->since_ns = r->matched = 0;
		x->processes[process].rules++;
		x->serial++;
	}
}

struct tracked_process *tracked_process_of(struct reading *x, uint32_t process)
{
	struct tracked_process *const p = &x->processes[process];

	if (!p->begun) {
		p->begun = true;
		inherit(x, process);
	}
	return p;
}

static size_t line(const char *text, size_t bytes)
{
	const char *const end = bytes ? memchr(text, '\n', bytes) : NULL;

	return end ? (size_t)(end - text) : bytes;
}

static uint32_t name(struct reading *x, const char *text, size_t bytes)
{
	const uint32_t ret = bytes ? tracked_name(&x->t->names, text, bytes) : 0;

	x->no_memory |= bytes && !ret;
	return ret;
}

static void track(struct reading *x, const struct trk_event *e)
{
	const size_t n = line(e->label, e->label_bytes);
	struct tracked_process *const p = &x->processes[e->process];
	struct tracked_rule *r = n ? find_rule(x, e->process, e->label, n) : NULL;

	if (!n || (!r && !(r = add_rule(x, e->process, e->label, n))))
		return;
	if (!r->active) {
		r->since = p->newest;
		r->since_ns = e->time_ns;
		p->rules++;
	}
	r->active = true;
	r->level = TRK_CLASS_LEVEL(e->size);
	r->trace = e->size & TRK_CLASS_TRACE;
	r->keep = e->size & TRK_CLASS_KEEP;
	r->shown = n < e->label_bytes ? name(x, e->label + n + 1, e->label_bytes - n - 1) : 0;
}

static struct tracked_object *object_at(struct reading *x, const struct trk_event *e, struct heap_block *b)
{
	if (!heap_find(x->heap, e->process, TRK_DOMAIN_HEAP, e->address, b) || !b->user || x->notes[b->user - 1].object == NO_OBJECT)
		return NULL;
	return &x->t->objects[x->notes[b->user - 1].object];
}

static void track_object(struct reading *x, const struct trk_event *e)
{
	const size_t n = line(e->label, e->label_bytes);
	struct tracked_object *o;
	struct heap_block b;
	uint32_t class, id;

	if (object_at(x, e, &b) || !heap_find(x->heap, e->process, TRK_DOMAIN_HEAP, e->address, &b))
		return;
	class = n < e->label_bytes ? name(x, e->label + n + 1, e->label_bytes - n - 1) : name(x, e->label, n);
	if (!class)
		class = tracked_name_of_block(x, b.user ? x->notes[b.user - 1].type : 0, b.node, 0);
	id = tracked_add(x, &b, class, NO_RULE, TRACKED_BY_OBJECT);
	if (id == NO_OBJECT)
		return;
	o = &x->t->objects[id];
	o->level = (uint8_t)TRK_CLASS_LEVEL(e->size);
	o->trace = e->size & TRK_CLASS_TRACE;
}

void tracked_annotate(struct reading *x, const struct trk_event *e)
{
	const uint32_t type = name(x, e->label, e->label_bytes);
	struct heap_block b;
	struct note *n;
	uint32_t rule;

	if (!type || !heap_find(x->heap, e->process, TRK_DOMAIN_HEAP, e->address, &b) || !(n = tracked_note(x, e->process, &b)))
		return;
	n->type = type;
	rule = tracked_match(x, e->process, type, NULL, 0);
	if (rule == NO_RULE || !tracked_is_younger(x, rule, &b))
		return;
	if (n->object == NO_OBJECT) {
		n->object = tracked_fill(x, &b, tracked_shown(x, rule, type), rule, TRACKED_BY_ANNOTATION);
	} else if (x->t->objects[n->object].by != TRACKED_BY_OBJECT) { /* what it said before counts no more */
		struct tracked_object *const o = &x->t->objects[n->object];

		tracked_count(x, e->time_ns, e->process, o->class, -1);
		o->class = tracked_shown(x, rule, type);
		o->by = TRACKED_BY_ANNOTATION;
		tracked_count(x, e->time_ns, e->process, o->class, 1);
	}
}

static void detach(struct reading *x, const struct trk_event *e, const struct tracked_rule *only)
{
	for (size_t i = 0; i < x->t->rule_count; i++) {
		struct tracked_rule *const r = &x->t->rules[i];

		if (!r->active || r->process != e->process || (only && only != r))
			continue;
		r->active = false;
		x->processes[e->process].rules--;
	}
}

static void detach_objects(struct reading *x, const struct trk_event *e)
{
	struct tracked_process *const p = &x->processes[e->process];

	while (p->live_count) {
		const uint32_t id = p->live[p->live_count - 1];
		struct heap_block b;

		if (heap_find(x->heap, e->process, TRK_DOMAIN_HEAP, x->t->objects[id].address, &b) && b.user)
			x->notes[b.user - 1].object = NO_OBJECT;
		tracked_end(x, id, e->time_ns, false);
	}
}

/* Objects keep their places, because other processes' objects stand beside them. */
static void clear(struct reading *x, uint32_t process)
{
	struct tracked *const t = x->t;
	size_t n = 0;

	for (size_t i = 0; i < t->object_count; i++)
		if (t->objects[i].process == process)
			t->objects[i].class = t->objects[i].first_size = t->objects[i].last_size = 0;
	for (size_t i = 0; i < t->snapshot_count; i++) /* sizes name them by their places */
		if (t->snapshots[i].process == process) {
			t->snapshots[i].process = UINT32_MAX;
			t->snapshots[i].sum_count = 0;
		}
	for (size_t i = 0; i < t->change_count; i++)
		if (t->changes[i].process != process)
			t->changes[n++] = t->changes[i];
	t->change_count = n;
	for (size_t i = 0; i < t->rule_count; i++) /* nobody asks any more whether it matched */
		t->rules[i].matched += t->rules[i].process == process;
}

/* ---- snapshots ---- */

static void take_figures(struct tracked_snapshot *s, const char *text, size_t bytes)
{
	for (size_t at = 0; at < bytes;) {
		const char *const end = memchr(text + at, ';', bytes - at);
		const size_t n = end ? (size_t)(end - text) - at : bytes - at;
		char word[64];

		if (n < sizeof(word)) {
			memcpy(word, text + at, n);
			word[n] = 0;
			for (unsigned i = 0; i < TRACKED_FIGURES; i++) {
				const size_t m = strlen(tracked_figures[i]);

				if (strncmp(word, tracked_figures[i], m) != 0 || word[m] != ' ')
					continue;
				s->figures[i] = strtoull(word + m + 1, NULL, 10);
				s->known |= 1u << i;
			}
		}
		at += n + 1;
	}
}

static void snapshot(struct reading *x, const struct trk_event *e)
{
	const struct capture *const c = x->t->report->capture;
	const size_t n = line(e->label, e->label_bytes), behind = n < e->label_bytes ? n + 1 : n;
	const uint64_t start_ns = c->processes[e->process].start_ns;
	const struct heap_totals *const totals = heap_process_totals(x->heap, e->process);
	struct tracked_snapshot *s;

	if (!ARRAY_ROOM(x->t->snapshots, x->t->snapshot_room, x->t->snapshot_count + 1, 16)) {
		x->no_memory = true;
		return;
	}
	s = &x->t->snapshots[x->t->snapshot_count];
	*s = (struct tracked_snapshot){
		.at_ns = e->time_ns > start_ns ? e->time_ns - start_ns : 0,
		.process = e->process,
		.periodic = e->size & TRK_CLASS_PERIODIC,
		.total = e->size & TRK_CLASS_TOTAL,
		.heap_bytes = totals->live_bytes,
		.heap_blocks = totals->live_blocks,
		.description = strndup(e->label ? e->label + behind : "", e->label_bytes - behind),
		.reason = strdup(""),
	};
	x->t->snapshot_count++;
	take_figures(s, e->label, n);
	tracked_measure(x, s, e->address <= UINT32_MAX ? (uint32_t)e->address : 0);
	x->no_memory |= !s->description || !s->reason;
}

void tracked_class_event(struct reading *x, const struct trk_event *e)
{
	struct tracked_rule *rule;
	struct tracked_object *o;
	struct heap_block b;

	x->serial++;
	switch (TRK_CLASS_OP(e->size)) {
	case TRK_CLASS_TRACK:
		track(x, e);
		break;
	case TRK_CLASS_OBJECT:
		track_object(x, e);
		break;
	case TRK_CLASS_CHANGE:
		o = object_at(x, e, &b);
		if (o)
			o->level = (uint8_t)TRK_CLASS_LEVEL(e->size);
		break;
	case TRK_CLASS_DETACH:
		rule = e->label_bytes ? find_rule(x, e->process, e->label, e->label_bytes) : NULL;
		if (rule)
			detach(x, e, rule);
		break;
	case TRK_CLASS_DETACH_CLASSES:
	case TRK_CLASS_DETACH_ALL:
	case TRK_CLASS_CLEAR:
		detach(x, e, NULL);
		if (TRK_CLASS_OP(e->size) != TRK_CLASS_DETACH_CLASSES)
			detach_objects(x, e);
		if (TRK_CLASS_OP(e->size) == TRK_CLASS_CLEAR)
			clear(x, e->process);
		break;
	case TRK_CLASS_LABEL:
		o = object_at(x, e, &b);
		if (o)
			o->label = name(x, e->label, e->label_bytes);
		break;
	case TRK_CLASS_SNAPSHOT:
		snapshot(x, e);
		break;
	}
}
