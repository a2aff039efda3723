/* tracked_told - what programs say of classes and objects, event by event; see tracked_private.h. */
#include "classes/tracked_private.h"

#include <stdlib.h>
#include <string.h>

#include "format/array.h"

const char *const tracked_figures[TRACKED_FIGURES] = { "vsz", "rss", "data", "code", "stack", "shared", "peak", "hwm", "lck", "pte", "minflt", "majflt", "arena", "inuse", "free", "mmapped", "tracker" };

/* ---- classes ---- */

/* The rules of a process are a chain. NULL: there is none, or no other one. */
static struct tracked_rule *first_rule(const struct reading *x, uint32_t process)
{
	const uint32_t place = x->processes[process].first_rule;

	return place ? &x->t->rules[place - 1] : NULL;
}

static struct tracked_rule *next_rule(const struct reading *x, const struct tracked_rule *r)
{
	return r->next ? &x->t->rules[r->next - 1] : NULL;
}

static struct tracked_rule *add_rule(struct reading *x, uint32_t process, const char *pattern, size_t bytes)
{
	struct tracked *const t = x->t;
	struct tracked_process *const p = &x->processes[process];
	struct tracked_rule *r;

	bytes = strnlen(pattern, bytes); /* it is kept as a string */
	if (t->rule_count >= NO_RULE - 1 || !ARRAY_ROOM(t->rules, t->rule_room, t->rule_count + 1, 8)) {
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
	if (p->last_rule)
		t->rules[p->last_rule - 1].next = (uint32_t)t->rule_count;
	else
		p->first_rule = (uint32_t)t->rule_count;
	p->last_rule = (uint32_t)t->rule_count;
	return r;
}

static struct tracked_rule *find_rule(const struct reading *x, uint32_t process, const char *pattern, size_t bytes)
{
	const size_t length = strnlen(pattern, bytes);
	const bool derived = length > 1 && pattern[length - 1] == '+';
	struct tracked_rule *r = first_rule(x, process);

	while (r && (r->derived != derived || strlen(r->pattern) != length - derived || memcmp(r->pattern, pattern, length - derived) != 0))
		r = next_rule(x, r);
	return r;
}

/* The process from which it was forked; TRK_NO_PROCESS: none that is known. */
static uint32_t forked_from(const struct reading *x, uint32_t process)
{
	const struct capture *const c = x->t->report->capture;
	const struct trk_process *const p = process < c->process_count ? &c->processes[process] : NULL;

	return p && p->origin == TRK_FORKED && p->parent < c->process_count ? p->parent : TRK_NO_PROCESS;
}

/* A forked process goes on tracking what its parent did. */
static void inherit(struct reading *x, uint32_t process)
{
	const uint32_t parent = forked_from(x, process);
	uint32_t next;

	if (parent == TRK_NO_PROCESS || parent == process)
		return;
	for (uint32_t i = x->processes[parent].first_rule; i; i = next) {
		const struct tracked_rule from = x->t->rules[i - 1];
		struct tracked_rule *const r = from.active ? add_rule(x, process, from.pattern, strlen(from.pattern)) : NULL;
		char *const pattern = r ? r->pattern : NULL;

		next = from.next;
		if (!r)
			continue;
		*r = from;
		r->pattern = pattern;
		r->process = process;
		r->since = r->since_ns = r->matched = 0;
		r->next = 0;
		x->processes[process].rules++;
	}
}

struct tracked_process *tracked_process_of(struct reading *x, uint32_t process)
{
	struct tracked_process *const p = &x->processes[process];
	uint32_t at = process;

	if (p->begun)
		return p;
	p->begun = true;
	for (uint32_t parent; (parent = forked_from(x, at)) != TRK_NO_PROCESS && !x->processes[parent].begun; at = parent) {
		x->processes[parent].begun = true;
		x->processes[parent].heir = at;
	}
	for (; at != process; at = x->processes[at].heir) /* those that made no event yet, the eldest first */
		inherit(x, at);
	inherit(x, process);
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
	x->serial++;
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

		tracked_meet(x, e->process, o->class, -1);
		tracked_count(x, e->time_ns, e->process, o->class, -1);
		o->class = tracked_shown(x, rule, type);
		x->t->rules[rule].told += o->by != TRACKED_BY_ANNOTATION;
		o->by = TRACKED_BY_ANNOTATION;
		tracked_meet(x, e->process, o->class, 1);
		tracked_count(x, e->time_ns, e->process, o->class, 1);
	}
}

static void detach(struct reading *x, const struct trk_event *e, const struct tracked_rule *only)
{
	x->serial++;
	for (struct tracked_rule *r = first_rule(x, e->process); r; r = next_rule(x, r)) {
		if (!r->active || (only && only != r))
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
	for (uint32_t i = 0; i < t->met_count; i++)
		if (t->met[i].process == process)
			t->met[i].count = 0;
	for (struct tracked_rule *r = first_rule(x, process); r; r = next_rule(x, r))
		r->matched++; /* nobody asks any more whether it did */
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

/* It is released next. */
static void keep(struct tracked *t, struct tracked_object *o, bool over)
{
	if (over || o->kept) { /* kept already: a realloc was to move it, and failed */
		t->over_count += over;
		return;
	}
	o->kept = true;
	t->kept_count++;
	t->kept_bytes += o->size;
}

void tracked_class_told(struct reading *x, const struct trk_event *e)
{
	struct tracked_rule *rule;

	switch (TRK_CLASS_OP(e->size)) {
	case TRK_CLASS_TRACK:
		track(x, e);
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
		break;
	}
}

void tracked_class_event(struct reading *x, const struct trk_event *e)
{
	struct tracked_object *o;
	struct heap_block b;

	tracked_class_told(x, e);
	switch (TRK_CLASS_OP(e->size)) {
	case TRK_CLASS_OBJECT:
		track_object(x, e);
		break;
	case TRK_CLASS_CHANGE:
		o = object_at(x, e, &b);
		if (o)
			o->level = (uint8_t)TRK_CLASS_LEVEL(e->size);
		break;
	case TRK_CLASS_DETACH_ALL:
		detach_objects(x, e);
		break;
	case TRK_CLASS_CLEAR:
		detach_objects(x, e);
		clear(x, e->process);
		break;
	case TRK_CLASS_LABEL:
		o = object_at(x, e, &b);
		if (o)
			o->label = name(x, e->label, e->label_bytes);
		break;
	case TRK_CLASS_KEPT:
		o = object_at(x, e, &b);
		if (o)
			keep(x->t, o, e->size & TRK_CLASS_OVER);
		break;
	case TRK_CLASS_SNAPSHOT:
		snapshot(x, e);
		break;
	}
}
