/* stack_rows - bytes and blocks by stack, as tracker memory shows them. */
#ifndef REPORTERS_MEMORY_STACK_ROWS_H
#define REPORTERS_MEMORY_STACK_ROWS_H

#include "common/alike.h"
#include "common/report.h"
#include "common/traceback.h"

struct stack_rows {
	struct alike_stack *list; /* as they are collected: by node, bytes, count */
	size_t count, room;
	struct alike_folds folds;
	size_t shown;
};

/* How they are shown. */
struct stack_shown {
	uint32_t depth; /* frames of a stack */
	enum traceback_sources sources;
	struct short_paths *paths;
};

/* Of blocks of one process. Blocks of one stack may come in any order. TRK_ERR_NOMEM. */
int stack_rows_add(struct stack_rows *s, uint32_t node, uint64_t bytes, uint64_t count);
/* All are there: those that pass the report's filters, the biggest first. TRK_ERR_NOMEM. */
int stack_rows_settle(struct stack_rows *s, struct report *r, uint32_t process, uint32_t depth);
/* The files of those that people see. TRK_ERR_NOMEM. */
int stack_rows_find_paths(const struct stack_rows *s, const struct report *r, struct short_paths *paths);
/* Of those that are not shown. */
uint64_t stack_rows_rest(const struct stack_rows *s);
/* A row for each that is shown; kind: the first column. */
void stack_rows_describe(const struct stack_rows *s, const struct report *r, struct emit *e, const char *kind, const struct stack_shown *how);
void stack_rows_finish(struct stack_rows *s); /* zero-safe */

/* The columns of the table in which they are rows. */
#define STACK_ROWS_COLUMNS                                       \
	{                                                        \
		{ "kind" }, { "size" }, { "count" }, { "stack" } \
	}

#endif
