/* tracked_classes - see tracked_classes.h. */
#include "tracked_classes.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver.h"
#include "libtracker/tracker.h"
#include "look.h"
#include "own_capture.h"

#define CLASSES_MAX 256u
#define COPY_BYTES (8u << 20) /* at a time */
#define PERIOD_MIN_NS 1000000u
#define PERIOD_MAX_NS 1000000000000000000u
#define OBJECT 1u /* heap_block.user: it is tracked by itself. Nobody else sets it in the recorder's heap */

struct classes {
	char *patterns[CLASSES_MAX];
	bool keeps[CLASSES_MAX]; /* their objects stay when they are released */
	uint32_t count;
	bool tracked; /* some object may be */
	bool begun; /* what tracker run tracks was said */
	bool waiting[SHM_QUESTIONS]; /* by entry: the look that is under way is for that snapshot */
	uint64_t interval_ns, next_ns; /* 0: no periodic snapshots */
};

static struct classes *classes_of(struct process *p)
{
	if (!p->classes)
		p->classes = calloc(1, sizeof(*p->classes));
	return p->classes;
}

static void say(struct recorder *r, struct process *p, const struct trk_event *about)
{
	struct trk_event e = *about;

	e.kind = TRK_CLASS;
	e.thread = p->main_thread == NO_INDEX ? 0 : p->main_thread;
	e.time_ns = e.time_ns ? e.time_ns : r->now_ns;
	deliver(r, p, &e);
	deliver_flush(r);
}

/* ---- classes ---- */

static uint32_t find(const struct classes *c, const char *pattern, size_t n)
{
	uint32_t i = 0;

	while (i < c->count && (strlen(c->patterns[i]) != n || memcmp(c->patterns[i], pattern, n) != 0))
		i++;
	return i;
}

static size_t pattern_bytes(const char *text, size_t n)
{
	const char *const end = memchr(text, '\n', n);

	return end ? (size_t)(end - text) : n;
}

static int track(struct classes *c, const char *text, size_t bytes, bool keeps)
{
	const size_t n = pattern_bytes(text, bytes);
	uint32_t i;

	if (!n)
		return TRACKER_EINVAL;
	c->tracked = true;
	i = find(c, text, n);
	if (i == c->count && (i == CLASSES_MAX || !(c->patterns[i] = strndup(text, n))))
		return TRACKER_ENOMEM;
	c->count += i == c->count;
	c->keeps[i] = keeps;
	return TRACKER_OK;
}

static int detach(struct classes *c, const char *text, size_t n)
{
	const uint32_t i = find(c, text, n);

	if (i == c->count)
		return TRACKER_ENOENT;
	free(c->patterns[i]);
	memmove(&c->patterns[i], &c->patterns[i + 1], (--c->count - i) * sizeof(*c->patterns));
	memmove(&c->keeps[i], &c->keeps[i + 1], (c->count - i) * sizeof(*c->keeps));
	return TRACKER_OK;
}

static void forget(struct classes *c)
{
	while (c->count)
		free(c->patterns[--c->count]);
}

/* ---- objects ---- */

static bool find_block(const struct recorder *r, const struct process *p, uint64_t address, struct heap_block *ret)
{
	return heap_find(r->heap, p->index, TRK_DOMAIN_HEAP, address, ret);
}

/* True: it is not tracked yet. */
static int track_object(struct recorder *r, const struct process *p, struct classes *c, uint64_t address, bool *ret_new, uint64_t figures[6])
{
	struct heap_block b;

	if (!find_block(r, p, address, &b))
		return TRACKER_ENOENT;
	*ret_new = b.user != OBJECT;
	figures[0] = *ret_new;
	figures[1] = b.size;
	heap_set_user(r->heap, p->index, TRK_DOMAIN_HEAP, address, OBJECT);
	c->tracked = true;
	return TRACKER_OK;
}

