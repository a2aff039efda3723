/*
 * unnamed - how many of a report's bytes were allocated by functions without names, where most of these functions are,
 * and how to get their names. One line under the report, on stderr; "unnamed" in its JSON.
 */
#ifndef UNNAMED_H
#define UNNAMED_H

#include "common/filter.h"
#include "replay/view.h"
#include "symbols/stack.h"
#include "ui/emit.h"

#define UNNAMED_ROOM 1024u

struct unnamed {
	uint64_t all, bytes; /* of the report, and of those functions */
	uint64_t module_bytes; /* of these, in one module, which has most of them */
	uint32_t module; /* its id; 0: there is none */
	uint32_t modules; /* how many modules have such functions */
	enum stacks_names names; /* why that module has no names */
	uint64_t *by_module; /* while it is counted */
};

/* Counts the bytes of single stacks. If there is no memory, nothing is found. */
void unnamed_begin(struct unnamed *u, const struct capture *c);
void unnamed_add(struct unnamed *u, const struct capture *c, struct stacks *s, uint32_t node, uint64_t bytes);
void unnamed_end(struct unnamed *u, const struct stacks *s);

/* Does all of that at once, for the stacks that pass the filters (NULL: all). */
void unnamed_find(struct unnamed *u, const struct capture *c, struct stacks *s, const struct view *v,
		  const struct filters *filters);

/* "41 % of the bytes were allocated in libfoo.so.1, which has no names: ...", "" when it is not worth a line. Returns buf. */
char *unnamed_describe(const struct unnamed *u, const struct capture *c, char buf[UNNAMED_ROOM]);

/* The same in a line: "libfoo.so.1 has none for 41 % of the bytes: apt install libfoo1-dbgsym". Returns buf. */
char *unnamed_brief(const struct unnamed *u, const struct capture *c, char buf[UNNAMED_ROOM]);

/* "unnamed": { bytes, percent, module, module_bytes, modules, advice }; nothing when it is not worth a line. */
void unnamed_figures(struct emit *e, const struct unnamed *u, const struct capture *c);

#endif
