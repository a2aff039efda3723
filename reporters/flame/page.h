/*
 * page - the HTML file: the template and scripts of reporters/page, facts as JSON, and the stacks as columns. Nothing
 * from a capture reaches it unescaped: facts go through ui_json, and names are inside the base64 text.
 */
#ifndef FLAME_PAGE_H
#define FLAME_PAGE_H

#include "flame/columns.h"
#include "flame/history.h"
#include "flame/prune.h"
#include "common/report.h"

/* Of a page that is served while the program runs: reporters/page/live.js. */
struct page_live {
	const char *state; /* "recording": as tracker live --once --json has it */
	uint64_t interval_ms; /* until the page looks for a newer copy of itself */
	uint64_t rss_bytes, peak_bytes, allocations; /* rss_bytes 0: not known */
	uint64_t from_ns; /* since when the history is known */
	const char *capture; /* the name of the recording's file */
};

/* An answer that the page can show. */
struct page_tab {
	const char *name; /* "Peak"; not shown of a page with one tab */
	const struct view *view;
	const struct view_options *options;
};

struct page {
	const struct page_live *live; /* NULL: it is a file */
	struct report *report;
	const struct view *view; /* for the figures of the whole recording */
	struct page_tab tabs[FLAME_VIEWS]; /* by view of the tree's rows */
	uint32_t tab_count, first; /* at least one; what is shown at first */
	const struct flame_options *options;
	const struct flame_tree *tree;
	const struct history *history;
	bool by_count; /* the metric it starts with */
};

/* 0, TRK_ERR_NOMEM. Errors of the file stay in the file. */
int page_write(const struct page *p, const struct flame_flat *flat, FILE *f);

/* The half of page_write in page_columns.c. TRK_ERR_NOMEM. */
int page_columns(const struct page *p, const struct flame_flat *flat, struct columns *c);

#endif
