/* row_types - see row_types.h. */
#include "types/row_types.h"

#include <stdio.h>
#include <string.h>

void row_types_ask(struct report *r)
{
	r->asked.typed = true;
	r->asked.blocks = r->capture->look_count != 0;
}

int row_types_find(struct row_types *t, struct report *r)
{
	t->report = r;
	return r->asked.blocks ? looked_types_find(&t->looked, r) : 0;
}

void row_types_finish(struct row_types *t)
{
	looked_types_finish(&t->looked);
	*t = (struct row_types){ 0 };
}

/* What a look says of blocks of the row; takes them out of the sums. */
static int tell_looked(const struct row_types *types, const struct view_row *row, uint64_t *bytes, uint64_t *count, type_tell *tell, void *data)
{
	const struct looked_type *end, *t = row->domain ? NULL : looked_types_of_row(&types->looked, row, &end);
	char name[TYPE_ROOM];
	int err = 0;

	for (; t && t < end && !err; t++) {
		if ((row->thread != UINT32_MAX && row->thread != t->thread) || t->count > *count || t->bytes > *bytes)
			continue;
		looked_type_name(t, name);
		err = tell(data, TYPE_BY_TABLE, name, t->bytes, t->count);
		*bytes -= t->bytes;
		*count -= t->count;
	}
	return err;
}

/* The blocks must be as large as that type, or a whole number of it: the pointer might be of something that was made of the block. */
static bool by_variable(struct report *r, const struct source_frame *frames, size_t n, uint64_t bytes, uint64_t count, char buf[TYPE_ROOM])
{
	uint64_t size;
	size_t top = 0;

	while (top + 1 < n && frames[top].skipped)
		top++;
	return count && stacks_pointee(r->stacks, &frames[top], buf, TYPE_ROOM, &size) && bytes >= count * size && bytes % size == 0;
}

int row_types_each(void *types, const struct view_row *row, type_tell *tell, void *data)
{
	struct row_types *const t = types;
	struct report *const r = t->report;
	char name[TYPE_ROOM], pointee[TYPE_ROOM];
	enum type_rule rule = TYPE_BY_SITE;
	uint64_t bytes = row->bytes, count = row->count;
	size_t n;
	const struct source_frame *const frames = stacks_frames(r->stacks, row->node, &n);
	int err = 0;

	if (row->type) {
		rule = TYPE_BY_ANNOTATION;
		snprintf(name, sizeof(name), "%s", r->view.types[row->type - 1]);
	} else if (row->node) {
		rule = type_of_frames(frames, n, name);
	} else {
		strcpy(name, "<stack trace unavailable>");
	}
	if (rule == TYPE_BY_SITE)
		err = tell_looked(t, row, &bytes, &count, tell, data);
	if (rule == TYPE_BY_SITE && row->node && count && by_variable(r, frames, n, bytes, count, pointee))
		return err ? err : tell(data, TYPE_BY_VARIABLE, pointee, bytes, count);
	return err || (!bytes && !count) ? err : tell(data, rule, name, bytes, count);
}
