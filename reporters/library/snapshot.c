/* snapshot - see snapshot.h. */
#include "snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/filter.h"
#include "failure.h"
#include "own.h"
#include "replay/domain_names.h"
#include "symbols/keymap.h"
#include "traceback_object.h"

#define NFRAME_DEFAULT 1024 /* for recordings that do not say it */

/* Takes over a reference to the source, and the view. NULL: there is no memory, and both are freed. */
static struct tracker_snapshot *snapshot_new(struct source *s, struct view *v)
{
	struct tracker_snapshot *const snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot) {
		failure_no_memory();
		view_finish(v);
		source_drop(s);
		return NULL;
	}
	/* How exact sums are is not told. */
	free(v->errors);
	v->errors = NULL;
	snapshot->source = s;
	snapshot->view = *v;
	return snapshot;
}

void tracker_snapshot_free(tracker_snapshot *s)
{
	OWN_MEMORY;
	if (!s)
		return;
	view_finish(&s->view);
	source_drop(s->source);
	free(s);
}

/* ---- load ---- */

/* A capture without single blocks has only the sums. */
static int ask(struct source *s, const struct point_range *at, struct view *ret)
{
	struct view_options o = {
		.what = VIEW_LIVE,
		.at = *at,
		.process = UINT32_MAX,
		.blocks = !capture_is_aggregated(source_capture(s)),
		.rows_only = true,
	};

	point_settle(&o.at, source_capture(s));
	return source_view(s, &o, ret);
}

struct tracker_snapshot *snapshot_at(struct source *s, const struct point_range *at)
{
	struct view view;

	return ask(s, at, &view) == TRACKER_OK ? snapshot_new(source_keep(s), &view) : NULL;
}

static struct tracker_snapshot *load(const char *file, const struct point_range *at)
{
	struct tracker_snapshot *ret;
	struct source *source;

	if (source_open(&source, file) != TRACKER_OK)
		return NULL;
	ret = snapshot_at(source, at);
	source_drop(source);
	return ret;
}

tracker_snapshot *tracker_snapshot_load(const char *path)
{
	OWN_MEMORY;
	struct tracker_snapshot *snapshot = NULL;
	struct trk_fault fault = { 0 };
	struct point_range at;
	char *file = NULL;
	int err;

	if (!path) {
		failure(TRACKER_EINVAL, "tracker_snapshot_load was given NULL");
		return NULL;
	}
	err = point_parse(path, &file, &at, &fault);
	if (!err)
		snapshot = load(file, &at);
	else if (err == TRK_ERR_NOMEM)
		failure_no_memory();
	else
		failure(TRACKER_EINVAL, "%s: %s", path, fault.why);
	free(file);
	return snapshot;
}

/* ---- what is in it ---- */

int tracker_snapshot_traceback_limit(const tracker_snapshot *s)
{
	const struct capture *const c = s ? source_capture(s->source) : NULL;
	uint64_t told;

	if (!s)
		return 0;
	told = capture_health(c, "traceback_limit"); /* the snapshot is one of a program's own traces */
	if (!told)
		told = capture_health(c, "nframe");
	return told && told <= INT32_MAX ? (int)told : NFRAME_DEFAULT;
}

size_t tracker_snapshot_len(const tracker_snapshot *s)
{
	return s ? s->view.block_count : 0;
}

int tracker_snapshot_trace(const tracker_snapshot *s, size_t index, tracker_trace *out)
{
	OWN_MEMORY;
	const struct tracker_traceback *traceback;

	if (!s || !out)
		return failure(TRACKER_EINVAL, "tracker_snapshot_trace was given NULL");
	if (index >= s->view.block_count)
		return failure(TRACKER_EINVAL, "there is no trace %zu: the snapshot has %zu", index, s->view.block_count);
	const struct view_block *const b = &s->view.blocks[index];

	source_lock(s->source);
	traceback = source_traceback(s->source, b->node);
	source_unlock(s->source);
	if (!traceback)
		return failure_no_memory();
	*out = (tracker_trace){ .domain = b->domain, .address = b->address, .size = b->size, .traceback = traceback };
	return TRACKER_OK;
}

/* ---- domains ---- */

int tracker_snapshot_domain_name(const tracker_snapshot *s, unsigned domain, char *name, size_t room)
{
	char all[DOMAIN_NAME_ROOM];
	const char *found;

	if (!s || (!name && room))
		return failure(TRACKER_EINVAL, "tracker_snapshot_domain_name was given NULL");
	found = domain_name(source_capture(s->source), UINT32_MAX, domain, all);
	if (!found)
		return failure(TRACKER_ENOENT, "the domain %u has no name", domain);
	return snprintf(name, room, "%s", found);
}

