/* html_chart - the charts of the page, as SVG inside of it; see html.h. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classes/html.h"

#define WIDTH 720.0
#define HEIGHT 240.0
#define MIN_SHARE 3u
#define OTHERS UINT32_MAX

static uint64_t bytes_of(const struct tracked_snapshot *s, uint32_t class)
{
	for (uint32_t i = 0; i < s->sum_count; i++)
		if (s->sums[i].class == class)
			return s->sums[i].bytes;
	return 0;
}

static bool is_of(const struct tracked_snapshot *s, uint32_t process)
{
	return s->process == process;
}

/* Whether charts show the class by itself: it has the least share at some snapshot. */
static bool is_large(const struct classes *c, uint32_t class)
{
	const uint64_t least = c->o->min_share == UINT64_MAX ? MIN_SHARE : c->o->min_share;

	for (size_t i = 0; i < c->t.snapshot_count; i++) {
		const struct tracked_snapshot *const s = &c->t.snapshots[i];

		if (classes_has(s) && s->tracked_bytes && 100.0 * (double)bytes_of(s, class) >= (double)least * (double)s->tracked_bytes && bytes_of(s, class))
			return true;
	}
	return false;
}

/* Of a class; OTHERS: of all that are not large. */
static uint64_t shown_bytes(const struct classes *c, const struct tracked_snapshot *s, uint32_t class)
{
	uint64_t bytes = 0;

	if (class != OTHERS)
		return bytes_of(s, class);
	for (uint32_t i = 0; i < s->sum_count; i++)
		if (!is_large(c, s->sums[i].class))
			bytes += s->sums[i].bytes;
	return bytes;
}

static void swatch(FILE *f, const struct classes *c, uint32_t number, uint32_t class)
{
	fprintf(f, "<span class=\"key\"><i style=\"background:%s\"></i>", html_colour(number));
	html_text(f, class == OTHERS ? "others" : tracked_text(&c->t.names, class));
	fprintf(f, "</span>\n");
}

/* The classes that are shown by themselves, then OTHERS; the caller's. */
static uint32_t *shown_classes(const struct classes *c, uint32_t *ret_count)
{
	uint32_t *const list = malloc(((size_t)c->t.class_count + 1) * sizeof(*list));
	uint32_t n = 0;

	for (uint32_t i = 0; list && i < c->t.class_count; i++)
		if (is_large(c, c->t.classes[i]))
			list[n++] = c->t.classes[i];
	*ret_count = list && n < c->t.class_count ? n + 1 : n;
	if (list)
		list[n] = OTHERS;
	return list;
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

/* Bytes of the first n of the list, on top of each other. */
static uint64_t stacked(const struct classes *c, const struct tracked_snapshot *s, const uint32_t *list, uint32_t n)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < n; i++)
		bytes += shown_bytes(c, s, list[i]);
	return bytes;
}

static void layer(FILE *f, const struct classes *c, uint32_t process, const struct scale *scale, const uint32_t *list, uint32_t number)
{
	fprintf(f, "<polygon fill=\"%s\" points=\"", html_colour(number));
	for (size_t i = 0; i < c->t.snapshot_count; i++)
		if (is_of(&c->t.snapshots[i], process))
			fprintf(f, "%.1f,%.1f ", x_of(scale, c->t.snapshots[i].at_ns), y_of(scale, stacked(c, &c->t.snapshots[i], list, number + 1)));
	for (size_t i = c->t.snapshot_count; i-- > 0;)
		if (is_of(&c->t.snapshots[i], process))
			fprintf(f, "%.1f,%.1f ", x_of(scale, c->t.snapshots[i].at_ns), y_of(scale, stacked(c, &c->t.snapshots[i], list, number)));
	fprintf(f, "\"><title>");
	html_text(f, list[number] == OTHERS ? "others" : tracked_text(&c->t.names, list[number]));
	fprintf(f, "</title></polygon>\n");
}

