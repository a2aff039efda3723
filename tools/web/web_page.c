/* web_page - see web_page.h. */
#include "web_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "flame/page.h"
#include "tools/live/live_names.h"
#include "tools/live/past.h"
#include "tools/live/picture.h"

#define NODES 50000u /* of the page: it is sent anew every few seconds */

struct web_page {
	struct live_source *source;
	struct live_names *names;
	struct past past;
	uint64_t interval_ns, made_ns;
	struct web_answer last; /* what was made then */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct web_page *web_page_new(struct live_source *source, uint64_t interval_ms)
{
	struct web_page *const p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->source = source;
	p->interval_ns = interval_ms * 1000000u;
	p->names = live_names_new();
	if (p->names)
		return p;
	web_page_free(p);
	return NULL;
}

void web_page_free(struct web_page *p)
{
	if (!p)
		return;
	live_names_free(p->names);
	past_finish(&p->past);
	free(p->last.text);
	free(p);
}

/* ---- one page ---- */

/* The course since the first picture, evenly divided. */
static void fill_history(struct history *h, const struct past *past, const struct picture *now)
{
	const uint64_t from_ns = past->point_count ? past->points[0].time_ns : 0;
	size_t at = 0;

	h->duration_ns = now->time_ns;
	h->bins = past->point_count > 1 ? HISTORY_BINS : 0;
	for (uint32_t i = 0; i < h->bins; i++) {
		const uint64_t time_ns = from_ns + (uint64_t)((double)(h->duration_ns - from_ns) * i / (h->bins - 1));

		while (at + 1 < past->point_count && past->points[at + 1].time_ns <= time_ns)
			at++;
		h->heap[i] = past->points[at].heap;
		h->rss[i] = past->points[at].rss;
		h->has_rss |= h->rss[i] != 0;
	}
}

static int write_tree(const struct web_page *p, const struct picture *now, const struct flame_tree *tree, const struct flame_options *o, FILE *f)
{
	static const struct view_options asked = { .what = VIEW_LIVE, .process = UINT32_MAX };
	const struct page_live live = {
		.state = live_state_name(p->source->state),
		.interval_ms = p->interval_ns / 1000000u,
		.rss_bytes = now->rss_bytes,
		.peak_bytes = now->peak_bytes,
		.allocations = now->allocations,
		.from_ns = p->past.point_count ? p->past.points[0].time_ns : 0,
		.capture = p->source->file,
	};
	struct report report = { .capture = now->capture, .stacks = now->stacks, .process = UINT32_MAX };
	struct history *const history = calloc(1, sizeof(*history));
	struct flame_flat flat = { 0 };
	struct page page = {
		.live = &live,
		.report = &report,
		.view = &now->view,
		.tabs = { { "Now", &now->view, &asked } },
		.tab_count = 1,
		.options = o,
		.tree = tree,
		.history = history,
	};
	int err = history ? flame_prune(tree, NODES, &flat) : TRK_ERR_NOMEM;

	if (!err) {
		fill_history(history, &p->past, now);
		err = page_write(&page, &flat, f);
	}
	flame_flat_finish(&flat);
	free(history);
	return err;
}

static int write_page(const struct web_page *p, const struct picture *now, FILE *f)
{
	const struct flame_options o = { .by_line = true, .threads = true };
	struct flame_tree *tree;
	int err = flame_tree_new(&tree, &o);

	if (err)
		return err;
	err = flame_tree_fill(tree, now->capture, now->stacks, &now->view, 0, &o, NULL);
	if (!err)
		err = flame_tree_seal(tree);
	if (!err)
		err = write_tree(p, now, tree, &o, f);
	flame_tree_free(tree);
	return err;
}

static void make_text(struct web_page *p, const struct picture *now, struct web_answer *ret)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *const f = open_memstream(&text, &bytes);
	const int err = f ? write_page(p, now, f) : TRK_ERR_NOMEM;

	if (!f)
		return;
	*ret = (struct web_answer){ .text = ui_memstream_end(f, &text), .bytes = bytes, .is_page = true };
	if (err) {
		free(ret->text);
		ret->text = NULL;
	}
}

/* ---- pictures ---- */

static void say(struct web_answer *ret, const char *why)
{
	const int n = asprintf(&ret->text, "There is no picture: %s.\n", why);

	ret->text = n < 0 ? NULL : ret->text;
	ret->bytes = n < 0 ? 0 : (size_t)n;
	ret->is_page = false;
}

static void make(struct web_page *p, struct web_answer *ret)
{
	struct picture *now;
	struct capture *c;
	struct trk_fault fault;
	char why[LIVE_WHY_ROOM];

	*ret = (struct web_answer){ 0 };
	if (live_source_fetch(p->source, &c, why) != 0) {
		say(ret, why);
		return;
	}
	if (picture_new(&now, c, p->names, &fault) != 0) {
		say(ret, fault.why);
		return;
	}
	past_add_point(&p->past, &(struct past_point){ .time_ns = now->time_ns, .heap = now->live_bytes, .rss = now->rss_bytes });
	make_text(p, now, ret);
	picture_free(now);
}

void web_page_make(void *page, struct web_answer *ret)
{
	struct web_page *const p = page;

	if (!p->last.text || now_ns() - p->made_ns >= p->interval_ns / 2) {
		free(p->last.text);
		make(p, &p->last);
		p->made_ns = now_ns();
	}
	*ret = p->last;
	if (!p->last.text)
		return;
	ret->text = malloc(p->last.bytes + 1);
	if (ret->text)
		memcpy(ret->text, p->last.text, p->last.bytes);
}
