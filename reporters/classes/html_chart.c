/* html_chart - the charts of the page, as SVG inside of it; see html.h. */
#include <inttypes.h>
#include <math.h>

#include "classes/html.h"

#define WIDTH 720.0
#define HEIGHT 240.0

static uint64_t bytes_of(const struct html_page *p, const struct tracked_snapshot *s, uint32_t class)
{
	uint32_t low = 0, high = s->sum_count; /* sums are in the order of the classes */

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (p->rank[s->sums[middle].class] < p->rank[class])
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->sum_count && s->sums[low].class == class ? s->sums[low].bytes : 0;
}

/* Of a class; HTML_OTHERS: of all that are not large. */
static uint64_t shown_bytes(const struct html_page *p, const struct tracked_snapshot *s, uint32_t class)
{
	uint64_t bytes = 0;

	if (class != HTML_OTHERS)
		return bytes_of(p, s, class);
	for (uint32_t i = 0; i < s->sum_count; i++)
		if (!p->large[s->sums[i].class])
			bytes += s->sums[i].bytes;
	return bytes;
}

static const char *name_of(const struct html_page *p, uint32_t class)
{
	return class == HTML_OTHERS ? "others" : tracked_text(&p->c->t.names, class);
}

static void swatch(FILE *f, const struct html_page *p, uint32_t number)
{
	fprintf(f, "<span class=\"key\"><i style=\"background:%s\"></i>", html_colour(number));
	ui_markup(f, name_of(p, p->shown[number]));
	fprintf(f, "</span>\n");
}

/* ---- memory over time ---- */

struct scale {
	uint64_t most_ns, most_bytes;
};

static double x_of(const struct scale *scale, uint64_t ns)
{
	return scale->most_ns ? WIDTH * (double)ns / (double)scale->most_ns : 0;
}

static double y_of(const struct scale *scale, uint64_t bytes)
{
	return HEIGHT - HEIGHT * (double)bytes / (double)scale->most_bytes;
}

/* One class over those that are drawn already, up to p->below. */
static void layer(FILE *f, struct html_page *p, uint32_t process, const struct scale *scale, uint32_t number)
{
	const struct tracked_snapshot *const snapshots = p->c->t.snapshots;
	const uint32_t *const places = p->snapshots.places;
	const size_t first = p->snapshots.first[process], end = p->snapshots.first[process + 1];

	fprintf(f, "<polygon fill=\"%s\" points=\"", html_colour(number));
	for (size_t i = first; i < end; i++) {
		const struct tracked_snapshot *const s = &snapshots[places[i]];

		fprintf(f, "%.1f,%.1f ", x_of(scale, s->at_ns), y_of(scale, p->below[places[i]] + shown_bytes(p, s, p->shown[number])));
	}
	for (size_t i = end; i-- > first;) {
		const struct tracked_snapshot *const s = &snapshots[places[i]];

		fprintf(f, "%.1f,%.1f ", x_of(scale, s->at_ns), y_of(scale, p->below[places[i]]));
		p->below[places[i]] += shown_bytes(p, s, p->shown[number]);
	}
	fprintf(f, "\"><title>");
	ui_markup(f, name_of(p, p->shown[number]));
	fprintf(f, "</title></polygon>\n");
}

void html_distribution(FILE *f, struct html_page *p, uint32_t process)
{
	struct scale scale = { 0, 1 };
	char size[32];

	for (size_t i = p->snapshots.first[process]; i < p->snapshots.first[process + 1]; i++) {
		const struct tracked_snapshot *const s = &p->c->t.snapshots[p->snapshots.places[i]];

		scale.most_ns = s->at_ns > scale.most_ns ? s->at_ns : scale.most_ns;
		scale.most_bytes = s->tracked_bytes > scale.most_bytes ? s->tracked_bytes : scale.most_bytes;
	}
	fprintf(f, "<svg viewBox=\"0 -20 %.0f %.0f\" role=\"img\" aria-label=\"Memory distribution over time\">\n", WIDTH, HEIGHT + 40);
	for (uint32_t i = 0; i < p->shown_count; i++)
		layer(f, p, process, &scale, i);
	fprintf(f, "<path d=\"M0 0V%.0fH%.0f\" class=\"axis\"/><text x=\"4\" y=\"-6\">%s</text><text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">%.3f s</text></svg>\n", HEIGHT, WIDTH,
		ui_size(size, sizeof(size), (int64_t)scale.most_bytes, false), WIDTH, HEIGHT + 16, (double)scale.most_ns / 1e9);
	fprintf(f, "<p>");
	for (uint32_t i = 0; i < p->shown_count; i++)
		swatch(f, p, i);
	fprintf(f, "</p>\n");
}

