/*
 * html - one page, which needs nothing else: snapshots, their charts, and a section for each class. Sizes stand in it as people read them, and as
 * exact bytes in data-bytes.
 */
#include "classes/html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char style[] =
	"body{font:14px/1.5 system-ui,sans-serif;max-width:760px;margin:2em auto;padding:0 1em;color:#222;background:#fff}"
	"table{border-collapse:collapse;margin:1em 0}td,th{padding:2px 12px 2px 0;text-align:right;border-bottom:1px solid #ddd}"
	"td:first-child,th:first-child{text-align:left}svg{width:100%;height:auto;font-size:12px}svg.pie{width:180px}"
	".axis{fill:none;stroke:#888}.line{fill:none;stroke:#2b6cb0;stroke-width:1.5}.key{margin-right:1em;white-space:nowrap}"
	".key i{display:inline-block;width:.8em;height:.8em;margin-right:.3em}h2{margin-top:2em}.note{color:#666}";

/* A cell with a size: people see "1.2 KiB", programs the bytes. */
static void put_size(FILE *f, uint64_t bytes)
{
	char size[32];

	fprintf(f, "<td data-bytes=\"%" PRIu64 "\">%s</td>", bytes, ui_size(size, sizeof(size), (int64_t)bytes, false));
}

const char *html_colour(uint32_t number)
{
	static const char *const colours[] = { "#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#edc948", "#b07aa1", "#9c755f", "#ff9da7", "#bab0ac" };

	return colours[number % (sizeof(colours) / sizeof(*colours))];
}

static void put_snapshot(FILE *f, const struct html_page *p, const struct tracked_snapshot *s)
{
	const struct classes *const c = p->c;
	char label[CLASSES_LABEL_ROOM];

	fprintf(f, "<h3>");
	ui_markup(f, classes_label(s, label));
	fprintf(f, "</h3>\n<table data-snapshot=\"%zu\"><tr><th>Class</th><th>Instance #</th><th>Total</th><th>Average size</th><th>Share</th></tr>\n", (size_t)(s - c->t.snapshots) + 1);
	for (uint32_t i = 0; i < s->sum_count; i++) {
		const struct tracked_sum *const sum = &s->sums[i];

		fprintf(f, "<tr><td>");
		ui_markup(f, tracked_text(&c->t.names, sum->class));
		fprintf(f, "</td><td>%" PRIu64 "</td>", sum->active);
		put_size(f, sum->bytes);
		put_size(f, sum->bytes / sum->active);
		fprintf(f, "<td>%.1f %%</td></tr>\n", classes_share(c, s, sum->bytes));
	}
	fprintf(f, "<tr><td>live heap</td><td>%" PRIu64 "</td>", s->heap_blocks);
	put_size(f, s->heap_bytes);
	fprintf(f, "<td></td><td></td></tr></table>\n");
	if (*s->reason) {
		fprintf(f, "<p class=\"note\">Sizes are not with all that objects lead to: ");
		ui_markup(f, s->reason);
		fprintf(f, "</p>\n");
	}
	if (s->sum_count)
		html_pie(f, p, s);
}

static void put_process(FILE *f, struct html_page *p, uint32_t process)
{
	const struct trk_process *const it = &p->c->t.report->capture->processes[process];

	fprintf(f, "<h2>Snapshots of ");
	ui_markup(f, it->name);
	fprintf(f, " (%" PRIu32 ")</h2>\n<h3>Memory distribution over time</h3>\n", it->pid);
	html_distribution(f, p, process);
	for (size_t i = p->snapshots.first[process]; i < p->snapshots.first[process + 1]; i++)
		put_snapshot(f, p, &p->c->t.snapshots[p->snapshots.places[i]]);
}

/* ---- a class ---- */

static const struct html_referents *sorted_sums; /* of larger */

static int larger(const void *left, const void *right)
{
	const struct html_referents *const a = &sorted_sums[*(const uint32_t *)left], *const b = &sorted_sums[*(const uint32_t *)right];

	return a->bytes < b->bytes ? 1 : a->bytes > b->bytes ? -1 :
							       (int)(a->name > b->name) - (int)(a->name < b->name);
}

/* Sizes of a class at one snapshot: p->sizes.places[first] .. [end - 1]. */
struct span {
	size_t first, end;
	uint32_t snapshot;
};

/* Makes of sp the next one behind it, up to end. */
static bool next_span(const struct html_page *p, struct span *sp, size_t end)
{
	const struct tracked_size *const sizes = p->c->t.sizes;

	sp->first = sp->end;
	if (sp->first == end)
		return false;
	sp->snapshot = sizes[p->sizes.places[sp->first]].snapshot;
	while (sp->end < end && sizes[p->sizes.places[sp->end]].snapshot == sp->snapshot)
		sp->end++;
	return true;
}

