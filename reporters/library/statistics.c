/*
 * statistics - the sums of snapshots by key, and their lines of text: the grouping that reports use, in the caller's
 * form.
 *
 * The caller gets an array behind its head, in one block of memory. It keeps the captures to which its strings
 * belong.
 */
#include <stdlib.h>
#include <string.h>

#include "common/group.h"
#include "failure.h"
#include "own.h"
#include "snapshot.h"
#include "traceback_object.h"
#include "ui/ui.h"

struct statistics {
	struct grouping *groups;
	struct source *sources[GROUP_SIDES]; /* NULL: a side that is not asked for */
	struct key *keys; /* one for each of `items` */
	size_t count;
	union statistic {
		tracker_statistic one;
		tracker_statistic_diff two;
	} items[]; /* of one kind, one behind another */
};

struct key {
	struct tracker_traceback traceback;
	struct source_frame frame; /* of all but tracebacks */
};

static void statistics_free(struct statistics *s)
{
	for (size_t i = 0; s->keys && i < s->count; i++)
		free(s->keys[i].traceback.key);
	free(s->keys);
	grouping_free(s->groups);
	for (int i = 0; i < GROUP_SIDES; i++)
		source_drop(s->sources[i]);
	free(s);
}

void tracker_statistics_free(void *statistics)
{
	OWN_MEMORY;
	if (statistics)
		statistics_free((struct statistics *)((char *)statistics - offsetof(struct statistics, items)));
}

/* ---- the question ---- */

static int check(tracker_key_type key_type, bool cumulative, enum group_by *ret)
{
	static const enum group_by all[] = {
		[TRACKER_KEY_FILENAME] = GROUP_FILENAME,
		[TRACKER_KEY_LINENO] = GROUP_LINENO,
		[TRACKER_KEY_TRACEBACK] = GROUP_TRACEBACK,
		[TRACKER_KEY_FUNCTION] = GROUP_FUNCTION,
		[TRACKER_KEY_MODULE] = GROUP_MODULE,
	};

	if (key_type == TRACKER_KEY_TYPE)
		return failure(TRACKER_ENOTSUP, "key type 'type' is not available: a capture does not say of which type a block is");
	if ((unsigned)key_type >= sizeof(all) / sizeof(all[0]))
		return failure(TRACKER_EINVAL, "unknown key_type: '%d'", (int)key_type);
	*ret = all[key_type];
	if (cumulative && !group_can_cumulate(*ret))
		return failure(TRACKER_EINVAL, "cumulative mode cannot be used with key type '%s'", group_by_name(*ret));
	return TRACKER_OK;
}

static int add(struct grouping *g, enum group_side side, const struct tracker_snapshot *s, bool cumulative)
{
	const struct group_source from = {
		.capture = source_capture(s->source),
		.stacks = source_lock(s->source),
		.view = &s->view,
		.cumulative = cumulative,
	};
	int err = grouping_add(g, side, &from);

	if (stacks_short_of_memory(from.stacks))
		err = TRK_ERR_NOMEM;
	source_unlock(s->source);
	return err;
}

static struct grouping *group(const struct tracker_snapshot *const sides[GROUP_SIDES], enum group_by by, bool cumulative)
{
	const struct group_options o = { .by = by, .portable = true, .hide_cut = true };
	struct grouping *g;
	int err;

	if (grouping_new(&g, &o) != 0)
		return NULL;
	err = add(g, GROUP_NEW, sides[GROUP_NEW], cumulative);
	if (!err && sides[GROUP_OLD])
		err = add(g, GROUP_OLD, sides[GROUP_OLD], cumulative);
	if (err) {
		grouping_free(g);
		return NULL;
	}
	if (sides[GROUP_OLD])
		grouping_sort_differences(g);
	else
		grouping_sort(g);
	return g;
}

/* ---- the answer ---- */

/* One frame that says what the key is. */
static void one_frame(struct key *k, const char *text, uint64_t number, enum group_by by)
{
	k->frame = (struct source_frame){
		.function = by == GROUP_FUNCTION ? text : "",
		.file = text,
		.module = by == GROUP_MODULE ? text : "<unknown>",
		.line = (uint32_t)number,
	};
	k->traceback.frames = &k->frame;
	k->traceback.count = k->traceback.total = 1;
}

static int fill_key(struct statistics *s, const struct group_stat *stat, enum group_by by, struct key *k)
{
	struct source *const source = s->sources[stat->node_side];
	const struct tracker_traceback *whole = NULL;
	uint64_t number;
	const char *const text = group_text(s->groups, stat, &number);

	if (by == GROUP_TRACEBACK) {
		source_lock(source);
		whole = source_traceback(source, stat->node);
		source_unlock(source);
		if (!whole)
			return TRK_ERR_NOMEM;
		k->traceback = *whole;
	} else {
		one_frame(k, text, number, by);
	}
	k->traceback.key = group_key(s->groups, stat);
	return k->traceback.key ? 0 : TRK_ERR_NOMEM;
}

static void fill_item(struct statistics *s, size_t i, bool of_two)
{
	const struct group_value *const v = s->groups->stats[i].value;
	const tracker_statistic one = { &s->keys[i].traceback, v[GROUP_NEW].size, v[GROUP_NEW].count };

	if (of_two)
		(&s->items[0].two)[i] = (tracker_statistic_diff){
			one.traceback,
			one.size,
			one.count,
			(int64_t)(v[GROUP_NEW].size - v[GROUP_OLD].size),
			(int64_t)(v[GROUP_NEW].count - v[GROUP_OLD].count),
		};
	else
		(&s->items[0].one)[i] = one;
}

