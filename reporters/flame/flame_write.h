/* flame_write - a flame tree for other programs: nested JSON, folded stacks. */
#ifndef FLAME_WRITE_H
#define FLAME_WRITE_H

#include "flame/flame_tree.h"
#include "ui/ui.h"

/*
 * The object `key` of j: name, function, file, line, module, value, count, own,
 * own_count, children; below the root of a tree split by threads also thread
 * and tid.
 */
void flame_write_json(const struct flame_tree *t, const struct capture *c, struct ui_json *j,
		      const char *key);

/* A name as folded stacks have it: nothing in it looks like the end of a frame or of a line. */
void flame_write_folded_name(FILE *f, const char *name);
/* "root;frame;leaf 123": a line per stack that owns something by the metric, from the root on. */
int flame_write_folded(const struct flame_tree *t, const struct capture *c, bool by_count, FILE *f);

#endif