/* Objects of classes are known only when the capture is read. */
static int change_object(const struct recorder *r, const struct process *p, const struct classes *c, uint64_t address)
{
	struct heap_block b;

	return find_block(r, p, address, &b) && (b.user == OBJECT || c->count) ? TRACKER_OK : TRACKER_ENOENT;
}

/* How well it fits, as reports weigh it; 0: not at all. What its base classes are is not known yet. */
static unsigned fit(const char *pattern, const char *type)
{
	const size_t n = strlen(pattern);
	const bool derived = n > 1 && pattern[n - 1] == '+';
	char text[SHM_TEXT_BYTES + 1];

	snprintf(text, sizeof(text), "%.*s", (int)(n - derived), pattern);
	if (strcmp(text, type) == 0)
		return derived ? 3 : 4;
	return fnmatch(text, type, 0) == 0 ? 2 : 0;
}

/* Whether a block whose type the program has just said stays when it is released. */
static int is_kept(const struct recorder *r, const struct process *p, const struct classes *c, const struct class_question *q, uint64_t figures[6])
{
	char type[SHM_TEXT_BYTES + 1];
	unsigned best = 1;
	struct heap_block b;

	snprintf(type, sizeof(type), "%.*s", (int)q->text_bytes, q->text);
	for (uint32_t i = 0; i < c->count; i++) {
		const unsigned fits = fit(c->patterns[i], type);

		if (fits < best)
			continue;
		best = fits;
		figures[0] = c->keeps[i];
	}
	if (!find_block(r, p, q->given[1], &b))
		return TRACKER_ENOENT;
	figures[1] = b.size;
	return TRACKER_OK;
}

static int do_operation(struct recorder *r, struct process *p, struct classes *c, const struct class_question *q, uint64_t figures[6])
{
	const uint64_t operation = q->given[0], address = q->given[1];
	bool changes = true;
	int ret = TRACKER_OK;

	switch (TRK_CLASS_OP(operation)) {
	case TRK_CLASS_TRACK:
		ret = track(c, q->text, q->text_bytes, operation & TRK_CLASS_KEEP);
		break;
	case TRK_CLASS_OBJECT:
		ret = track_object(r, p, c, address, &changes, figures);
		break;
	case TRK_CLASS_CHANGE:
		ret = change_object(r, p, c, address);
		break;
	case TRK_CLASS_DETACH:
		ret = detach(c, q->text, q->text_bytes);
		break;
	case TRK_CLASS_DETACH_ALL:
	case TRK_CLASS_CLEAR:
		c->tracked = false;
		/* fall through */
	case TRK_CLASS_DETACH_CLASSES:
		forget(c);
		break;
	default:
		return TRACKER_EINVAL;
	}
	if (ret == TRACKER_OK && changes)
		say(r, p, &(struct trk_event){ .address = address, .size = operation, .node = q->node, .label = q->text_bytes ? q->text : NULL, .label_bytes = q->text_bytes });
	return ret;
}

/* ---- snapshots ---- */

static void make_snapshot(const struct recorder *r, const struct process *p, struct class_snapshot *s, const uint64_t *malloc_figures,
			  const char *description, uint32_t bytes)
{
	s->figures_bytes = class_figures(r, p, malloc_figures, s->label, sizeof(s->label) / 2);
	s->label[s->figures_bytes++] = '\n';
	if (bytes > sizeof(s->label) - s->figures_bytes)
		bytes = sizeof(s->label) - s->figures_bytes;
	if (bytes)
		memcpy(s->label + s->figures_bytes, description, bytes);
	s->bytes = s->figures_bytes + bytes;
}

void classes_deliver(struct recorder *r, struct process *p, const struct class_snapshot *s, uint32_t look)
{
	if (s->bytes > s->figures_bytes)
		deliver(r, p, &(struct trk_event){
				      .kind = TRK_MARK,
				      .thread = p->main_thread == NO_INDEX ? 0 : p->main_thread,
				      .node = s->node,
				      .time_ns = r->now_ns,
				      .label = s->label + s->figures_bytes,
				      .label_bytes = s->bytes - s->figures_bytes,
			      });
	say(r, p, &(struct trk_event){ .address = look, .size = s->how, .node = s->node, .label = s->label, .label_bytes = s->bytes });
}

