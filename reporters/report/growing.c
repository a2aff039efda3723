/* growing - see growing.h. */
#include "report/growing.h"

#include "common/group.h"
#include "common/process_name.h"
#include "report/places.h"

#define RATE_LEAST 10 /* bytes */
#define SHORT_RUN_NS 1000000000ull /* a shorter run says nothing of seconds */

/* The unit in which a rate is a number worth reading. */
static const struct {
	const char *name;
	double seconds;
} units[] = { { "s", 1 }, { "min", 60 }, { "h", 3600 }, { "day", 86400 } };

#define UNITS (sizeof(units) / sizeof(*units))

static void rate_words(double per_second, char *buf, size_t room)
{
	char size[32];
	size_t i = 0;

	while (i + 1 < UNITS && per_second * units[i].seconds < RATE_LEAST)
		i++;
	snprintf(buf, room, "+%s/%s by ", ui_size(size, sizeof(size), (int64_t)(per_second * units[i].seconds), false), units[i].name);
}

static void amount_words(const struct growth_row *row, char *buf, size_t room)
{
	char size[32], count[32];

	snprintf(buf, room, "%s in %s block%s by ", ui_size(size, sizeof(size), (int64_t)row->bytes, false),
		 ui_count(count, sizeof(count), row->count), row->count == 1 ? "" : "s");
}

void growing_figures(struct emit *e, const struct report *r, const struct growth *g)
{
	static const struct emit_column columns[] = { { "function" }, { "file" }, { "line" }, { "size" }, { "count" }, { "bytes_per_second" } };
	static const struct emit_table table = { EMIT_TABLE("growing", columns), .sentence = "" };

	emit_table(e, &table);
	for (size_t i = 0; i < g->row_count; i++) {
		const struct growth_row *const row = &g->rows[i];
		size_t n;
		const struct source_frame *const f = group_frames(r->stacks, row->node, &n);
		const bool known = row->node && !g->by_process && f->function[0];

		emit_row(e, (struct emit_value[]){ emit_words(known ? f->full_function : NULL), emit_words(known ? f->file : NULL),
						   known ? emit_number(f->line) : emit_null(), emit_size(row->bytes), emit_count(row->count),
						   emit_ratio(row->per_second) });
	}
	emit_end(e);
}

/* What was freed at the end had grown only until then. NULL: there is no other. */
static const struct growth_row *most_growing(const struct growth *g)
{
	for (size_t i = 0; i < g->row_count; i++)
		if (!g->rows[i].given_back)
			return &g->rows[i];
	return NULL;
}

void growing_say(struct sheet *s, const struct report *r, struct origins *origins, const struct growth *g)
{
	const struct growth_row *const row = most_growing(g);
	char how[96], before[128], name[PROCESS_NAME_ROOM];

	if (!row) {
		sheet_heading(s, "Nothing grows steadily", "growth", r->operand);
		return;
	}
	if (g->to_ns - g->from_ns < SHORT_RUN_NS && !g->by_process)
		amount_words(row, how, sizeof(how));
	else
		rate_words(row->per_second, how, sizeof(how));
	snprintf(before, sizeof(before), "Growing: %s", how);
	if (g->by_process)
		sheet_named_heading(s, before, &(struct sheet_name){ process_name(&r->capture->processes[row->process], name), "", { NULL } }, "growth", r->operand);
	else
		places_say_heading(s, before, origins, row->node, "growth", r->operand);
}
