/* view_rows - what a view owns: its rows in their order, and their end; see view.h. */
#include "replay/view.h"

#include <stdlib.h>

static int by_weight(const void *a, const void *b)
{
	const struct view_row *x = a, *y = b;

#define ORDER(p, q)                                \
	do {                                       \
		if ((p) != (q))                    \
			return (p) < (q) ? -1 : 1; \
	} while (0)
	ORDER(y->bytes, x->bytes);
	ORDER(y->count, x->count);
	ORDER(x->node, y->node);
	ORDER(x->process, y->process);
	ORDER(x->thread, y->thread);
	ORDER(x->kind, y->kind);
	ORDER(x->domain, y->domain);
	ORDER(x->block_size, y->block_size);
	ORDER(x->type, y->type);
#undef ORDER
	return 0;
}

void view_sort(struct view *v)
{
	qsort(v->rows, v->row_count, sizeof(*v->rows), by_weight);
}

void view_finish(struct view *v)
{
	if (!v)
		return;
	free(v->rows);
	free(v->errors);
	process_totals_finish(&v->process_totals);
	free(v->sizes);
	for (size_t i = 0; i < v->type_count; i++)
		free(v->types[i]);
	free(v->types);
	free(v->blocks);
	*v = (struct view){ 0 };
}