void html_distribution(FILE *f, const struct classes *c, uint32_t process)
{
	struct scale scale = { 0, 1 };
	uint32_t count;
	uint32_t *const list = shown_classes(c, &count);
	char size[32];

	for (size_t i = 0; i < c->t.snapshot_count; i++) {
		const struct tracked_snapshot *const s = &c->t.snapshots[i];

		if (!is_of(s, process))
			continue;
		scale.most_ns = s->at_ns > scale.most_ns ? s->at_ns : scale.most_ns;
		scale.most_bytes = s->tracked_bytes > scale.most_bytes ? s->tracked_bytes : scale.most_bytes;
	}
	fprintf(f, "<svg viewBox=\"0 -20 %.0f %.0f\" role=\"img\" aria-label=\"Memory distribution over time\">\n", WIDTH, HEIGHT + 40);
	for (uint32_t i = 0; list && i < count; i++)
		layer(f, c, process, &scale, list, i);
	fprintf(f, "<path d=\"M0 0V%.0fH%.0f\" class=\"axis\"/><text x=\"4\" y=\"-6\">%s</text><text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">%.3f s</text></svg>\n", HEIGHT, WIDTH,
		ui_size(size, sizeof(size), (int64_t)scale.most_bytes, false), WIDTH, HEIGHT + 16, (double)scale.most_ns / 1e9);
	fprintf(f, "<p>");
	for (uint32_t i = 0; list && i < count; i++)
		swatch(f, c, i, list[i]);
	fprintf(f, "</p>\n");
	free(list);
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
	html_text(f, name);
	fprintf(f, " %.1f %%</title></%s>\n", 100 * share, share > 0.9999 ? "circle" : "path");
}

void html_pie(FILE *f, const struct classes *c, const struct tracked_snapshot *s)
{
	uint32_t count;
	uint32_t *const list = shown_classes(c, &count);
	double from = 0;

	fprintf(f, "<svg class=\"pie\" viewBox=\"-100 -100 200 200\" role=\"img\" aria-label=\"Shares of classes\">\n");
	for (uint32_t i = 0; list && i < count && s->tracked_bytes; i++) {
		const double share = (double)shown_bytes(c, s, list[i]) / (double)s->tracked_bytes;

		if (share <= 0)
			continue;
		slice(f, from, share, html_colour(i), list[i] == OTHERS ? "others" : tracked_text(&c->t.names, list[i]));
		from += share;
	}
	fprintf(f, "</svg>\n");
	free(list);
}

/* ---- objects over time ---- */

void html_lifetimes(FILE *f, const struct classes *c, uint32_t class)
{
	uint64_t most_ns = 1, count = 0, most = 1;

	for (size_t i = 0; i < c->t.change_count; i++) {
		const struct tracked_change *const x = &c->t.changes[i];
		const uint64_t at_ns = classes_since_start(c, x->process, x->at_ns);

		if (x->class != class)
			continue;
		most_ns = at_ns > most_ns ? at_ns : most_ns;
		count += (uint64_t)(int64_t)x->by;
		most = count > most ? count : most;
	}
	fprintf(f, "<svg viewBox=\"0 -20 %.0f 160\" role=\"img\" aria-label=\"Objects over time\"><path class=\"line\" d=\"M0 120", WIDTH);
	count = 0;
	double last = -1;
	for (size_t i = 0; i < c->t.change_count; i++) {
		const struct tracked_change *const x = &c->t.changes[i];
		const double at = WIDTH * (double)classes_since_start(c, x->process, x->at_ns) / (double)most_ns;

		if (x->class != class)
			continue;
		count += (uint64_t)(int64_t)x->by;
		if (at - last < 0.2 && i + 1 < c->t.change_count) /* nobody sees the difference */
			continue;
		fprintf(f, "H%.1fV%.1f", at, 120 - 120 * (double)count / (double)most);
		last = at;
	}
	fprintf(f, "\"/><path class=\"axis\" d=\"M0 0V120H%.0f\"/><text x=\"4\" y=\"-6\">%" PRIu64 "</text><text x=\"%.0f\" y=\"136\" text-anchor=\"end\">%.3f s</text></svg>\n", WIDTH, most, WIDTH, (double)most_ns / 1e9);
}