/* What the class's objects point to at a snapshot, by type. Returns how many types stand in p->met. */
static size_t sum_referents(struct html_page *p, const struct span *sp)
{
	const struct tracked *const t = &p->c->t;
	size_t n = 0;

	for (size_t i = sp->first; i < sp->end; i++) {
		const struct tracked_size *const s = &t->sizes[p->sizes.places[i]];

		for (uint32_t k = 0; k < s->referent_count; k++) {
			const struct tracked_referent *const r = &t->referents[s->referents + k];
			struct html_referents *const sum = &p->sums[r->name];

			if (r->level != 1)
				continue;
			if (!sum->count++)
				p->met[n++] = r->name;
			sum->name = r->name;
			sum->bytes += r->size;
		}
	}
	sorted_sums = p->sums;
	qsort(p->met, n, sizeof(*p->met), larger);
	return n;
}

static void put_referents(FILE *f, struct html_page *p, const struct span *sp)
{
	const size_t n = sum_referents(p, sp);

	if (n)
		fprintf(f, "<table><tr><th>Referent</th><th>#</th><th>Total</th></tr>\n");
	for (size_t i = 0; i < n; i++) {
		struct html_referents *const sum = &p->sums[p->met[i]];

		fprintf(f, "<tr><td>");
		ui_markup(f, tracked_text(&p->c->t.names, sum->name));
		fprintf(f, "</td><td>%" PRIu64 "</td>", sum->count);
		put_size(f, sum->bytes);
		fprintf(f, "</tr>\n");
		*sum = (struct html_referents){ 0 };
	}
	if (n)
		fprintf(f, "</table>\n");
}

static void put_class_at(FILE *f, const struct html_page *p, const struct span *sp)
{
	const struct tracked *const t = &p->c->t;
	uint64_t least = UINT64_MAX, most = 0, sum = 0;
	const uint64_t count = sp->end - sp->first;
	char label[CLASSES_LABEL_ROOM];

	for (size_t i = sp->first; i < sp->end; i++) {
		const uint64_t size = t->sizes[p->sizes.places[i]].size;

		least = size < least ? size : least;
		most = size > most ? size : most;
		sum += size;
	}
	fprintf(f, "<tr><td>");
	ui_markup(f, classes_label(&t->snapshots[sp->snapshot], label));
	fprintf(f, "</td><td>%" PRIu64 "</td>", count);
	put_size(f, least);
	put_size(f, sum / count);
	put_size(f, most);
	fprintf(f, "</tr>\n");
}

static void put_class(FILE *f, struct html_page *p, uint32_t class)
{
	const struct tracked *const t = &p->c->t;
	const size_t first = p->sizes.first[p->rank[class]], end = p->sizes.first[p->rank[class] + 1];
	struct span sp = { first, first, 0 };

	fprintf(f, "<h2 id=\"c%" PRIu32 "\">", class);
	ui_markup(f, tracked_text(&t->names, class));
	fprintf(f, "</h2>\n<h3>Instances over time</h3>\n");
	html_lifetimes(f, p, class);
	fprintf(f, "<table><tr><th>Snapshot</th><th>Instance #</th><th>Smallest</th><th>Average</th><th>Largest</th></tr>\n");
	while (next_span(p, &sp, end))
		if (classes_has(&t->snapshots[sp.snapshot]))
			put_class_at(f, p, &sp);
	fprintf(f, "</table>\n");
	sp = (struct span){ first, first, 0 };
	while (next_span(p, &sp, end))
		if (classes_has(&t->snapshots[sp.snapshot]))
			put_referents(f, p, &sp);
}

static void put_page(FILE *f, struct html_page *p)
{
	const struct classes *const c = p->c;
	const struct capture *const capture = c->t.report->capture;
	const char *const slash = strrchr(capture->path, '/');

	fprintf(f, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Classes in ");
	ui_markup(f, slash ? slash + 1 : capture->path);
	fprintf(f, "</title><style>%s</style></head><body>\n<h1>Classes in ", style);
	ui_markup(f, slash ? slash + 1 : capture->path);
	fprintf(f, "</h1>\n<ul>\n");
	for (uint32_t i = 0; i < c->t.class_count; i++) {
		fprintf(f, "<li><a href=\"#c%" PRIu32 "\">", c->t.classes[i]);
		ui_markup(f, tracked_text(&c->t.names, c->t.classes[i]));
		fprintf(f, "</a></li>\n");
	}
	fprintf(f, "</ul>\n");
	for (uint32_t i = 0; i < capture->process_count; i++)
		if (p->snapshots.first[i] < p->snapshots.first[i + 1])
			put_process(f, p, i);
	for (uint32_t i = 0; i < c->t.class_count; i++)
		put_class(f, p, c->t.classes[i]);
	fprintf(f, "</body></html>\n");
}

int classes_write_html(const struct classes *c, FILE *f)
{
	struct html_page p;
	const bool made = html_page_make(&p, c);

	if (made)
		put_page(f, &p);
	html_page_finish(&p);
	return made ? 0 : TRK_ERR_NOMEM;
}
