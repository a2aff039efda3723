/* html - the page of tracker types html, and its charts (html_chart.c). */
#ifndef REPORTERS_CLASSES_HTML_H
#define REPORTERS_CLASSES_HTML_H

#include "classes/class_reports.h"

/* Text, harmless in a page. */
void html_text(FILE *f, const char *text);
const char *html_colour(uint32_t number);

/* Of the process's snapshots: bytes by class over time. NULL in `small`: no memory. */
void html_distribution(FILE *f, const struct classes *c, uint32_t process);
/* The shares of classes at a snapshot. */
void html_pie(FILE *f, const struct classes *c, const struct tracked_snapshot *s);
/* How many objects of the class there were when. */
void html_lifetimes(FILE *f, const struct classes *c, uint32_t class);

#endif
