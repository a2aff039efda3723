/* html - the page of tracker types html, and its charts (html_chart.c). */
#ifndef REPORTERS_CLASSES_HTML_H
#define REPORTERS_CLASSES_HTML_H

#include "classes/class_reports.h"

#define HTML_OTHERS UINT32_MAX /* in place of a class: all that are not large */

/* Things with key k: places[first[k]] .. places[first[k + 1] - 1], in the order in which they stood. */
struct html_order {
	uint32_t *places;
	size_t *first;
};

/* What an object's class points to. */
struct html_referents {
	uint32_t name;
	uint64_t bytes, count;
};

/* What the page is made from, in the order in which the page needs it: then it takes no longer than what there is. */
struct html_page {
	const struct classes *c;
	uint32_t *rank; /* by name: its place among the classes; their count: it is none of them */
	bool *large; /* by name: charts show it by itself */
	uint32_t *shown; /* classes that charts show, then HTML_OTHERS, if there are any */
	uint32_t shown_count;
	struct html_order sizes, changes; /* by rank of the class */
	struct html_order snapshots; /* by process */
	struct html_referents *sums; /* by name, all 0: room for html.c */
	uint32_t *met; /* by name: room for the names of which sums are not 0 */
	uint64_t *below; /* by snapshot: room for html_chart.c */
};

/* In html_index.c. False: no memory. html_page_finish is due either way. */
bool html_page_make(struct html_page *p, const struct classes *c);
void html_page_finish(struct html_page *p);

const char *html_colour(uint32_t number);

/* Of the process's snapshots: bytes by class over time. */
void html_distribution(FILE *f, struct html_page *p, uint32_t process);
/* The shares of classes at a snapshot. */
void html_pie(FILE *f, const struct html_page *p, const struct tracked_snapshot *s);
/* How many objects of the class there were when. */
void html_lifetimes(FILE *f, const struct html_page *p, uint32_t class);

#endif
