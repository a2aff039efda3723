/* arenas - see arenas.h. */
#include "common/arenas.h"

#include <string.h>

#include "common/group.h"

/* If they are less of the bytes, nothing is said. */
#define SHARE_PERCENT 10u

void arenas_begin(struct arenas *a, const struct capture *c)
{
	*a = (struct arenas){ 0 };
	for (uint32_t i = 1; i < c->module_count && !a->python; i++)
		a->python = c->modules[i].flags & TRK_MODULE_PYTHON;
}

/* What pymalloc maps: 256 KiB before 3.10, then 1 MiB. */
static bool has_size_of_arenas(const struct view_row *row)
{
	const uint64_t size = row->count && row->bytes % row->count == 0 ? row->bytes / row->count : 0;

	return row->kind == TRK_MMAP && (size == 256u << 10 || size == 1u << 20);
}

/* The interpreter itself asked, for a Python function or before there was one. */
static bool is_interpreter(const struct source_frame *f)
{
	const char *const slash = strrchr(f->module, '/'), *const name = slash ? slash + 1 : f->module;

	return f->python || strncmp(name, "python", 6) == 0 || strncmp(name, "libpython", 9) == 0;
}

void arenas_add(struct arenas *a, struct stacks *s, const struct view_row *row)
{
	a->all += row->bytes;
	if (!a->python || !has_size_of_arenas(row) || !is_interpreter(stacks_top(s, row->node)))
		return;
	a->bytes += row->bytes;
	a->count += row->count;
}

void arenas_find(struct arenas *a, const struct capture *c, struct stacks *s, const struct view *v, const struct filters *filters)
{
	arenas_begin(a, c);
	for (size_t i = 0; i < v->row_count && a->python; i++)
		if (group_passes(s, filters, &v->rows[i]))
			arenas_add(a, s, &v->rows[i]);
}

char *arenas_describe(const struct arenas *a, char buf[ARENAS_ROOM])
{
	char count[32];

	buf[0] = 0;
	if (a->bytes && a->bytes >= a->all / 100 * SHARE_PERCENT)
		snprintf(buf, ARENAS_ROOM, "%.0f %% of the bytes are %s arena%s of Python's small objects; --trace-python-allocators shows each object",
			 100.0 * (double)a->bytes / (double)a->all, ui_count(count, sizeof(count), a->count), a->count == 1 ? "" : "s");
	return buf;
}

void arenas_figures(struct emit *e, const struct arenas *a)
{
	if (!a->python)
		return;
	emit_group(e, "python_arenas");
	emit_figure(e, "bytes", emit_size(a->bytes));
	emit_figure(e, "count", emit_count(a->count));
	emit_end(e);
}
