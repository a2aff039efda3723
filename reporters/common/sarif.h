/*
 * sarif - the parts of SARIF 2.1.0, of OASIS, that reports with findings share: the form that code hosts and editors read.
 */
#ifndef REPORTERS_SARIF_H
#define REPORTERS_SARIF_H

#include "symbols/stack.h"
#include "ui/ui.h"

struct sarif_rule {
	const char *id, *what; /* "double-release", "a block is released twice" */
	const char *advice; /* NULL: none that fits all */
	const char *level; /* "note", "warning", "error" */
};

/* One run of tracker, up to its results: objects that the caller writes. */
void sarif_begin(struct ui_json *j, FILE *f, const struct sarif_rule *rules, size_t count);
void sarif_end(struct ui_json *j);

/* "key": { "text": ... } */
void sarif_text(struct ui_json *j, const char *key, const char *text);
void sarif_location(struct ui_json *j, const char *key, const struct source_frame *f);
/* An item of "stacks". what: "allocated". */
void sarif_stack(struct ui_json *j, const char *what, struct stacks *s, uint32_t node);

#endif