static bool needs_look(const struct classes *c, uint64_t how)
{
	return c->tracked || how & TRK_CLASS_TOTAL;
}

static int snapshot(struct recorder *r, struct process *p, struct classes *c, const struct class_question *q, uint64_t figures[6], bool *ret_waits)
{
	struct class_snapshot s = { .how = q->given[0] & (0xffu | TRK_CLASS_TOTAL), .node = q->node };

	if (p->look && (c->waiting[q->entry] || needs_look(c, s.how))) { /* its own, or somebody else's */
		*ret_waits = !c->waiting[q->entry] || !look_take(r, p, q->entry, figures);
		c->waiting[q->entry] &= *ret_waits;
		return TRACKER_OK;
	}
	make_snapshot(r, p, &s, &q->given[1], q->text, q->text_bytes);
	*ret_waits = needs_look(c, s.how) && look_for_classes(r, p, q->entry, &s);
	c->waiting[q->entry] = *ret_waits;
	if (!*ret_waits)
		classes_deliver(r, p, &s, 0);
	return TRACKER_OK;
}

/* 0: none any more. */
static int set_period(struct recorder *r, struct classes *c, uint64_t interval_ns)
{
	if (interval_ns && (interval_ns < PERIOD_MIN_NS || interval_ns > PERIOD_MAX_NS))
		return TRACKER_EINVAL;
	c->interval_ns = interval_ns;
	c->next_ns = r->now_ns + interval_ns;
	return TRACKER_OK;
}

static bool takes_periodic(const struct process *p)
{
	return p->classes && p->classes->interval_ns && !p->look && !p->dying && p->slot != NO_SLOT;
}

uint64_t classes_next_ns(const struct recorder *r)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < r->live_count; i++) {
		if (takes_periodic(r->live[i]) && r->live[i]->classes->next_ns < next)
			next = r->live[i]->classes->next_ns;
	}
	return next;
}

/* Snapshots that were missed are left out. */
void classes_round(struct recorder *r)
{
	for (size_t i = 0; i < r->live_count; i++) {
		struct process *const p = r->live[i];
		struct classes *const c = p->classes;
		struct class_snapshot s = { .how = TRK_CLASS_SNAPSHOT | TRK_CLASS_PERIODIC };

		if (!takes_periodic(p) || r->now_ns < c->next_ns)
			continue;
		c->next_ns += (r->now_ns - c->next_ns) / c->interval_ns * c->interval_ns + c->interval_ns;
		make_snapshot(r, p, &s, NULL, NULL, 0);
		if (!needs_look(c, s.how) || !look_for_classes(r, p, LOOK_NOBODY, &s))
			classes_deliver(r, p, &s, 0);
	}
}

/* ---- a copy of what is recorded so far ---- */

static int copy_recording(struct recorder *r, const struct process *p, struct classes *c, uint64_t descriptor)
{
	struct stat from, to;
	off_t at = 0;
	int fd;
	bool fine;

	c->interval_ns = 0;
	if (r->rotation.keep || r->discard || r->waiting || fstat(r->output, &from) != 0 || !S_ISREG(from.st_mode) || !recorder_keeps_file(r))
		return TRACKER_ENOTSUP;
	writer_flush(r->writer);
	fd = own_capture_open(r, p, descriptor);
	fine = fd >= 0 && fstat(r->output, &from) == 0 && fstat(fd, &to) == 0;
	fine = fine && S_ISREG(to.st_mode) && (from.st_ino != to.st_ino || from.st_dev != to.st_dev); /* nothing that could block */
	if (fine)
		(void)!ftruncate(fd, 0);
	while (fine && at < from.st_size) {
		fine = sendfile(fd, r->output, &at, from.st_size - at < COPY_BYTES ? (size_t)(from.st_size - at) : COPY_BYTES) > 0;
		atomic_fetch_add(&r->shm->header.progress, 1); /* programs that wait go on waiting */
	}
	if (fd >= 0)
		close(fd);
	return fine ? TRACKER_OK : TRACKER_EIO;
}