/* ---- a pie ---- */

static void slice(FILE *f, double from, double share, const char *colour, const char *name)
{
	const double a = 2 * M_PI * from, b = 2 * M_PI * (from + share);

	if (share > 0.9999)
		fprintf(f, "<circle r=\"90\" fill=\"%s\">", colour);
	else
		fprintf(f, "<path fill=\"%s\" d=\"M0 0L%.2f %.2fA90 90 0 %d 1 %.2f %.2fZ\">", colour, 90 * sin(a), -90 * cos(a), share > 0.5, 90 * sin(b), -90 * cos(b));
	fprintf(f, "<title>");
	ui_markup(f, name);
	fprintf(f, " %.1f %%</title></%s>\n", 100 * share, share > 0.9999 ? "circle" : "path");
}

void html_pie(FILE *f, const struct html_page *p, const struct tracked_snapshot *s)
{
	double from = 0;

	fprintf(f, "<svg class=\"pie\" viewBox=\"-100 -100 200 200\" role=\"img\" aria-label=\"Shares of classes\">\n");
	for (uint32_t i = 0; i < p->shown_count && s->tracked_bytes; i++) {
		const double share = (double)shown_bytes(p, s, p->shown[i]) / (double)s->tracked_bytes;

		if (share <= 0)
			continue;
		slice(f, from, share, html_colour(i), name_of(p, p->shown[i]));
		from += share;
	}
	fprintf(f, "</svg>\n");
}

/* ---- objects over time ---- */

static uint64_t time_of(const struct html_page *p, const struct tracked_change *x)
{
	return classes_since_start(p->c, x->process, x->at_ns);
}

static void step(FILE *f, double at, uint64_t count, uint64_t most)
{
	fprintf(f, "H%.1fV%.1f", at, 120 - 120 * (double)count / (double)most);
}

void html_lifetimes(FILE *f, const struct html_page *p, uint32_t class)
{
	const struct tracked_change *const changes = p->c->t.changes;
	const size_t first = p->changes.first[p->rank[class]], end = p->changes.first[p->rank[class] + 1];
	uint64_t most_ns = 1, count = 0, most = 1;
	double at = 0, last = -1;

	for (size_t i = first; i < end; i++) {
		const struct tracked_change *const x = &changes[p->changes.places[i]];
		const uint64_t at_ns = time_of(p, x);

		most_ns = at_ns > most_ns ? at_ns : most_ns;
		count += (uint64_t)(int64_t)x->by;
		most = count > most ? count : most;
	}
	fprintf(f, "<svg viewBox=\"0 -20 %.0f 160\" role=\"img\" aria-label=\"Objects over time\"><path class=\"line\" d=\"M0 120", WIDTH);
	count = 0;
	for (size_t i = first; i < end; i++) {
		const struct tracked_change *const x = &changes[p->changes.places[i]];

		count += (uint64_t)(int64_t)x->by;
		at = WIDTH * (double)time_of(p, x) / (double)most_ns;
		if (at - last < 0.2 && i + 1 < end) /* nobody sees the difference, but that of the last one stays */
			continue;
		step(f, at, count, most);
		last = at;
	}
	fprintf(f, "\"/><path class=\"axis\" d=\"M0 0V120H%.0f\"/><text x=\"4\" y=\"-6\">%" PRIu64 "</text><text x=\"%.0f\" y=\"136\" text-anchor=\"end\">%.3f s</text></svg>\n", WIDTH, most, WIDTH, (double)most_ns / 1e9);
}