long tracker_snapshot_domain(const tracker_snapshot *s, const char *name)
{
	uint32_t domain;

	if (!s || !name)
		return failure(TRACKER_EINVAL, "tracker_snapshot_domain was given NULL");
	if (!domain_by_name(source_capture(s->source), name, &domain))
		return failure(TRACKER_ENOENT, "no domain is named %s", name);
	return (long)domain;
}

/* ---- filter ---- */

struct filtering {
	const struct tracker_snapshot *from;
	struct filters filters;
	struct keymap known; /* by node and domain: whether it passes */
};

static int take_filters(struct filtering *f, const tracker_filter *filters, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const bool any_file = !filters[i].filename_pattern;
		const struct filter one = {
			.pattern = (char *)(any_file && filters[i].lineno >= 0 ? "*" : filters[i].filename_pattern),
			.line = filters[i].lineno < 0 ? -1 : filters[i].lineno,
			.domain = filters[i].domain < 0 ? -1 : filters[i].domain,
			.inclusive = filters[i].inclusive,
			.all_frames = filters[i].all_frames,
		};

		if (!filters_append(&f->filters, &one))
			return failure_no_memory();
	}
	return TRACKER_OK;
}

/* 1, 0, or a code. The source is locked. */
static int passes(struct filtering *f, uint32_t node, uint32_t domain)
{
	uint32_t *const known = keymap_at(&f->known, (uint64_t)node << 32 | domain);
	const struct tracker_traceback *t;

	if (!known)
		return TRACKER_ENOMEM;
	if (*known == KEYMAP_NONE) {
		t = source_traceback(f->from->source, node);
		if (!t)
			return TRACKER_ENOMEM;
		*known = filters_pass(&f->filters, t->frames, t->count, 0, domain);
	}
	return (int)*known;
}

static int filter_rows(struct filtering *f, struct view *ret)
{
	const struct view *const from = &f->from->view;
	int pass;

	ret->rows = calloc(from->row_count + 1, sizeof(*ret->rows));
	for (size_t i = 0; ret->rows && i < from->row_count; i++) {
		const struct view_row *const r = &from->rows[i];

		pass = passes(f, r->node, r->domain);
		if (pass < 0)
			return pass;
		if (!pass)
			continue;
		ret->rows[ret->row_count++] = *r;
		ret->bytes += r->bytes;
		ret->count += r->count;
	}
	return ret->rows ? TRACKER_OK : TRACKER_ENOMEM;
}

static int filter_blocks(struct filtering *f, struct view *ret)
{
	const struct view *const from = &f->from->view;
	int pass;

	ret->blocks = calloc(from->block_count + 1, sizeof(*ret->blocks));
	for (size_t i = 0; ret->blocks && i < from->block_count; i++) {
		pass = passes(f, from->blocks[i].node, from->blocks[i].domain);
		if (pass < 0)
			return pass;
		if (pass)
			ret->blocks[ret->block_count++] = from->blocks[i];
	}
	return ret->blocks ? TRACKER_OK : TRACKER_ENOMEM;
}

static int filter(struct filtering *f, struct view *ret)
{
	int code;

	*ret = (struct view){ .time_ns = f->from->view.time_ns, .sample_bytes = f->from->view.sample_bytes };
	source_lock(f->from->source);
	code = filter_rows(f, ret);
	if (!code)
		code = filter_blocks(f, ret);
	source_unlock(f->from->source);
	return code;
}

tracker_snapshot *tracker_snapshot_filter(const tracker_snapshot *s, const tracker_filter *filters, size_t n)
{
	OWN_MEMORY;
	struct filtering f = { .from = s };
	struct tracker_snapshot *ret = NULL;
	struct view view = { 0 };

	if (!s || (n && !filters)) {
		failure(TRACKER_EINVAL, "tracker_snapshot_filter was given NULL");
		return NULL;
	}
	if (take_filters(&f, filters, n) == TRACKER_OK && filter(&f, &view) == TRACKER_OK) {
		ret = snapshot_new(source_keep(s->source), &view);
	} else {
		failure_no_memory();
		view_finish(&view);
	}
	filters_finish(&f.filters);
	keymap_finish(&f.known);
	return ret;
}
