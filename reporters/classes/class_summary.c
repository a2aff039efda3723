/* class_summary - classes at each snapshot, as pympler prints them; their names; and how many objects they had when; see class_reports.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "classes/class_reports.h"

#define WIDTH 79

static void put_line(FILE *f, const char *head)
{
	const int n = fprintf(f, "%s", head);

	for (int i = n; i < WIDTH; i++)
		fputc('-', f);
	fputc('\n', f);
}

static void print_snapshot(const struct classes *c, FILE *f, const struct tracked_snapshot *s)
{
	char label[CLASSES_LABEL_ROOM], text[64], total[32], average[32];
	uint32_t at = 0; /* sums are in the order of the classes */

	fprintf(f, "%-35s %11s %12s %12s %5s\n", classes_cut(classes_label(s, label), 35, false, text), "active",
		ui_size(total, sizeof(total), (int64_t)s->heap_bytes, false), "average", "pct");
	for (uint32_t i = 0; i < c->t.class_count; i++) {
		static const struct tracked_sum none;
		const char *const name = tracked_text(&c->t.names, c->t.classes[i]);
		const struct tracked_sum *const sum = at < s->sum_count && s->sums[at].class == c->t.classes[i] ? &s->sums[at++] : &none;

		fprintf(f, "  %-33s %11" PRIu64 " %12s %12s %4d%%\n", classes_cut(name, 33, false, text), sum->active,
			ui_size(total, sizeof(total), (int64_t)sum->bytes, false),
			ui_size_fraction(average, sizeof(average), sum->active ? (double)sum->bytes / (double)sum->active : 0, false),
			(int)classes_share(c, s, sum->bytes));
	}
	if (s->total && s->deep)
		fprintf(f, "  reachable %s, unreachable %s\n", ui_size(total, sizeof(total), (int64_t)s->reachable, false),
			ui_size(average, sizeof(average), (int64_t)s->unreachable, false));
	if (*s->reason) {
		fprintf(f, "  sizes are not with all that objects lead to: ");
		ui_prose(f, s->reason);
		fputc('\n', f);
	}
}

/* What malloc holds beyond what is in use. */
static void print_process(FILE *f, const struct tracked_snapshot *s)
{
	char a[32], b[32], d[32], g[32];
	const uint64_t arena = s->figures[FIGURE_ARENA], unused = s->figures[FIGURE_FREE];

	if (!(s->known >> FIGURE_RSS & 1))
		return;
	fprintf(f, "Process: %s resident of %s, tracker needs %s\n", ui_size(a, sizeof(a), (int64_t)s->figures[FIGURE_RSS], false),
		ui_size(b, sizeof(b), (int64_t)s->figures[FIGURE_VSZ], false), ui_size(d, sizeof(d), (int64_t)s->figures[FIGURE_TRACKER], false));
	if (arena)
		fprintf(f, "Fragmentation: %.1f%%: malloc holds %s, of which %s are free, and %s mapped singly\n", 100.0 * (double)unused / (double)arena,
			ui_size(a, sizeof(a), (int64_t)arena, false), ui_size(b, sizeof(b), (int64_t)unused, false),
			ui_size(g, sizeof(g), (int64_t)s->figures[FIGURE_MMAPPED], false));
}

static void print_kept(const struct classes *c, FILE *f)
{
	uint64_t others = 0;
	char size[32];

	if (c->t.kept_count)
		fprintf(f, "%" PRIu64 " objects (%s) stayed in memory after their release, because they are kept.\n", c->t.kept_count, ui_size(size, sizeof(size), (int64_t)c->t.kept_bytes, false));
	if (c->t.over_count)
		fprintf(f, "%" PRIu64 " objects more were to be kept, but there was no room: see --keep-limit of tracker run.\n", c->t.over_count);
	for (size_t i = 0; i < c->t.rule_count; i++) {
		const struct tracked_rule *const r = &c->t.rules[i];

		if (r->keep && r->matched > r->told && tracked_shows(&c->t, r))
			others += r->matched - r->told;
	}
	if (others)
		fprintf(f, "%" PRIu64 " objects of classes that are kept were freed as ever, because only their stacks or virtual tables say what they are: use TRACKER_NEW or tracker_annotate.\n", others);
}

