/*
 * emit_private - what a back end of emit is.
 */
#ifndef UI_EMIT_PRIVATE_H
#define UI_EMIT_PRIVATE_H

#include "ui/emit.h"

enum emit_kind {
	EMIT_IN_DOCUMENT,
	EMIT_IN_GROUP,
	EMIT_IN_TABLE,
	EMIT_IN_ROW,
	EMIT_IN_BRANCH,
};

struct emit_level {
	enum emit_kind kind;
	const char *key; /* NULL: of a row, or of a branch that is not the root */
	const struct emit_table *table; /* of tables, rows, branches */
	const struct emit_value *values; /* of rows and branches, until they are closed */
	const struct emit_branch *branch;
	size_t rows; /* so many were opened in it */
	size_t number; /* of the row in its table */
};

struct emit_back_end {
	void (*figure)(struct emit *e, const char *key, const struct emit_value *v);
	void (*aside)(struct emit *e, const char *key, const struct emit_value *v); /* NULL: it is not for this one */
	void (*say)(struct emit *e, const char *sentence); /* likewise */
	void (*texts)(struct emit *e, const char *key, const char *before, const char *const *texts, size_t count);
	void (*open)(struct emit *e, const struct emit_level *l);
	void (*close)(struct emit *e, const struct emit_level *l);
	void (*finish)(struct emit *e);
};

struct emit {
	const struct emit_back_end *back_end;
	enum emit_form form;
	FILE *file;
	const char *table; /* of CSV */
	bool no_memory;
	struct emit_level *levels;
	size_t depth, room;
	void *state; /* the back end's, zeroed, `finish` frees what it holds */
};

extern const struct emit_back_end emit_people_end, emit_json_end, emit_csv_end, emit_nothing_end;
extern const size_t emit_people_bytes, emit_json_bytes, emit_csv_bytes; /* of state */

/* Counts as a column for programs. */
static inline bool emit_is_data(const struct emit_column *c)
{
	return c->audience != EMIT_FOR_PEOPLE;
}

/* The whole name of a figure here: "processes.0.pid". What does not fit is called by the names around it. Returns buf. */
#define EMIT_PATH_ROOM 640u
char *emit_path(const struct emit *e, const char *key, char buf[EMIT_PATH_ROOM]);
/* As programs read it: "12", "0.5", "true"; "" of null. Not for words. */
char *emit_raw(const struct emit_value *v, char *buf, size_t room);

#endif
