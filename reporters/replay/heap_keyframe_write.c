/* heap_keyframe_write - a heap -> KEYFRAME blocks; see heap_keyframe.h. */
#include "replay/heap_keyframe.h"

#include "replay/heap_saved.h"

struct writing {
	struct writer *writer;
	void (*progress)(void *data);
	void *data;
};

static void put_process(void *data, const struct keyframe_process *p)
{
	writer_keyframe_process(((struct writing *)data)->writer, p);
}

static void put_block(void *data, const struct keyframe_block *b)
{
	writer_keyframe_block(((struct writing *)data)->writer, b);
}

static void progress(void *data)
{
	const struct writing *const w = data;

	if (w->progress)
		w->progress(w->data);
}

int heap_keyframe_write(struct writer *w, const struct heap *h, uint64_t time_ns, bool begins,
			void (*on_progress)(void *data), void *data)
{
	struct writing writing = { .writer = w, .progress = on_progress, .data = data };
	const struct heap_saver saver = { .data = &writing, .process = put_process, .block = put_block, .progress = progress };
	int err;

	writer_keyframe_begin(w, time_ns, heap_events(h), heap_marks(h), heap_save_bound(h), begins);
	err = heap_save(h, &saver);
	if (!err || begins) /* without a beginning, no reader would use the events behind it */
		writer_keyframe_end(w);
	return err;
}