static void print_notes(const struct classes *c, FILE *f)
{
	for (size_t i = 0; i < c->t.unmet_count; i++) {
		const struct tracked_rule *const r = &c->t.rules[c->t.unmet[i].rule];
		const uint32_t more = c->t.unmet[i].count - 1;

		fprintf(f, "No object of '");
		ui_prose(f, r->pattern);
		fprintf(f, "%s' was met in ", r->derived ? "+" : "");
		ui_prose(f, c->t.report->capture->processes[r->process].name);
		if (more)
			fprintf(f, " and %" PRIu32 " other process%s", more, more == 1 ? "" : "es");
		fprintf(f, ".\n");
	}
	print_kept(c, f);
}

static void print_summary(const struct classes *c, FILE *f)
{
	const struct tracked_snapshot *last = NULL;
	uint32_t process = UINT32_MAX;
	bool several = false;

	for (size_t i = 0; i < c->t.snapshot_count; i++)
		if (classes_has(&c->t.snapshots[i])) {
			several |= process != UINT32_MAX && c->t.snapshots[i].process != process;
			process = c->t.snapshots[i].process;
		}
	process = UINT32_MAX;
	put_line(f, "---- SUMMARY ");
	for (size_t i = 0; i < c->t.snapshot_count; i++) {
		const struct tracked_snapshot *const s = &c->t.snapshots[i];

		if (!classes_has(s))
			continue;
		if (several && s->process != process) {
			const struct trk_process *const p = &c->t.report->capture->processes[s->process];

			ui_prose(f, p->name);
			fprintf(f, " (%" PRIu32 "):\n", p->pid);
			process = s->process;
		}
		print_snapshot(c, f, s);
		last = s;
	}
	put_line(f, "");
	if (last)
		print_process(f, last);
	else
		fprintf(f, "There are no snapshots: the program takes them by tracker_create_snapshot, or tracker run by --snapshot-interval.\n");
	print_notes(c, f);
}

/* ---- for programs ---- */

enum column { NUMBER,
	      DESCRIPTION,
	      LABEL,
	      TIME,
	      PID,
	      PERIODIC,
	      DEEP,
	      REASON,
	      HEAP_SIZE,
	      HEAP_COUNT,
	      TRACKED_SIZE,
	      REACHABLE,
	      UNREACHABLE,
	      FIRST_FIGURE,
	      COLUMNS = FIRST_FIGURE + TRACKED_FIGURES };

static void describe_snapshots(const struct classes *c, struct emit *e)
{
	static struct emit_column columns[COLUMNS] = { { "snapshot" }, { "description" }, { "label" }, { "time_ns" }, { "pid" }, { "periodic" }, { "deep" }, { "reason" }, { "heap_size" }, { "heap_count" }, { "tracked_size" }, { "reachable" }, { "unreachable" } };
	static const struct emit_table table = { EMIT_TABLE("snapshots", columns), .sentence = "" };

	for (unsigned i = 0; i < TRACKED_FIGURES; i++)
		columns[FIRST_FIGURE + i].key = tracked_figures[i];
	emit_table(e, &table);
	for (size_t i = 0; i < c->t.snapshot_count; i++) {
		const struct tracked_snapshot *const s = &c->t.snapshots[i];
		char label[CLASSES_LABEL_ROOM];

		if (!classes_has(s))
			continue;
		struct emit_value values[COLUMNS] = {
			[NUMBER] = emit_number(i + 1),
			[DESCRIPTION] = emit_words(s->description),
			[LABEL] = emit_words(classes_label(s, label)),
			[TIME] = emit_number(s->at_ns),
			[PID] = emit_number(c->t.report->capture->processes[s->process].pid),
			[PERIODIC] = emit_flag(s->periodic),
			[DEEP] = emit_flag(s->deep),
			[REASON] = emit_words(s->reason),
			[HEAP_SIZE] = emit_number(s->heap_bytes),
			[HEAP_COUNT] = emit_number(s->heap_blocks),
			[TRACKED_SIZE] = emit_number(s->tracked_bytes),
			[REACHABLE] = s->deep ? emit_number(s->reachable) : emit_absent(),
			[UNREACHABLE] = s->deep ? emit_number(s->unreachable) : emit_absent(),
		};

		for (unsigned k = 0; k < TRACKED_FIGURES; k++)
			values[FIRST_FIGURE + k] = s->known >> k & 1 ? emit_number(s->figures[k]) : emit_absent();
		emit_row(e, values);
	}
	emit_end(e);
}