/* Takes `g` over. NULL: there is no memory. */
static struct statistics *answer(struct grouping *g, const struct tracker_snapshot *const sides[GROUP_SIDES], enum group_by by)
{
	const bool of_two = sides[GROUP_OLD] != NULL;
	struct statistics *const s = calloc(1, sizeof(*s) + (g->stat_count + 1) * sizeof(s->items[0]));
	int err;

	if (!s) {
		grouping_free(g);
		return NULL;
	}
	s->groups = g;
	s->keys = calloc(g->stat_count + 1, sizeof(*s->keys));
	err = s->keys ? 0 : TRK_ERR_NOMEM;
	for (int i = 0; i < GROUP_SIDES; i++)
		s->sources[i] = sides[i] ? source_keep(sides[i]->source) : NULL;
	for (; s->count < g->stat_count && !err; s->count++) {
		err = fill_key(s, &g->stats[s->count], by, &s->keys[s->count]);
		fill_item(s, s->count, of_two);
	}
	if (!err)
		return s;
	statistics_free(s);
	return NULL;
}

static int ask(const struct tracker_snapshot *const sides[GROUP_SIDES], tracker_key_type key_type, bool cumulative,
	       struct statistics **ret)
{
	enum group_by by = GROUP_LINENO;
	struct grouping *g;
	const int code = check(key_type, cumulative, &by);

	if (code)
		return code;
	g = group(sides, by, cumulative);
	*ret = g ? answer(g, sides, by) : NULL;
	return *ret ? TRACKER_OK : failure_no_memory();
}

int tracker_snapshot_statistics(const tracker_snapshot *snapshot, tracker_key_type key_type, bool cumulative,
				tracker_statistic **out, size_t *n)
{
	OWN_MEMORY;
	const struct tracker_snapshot *const sides[GROUP_SIDES] = { [GROUP_NEW] = snapshot };
	struct statistics *s;
	int code;

	if (!snapshot || !out || !n)
		return failure(TRACKER_EINVAL, "tracker_snapshot_statistics was given NULL");
	code = ask(sides, key_type, cumulative, &s);
	if (code)
		return code;
	*out = &s->items[0].one;
	*n = s->count;
	return TRACKER_OK;
}

int tracker_snapshot_compare_to(const tracker_snapshot *newer, const tracker_snapshot *older, tracker_key_type key_type,
				bool cumulative, tracker_statistic_diff **out, size_t *n)
{
	OWN_MEMORY;
	const struct tracker_snapshot *const sides[GROUP_SIDES] = { [GROUP_NEW] = newer, [GROUP_OLD] = older };
	struct statistics *s;
	int code;

	if (!newer || !older || !out || !n)
		return failure(TRACKER_EINVAL, "tracker_snapshot_compare_to was given NULL");
	code = ask(sides, key_type, cumulative, &s);
	if (code)
		return code;
	*out = &s->items[0].two;
	*n = s->count;
	return TRACKER_OK;
}

/* ---- text ---- */

#define SIZE_ROOM 320u /* of any double */

int tracker_format_size(char *text, size_t room, double size, bool sign)
{
	char size_text[SIZE_ROOM];

	return snprintf(text, room, "%s", ui_size_fraction(size_text, sizeof(size_text), size, sign));
}

/* "/src/a.c:7", which is the caller's; NULL: no memory. */
static char *key_text(const struct tracker_traceback *t)
{
	char *text;

	if (t->key)
		return strdup(t->key);
	return asprintf(&text, "%s:%u", t->frames[0].file, (unsigned)t->frames[0].line) < 0 ? NULL : text;
}

/* "" of nothing. */
static const char *average_text(size_t size, size_t count, char buf[SIZE_ROOM])
{
	static const char before[] = ", average=";

	if (!count)
		return "";
	memcpy(buf, before, sizeof(before));
	ui_size_fraction(buf + strlen(before), SIZE_ROOM - sizeof(before), (double)size / (double)count, false);
	return buf;
}

int tracker_statistic_format(char *text, size_t room, const tracker_statistic *s)
{
	OWN_MEMORY;
	char size[SIZE_ROOM], average[SIZE_ROOM];
	char *const key = s && s->traceback ? key_text(s->traceback) : NULL;
	int n = -1;

	if (key)
		n = snprintf(text, room, "%s: size=%s, count=%zu%s", key, ui_size(size, sizeof(size), (int64_t)s->size, false), s->count,
			     average_text(s->size, s->count, average));
	free(key);
	return n;
}

int tracker_statistic_diff_format(char *text, size_t room, const tracker_statistic_diff *s)
{
	OWN_MEMORY;
	char size[SIZE_ROOM], change[SIZE_ROOM], average[SIZE_ROOM];
	char *const key = s && s->traceback ? key_text(s->traceback) : NULL;
	int n = -1;

	if (key)
		n = snprintf(text, room, "%s: size=%s (%s), count=%zu (%+lld)%s", key,
			     ui_size(size, sizeof(size), (int64_t)s->size, false), ui_size(change, sizeof(change), s->size_diff, true), s->count,
			     (long long)s->count_diff, average_text(s->size, s->count, average));
	free(key);
	return n;
}