/* ---- the whole ---- */

static bool knows_blocks(const struct recorder *r)
{
	return !r->aggregate && !r->heap_stopped && !r->shm->header.sample_bytes;
}

int classes_answer(struct recorder *r, struct process *p, const struct class_question *q, uint64_t figures[6], bool *ret_waits)
{
	struct classes *const c = classes_of(p);

	if (!c)
		return TRACKER_ENOMEM;
	if (!knows_blocks(r))
		return TRACKER_ENOTSUP;
	switch (TRK_CLASS_OP(q->given[0])) {
	case TRK_CLASS_SNAPSHOT:
		return snapshot(r, p, c, q, figures, ret_waits);
	case SHM_CLASS_PERIODIC:
		return set_period(r, c, q->given[1]);
	case SHM_CLASS_DUMP:
		return copy_recording(r, p, c, q->given[1]);
	case SHM_CLASS_KEPT:
		return is_kept(r, p, c, q, figures);
	}
	return do_operation(r, p, c, q, figures);
}

/* "Node,level=1,keep": checked by tracker run. */
static void track_option(struct recorder *r, struct process *p, struct classes *c, const char *option)
{
	char *const copy = strdup(option), *at = copy, *word, *name = NULL;
	uint64_t how = TRK_CLASS_TRACK;
	char text[SHM_TEXT_BYTES];
	const char *const pattern = copy ? strsep(&at, ",") : NULL;

	while (pattern && (word = strsep(&at, ","))) {
		if (strncmp(word, "level=", 6) == 0)
			how |= (strtoull(word + 6, NULL, 10) & 0xff) << 8;
		else if (strncmp(word, "name=", 5) == 0)
			name = word + 5;
		else
			how |= strcmp(word, "keep") == 0 ? TRK_CLASS_KEEP : strcmp(word, "trace") == 0 ? TRK_CLASS_TRACE :
													 0;
	}
	if (pattern) {
		snprintf(text, sizeof(text), "%s%s%s", pattern, name ? "\n" : "", name ? name : "");
		if (track(c, text, strlen(text), how & TRK_CLASS_KEEP) == TRACKER_OK)
			say(r, p, &(struct trk_event){ .time_ns = r->shm->processes[p->slot].start_ns, .size = how, .label = text, .label_bytes = (uint32_t)strlen(text) });
	}
	free(copy);
}

/* A forked process tracks what its parent does, and takes snapshots of its own. */
static void inherit(struct recorder *r, const struct process *p, struct classes *c)
{
	const struct process *const parent = p->origin == TRK_FORKED && !p->execs && p->parent < r->process_count ? r->processes[p->parent] : NULL;

	for (uint32_t i = 0; parent && parent->classes && i < parent->classes->count; i++)
		(void)track(c, parent->classes->patterns[i], strlen(parent->classes->patterns[i]), parent->classes->keeps[i]);
	if (parent && parent->classes && parent->classes->interval_ns)
		(void)set_period(r, c, parent->classes->interval_ns);
}

void classes_begin(struct recorder *r, struct process *p)
{
	const struct process *const parent = p->parent < r->process_count ? r->processes[p->parent] : NULL;
	struct classes *c;

	if (!knows_blocks(r) || (!r->classes.count && !r->classes.interval_ns && !(parent && parent->classes)) || !(c = classes_of(p)))
		return;
	inherit(r, p, c);
	if (p->origin == TRK_FORKED && !p->execs) /* it has what its parent has */
		return;
	for (uint32_t i = 0; i < r->classes.count; i++)
		track_option(r, p, c, r->classes.options[i]);
	if (r->classes.interval_ns)
		(void)set_period(r, c, r->classes.interval_ns);
}

void classes_free(struct process *p)
{
	if (p->classes)
		forget(p->classes);
	free(p->classes);
	p->classes = NULL;
}