static void describe_sums(const struct classes *c, struct emit *e)
{
	static const struct emit_column columns[] = { { "snapshot" }, { "label" }, { "class" }, { "active" }, { "size" }, { "average" }, { "share" } };
	static const struct emit_table table = { EMIT_TABLE("rows", columns), .sentence = "" };

	emit_table(e, &table);
	for (size_t i = 0; i < c->t.snapshot_count; i++) {
		const struct tracked_snapshot *const s = &c->t.snapshots[i];
		char label[CLASSES_LABEL_ROOM];

		for (uint32_t k = 0; classes_has(s) && k < s->sum_count; k++) {
			const struct tracked_sum *const sum = &s->sums[k];

			emit_row(e, (struct emit_value[]){ emit_number(i + 1), emit_words(classes_label(s, label)), emit_words(tracked_text(&c->t.names, sum->class)),
							   emit_number(sum->active), emit_number(sum->bytes), emit_ratio((double)sum->bytes / (double)sum->active),
							   emit_ratio(classes_share(c, s, sum->bytes)) });
		}
	}
	emit_end(e);
}

static void describe_rules(const struct classes *c, struct emit *e)
{
	static const struct emit_column columns[] = { { "pattern" }, { "name" }, { "pid" }, { "level" }, { "keep" }, { "trace" }, { "active" }, { "matched" }, { "told" } };
	static const struct emit_table table = { EMIT_TABLE("tracked", columns), .sentence = "" };

	emit_table(e, &table);
	for (size_t i = 0; i < c->t.rule_count; i++) {
		const struct tracked_rule *const r = &c->t.rules[i];

		if (tracked_shows(&c->t, r))
			emit_row(e, (struct emit_value[]){ emit_words(r->pattern), emit_words(tracked_text(&c->t.names, r->shown)),
							   emit_number(c->t.report->capture->processes[r->process].pid), emit_number(r->level), emit_flag(r->keep),
							   emit_flag(r->trace), emit_flag(r->active), emit_number(r->matched), emit_number(r->told) });
	}
	emit_end(e);
}

void classes_describe_summary(const struct classes *c, struct emit *e)
{
	if (emit_people(e)) {
		print_summary(c, emit_people(e));
		return;
	}
	emit_figure(e, "kept_count", emit_count(c->t.kept_count));
	emit_figure(e, "kept_size", emit_size(c->t.kept_bytes));
	emit_figure(e, "over_keep_limit", emit_count(c->t.over_count));
	describe_snapshots(c, e);
	describe_sums(c, e);
	describe_rules(c, e);
}

void classes_describe_list(const struct classes *c, struct emit *e)
{
	static const struct emit_column columns[] = { { "class" } };
	static const struct emit_table table = { EMIT_TABLE("rows", columns), .sentence = "{class}\n" };

	emit_table(e, &table);
	for (uint32_t i = 0; i < c->t.class_count; i++)
		emit_row(e, (struct emit_value[]){ emit_words(tracked_text(&c->t.names, c->t.classes[i])) });
	emit_end(e);
	if (!c->t.class_count)
		emit_say(e, "No objects were tracked.\n");
}

void classes_describe_history(const struct classes *c, struct emit *e)
{
	static const struct emit_column columns[] = { { "time" }, { "count" }, { "class" }, { "pid" }, { "at", EMIT_FOR_PEOPLE } };
	static const struct emit_table table = { EMIT_TABLE("rows", columns), .sentence = "{at:prose},{count:n},{class}\n" };
	int64_t *const counts = calloc((size_t)c->t.names.count + 1, sizeof(*counts));
	uint64_t last_ns = 0;

	emit_say(e, "time,count,class\n");
	emit_table(e, &table);
	for (size_t i = 0; counts && i < c->t.change_count; i++) {
		const struct tracked_change *const x = &c->t.changes[i];
		const char *const name = tracked_text(&c->t.names, x->class);
		const uint64_t at_ns = classes_since_start(c, x->process, x->at_ns);
		char at[32];

		counts[x->class] += x->by;
		last_ns = at_ns > last_ns ? at_ns : last_ns;
		snprintf(at, sizeof(at), "%.6f", (double)last_ns / 1e9);
		if (!c->o->class || strstr(name, c->o->class))
			emit_row(e, (struct emit_value[]){ emit_ratio((double)last_ns / 1e9), emit_number((uint64_t)counts[x->class]), emit_words(name),
							   emit_number(c->t.report->capture->processes[x->process].pid), emit_words(at) });
	}
	emit_end(e);
	free(counts);
}
