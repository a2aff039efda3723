/* export_events - what writers share that read all events once more: stacks by node, and the replay. */
#include <stdlib.h>

#include "export/export.h"
#include "format/event.h"
#include "replay/heap.h"
#include "replay/heap_keyframe.h"

static int place_row(struct export_stacks *s, struct export *x, const struct export_row *row)
{
	size_t count;
	const uint32_t *const frames = export_stack(x, row, &count);
	uint32_t *const at = &s->of_node[row->node];
	int err = frames ? 0 : TRK_ERR_NOMEM;

	*at = 0;
	for (size_t i = count; i > 0 && !err; i--)
		err = stack_tree_child(&s->tree, *at, frames[i - 1], at);
	return err;
}

int export_stacks_find(struct export_stacks *s, struct export *x)
{
	int err = stack_tree_init(&s->tree);

	s->of_node = calloc((size_t)x->report->capture->node_count + 1, sizeof(*s->of_node));
	if (!s->of_node)
		err = TRK_ERR_NOMEM;
	for (size_t i = 0; i < x->row_count && !err; i++)
		err = place_row(s, x, &x->rows[i]);
	return err;
}

void export_stacks_finish(struct export_stacks *s)
{
	stack_tree_finish(&s->tree);
	free(s->of_node);
}

int export_replay(struct capture *c, uint32_t process, struct heap *heap, void (*each)(void *data, const struct trk_event *e), void *data)
{
	struct cursor *cursor = NULL;
	struct ui_progress progress;
	struct trk_event e;
	uint64_t number = 0;
	int err = heap_keyframe_begin(c, process, heap);

	ui_progress_start(&progress, "reading events", c->event_count);
	if (!err)
		err = cursor_open(&cursor, c, process);
	while (!err && (err = cursor_next(cursor, &e, &number)) == 0) {
		if (each)
			each(data, &e);
		err = heap_apply(heap, &e);
		if (number % 65536 == 0)
			ui_progress_step(&progress, number);
	}
	cursor_close(cursor);
	ui_progress_end(&progress);
	return err == TRK_END ? 0 : err;
}
