/* every_event - see every_event.h. */
#include "common/every_event.h"

#include "format/event.h"
#include "replay/heap_keyframe.h"
#include "replay/process_ends.h"

#define EXPECTED 64u /* events whose blocks are fetched at once */
#define PROGRESS_EVENTS 65536u

static int apply(struct heap *heap, const struct every_event *f, struct process_ends *ends, const struct trk_event *e, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		const struct process_end *end;

		if (i % EXPECTED == 0)
			heap_expect(heap, &e[i], n - i < EXPECTED ? (uint32_t)(n - i) : EXPECTED);
		while ((end = process_ends_take_before(ends, e[i].time_ns))) {
			heap_end_process(heap, end->process);
			if (f->ended)
				f->ended(f->data, end->process);
		}
		f->before(f->data, &e[i]);
		err = heap_apply(heap, &e[i]);
	}
	return err;
}

int every_event(struct report *r, struct heap *heap, const struct every_event *f)
{
	struct capture *const c = r->capture;
	struct process_ends ends = { 0 };
	struct cursor *cursor = NULL;
	const struct trk_event *e;
	uint64_t done = 0, next = PROGRESS_EVENTS;
	struct ui_progress progress;
	size_t n;
	int err = process_ends_init(&ends, c);

	heap_set_page_bytes(heap, c->header.page_bytes);
	heap_set_sampling(heap, c->header.sample_bytes);
	ui_progress_start(&progress, "reading events", c->event_count);
	if (!err)
		err = heap_keyframe_begin(c, r->process, heap);
	if (!err)
		err = cursor_open(&cursor, c, r->process);
	while (!err && (err = cursor_batch(cursor, &e, &n)) == 0) {
		err = apply(heap, f, &ends, e, n);
		done += n;
		if (done >= next) {
			ui_progress_step(&progress, done);
			next = done + PROGRESS_EVENTS;
		}
	}
	cursor_close(cursor);
	ui_progress_end(&progress);
	process_ends_finish(&ends);
	return err == TRK_END ? 0 : err;
}
