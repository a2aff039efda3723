/* traceback_object - see traceback_object.h. */
#include "traceback_object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/traceback.h"
#include "failure.h"
#include "own.h"
#include "source.h"

struct tracker_traceback *traceback_new(const struct source_frame *frames, size_t n)
{
	const struct source_frame *const last = &frames[n - 1];
	const bool cut = last->cut && n > 1;
	struct tracker_traceback *t;
	struct source_frame *copies;

	n -= cut;
	t = malloc(sizeof(*t) + n * sizeof(*copies));
	if (!t)
		return NULL;
	copies = (struct source_frame *)(t + 1);
	memcpy(copies, frames, n * sizeof(*copies));
	*t = (struct tracker_traceback){ .frames = copies, .count = n, .total = n };
	if (cut)
		t->total += last->most_older ? last->most_older : 1; /* there is one, at least */
	return t;
}

void traceback_drop(struct tracker_traceback *t)
{
	if (!t)
		return;
	free(t->key);
	free(t);
}

void tracker_traceback_free(tracker_traceback *t)
{
	OWN_MEMORY;
	if (!t || !t->owner)
		return;
	source_drop(t->owner);
	traceback_drop(t);
}

size_t tracker_traceback_len(const tracker_traceback *t)
{
	return t ? t->count : 0;
}

size_t tracker_traceback_total_nframe(const tracker_traceback *t)
{
	return t ? t->total : 0;
}

int tracker_traceback_frame(const tracker_traceback *t, ptrdiff_t index, tracker_frame *out)
{
	const size_t from_recent = index < 0 ? (size_t)(-(index + 1)) : t ? t->count - 1 - (size_t)index :
									    0;

	if (!t || !out)
		return failure(TRACKER_EINVAL, "tracker_traceback_frame was given NULL");
	if (from_recent >= t->count)
		return failure(TRACKER_EINVAL, "there is no frame %td: the traceback has %zu", index, t->count);
	const struct source_frame *const f = &t->frames[from_recent];

	*out = (tracker_frame){
		.function = f->function,
		.filename = f->file,
		.module = f->module,
		.lineno = f->line,
		.ip = f->offset,
		.inlined = f->inlined,
	};
	return TRACKER_OK;
}

int tracker_traceback_print(const tracker_traceback *t, FILE *file, int limit, bool most_recent_first)
{
	OWN_MEMORY;
	const struct traceback_options o = { .has_limit = limit != 0, .limit = limit, .most_recent_first = most_recent_first };

	if (!t || !file)
		return failure(TRACKER_EINVAL, "tracker_traceback_print was given NULL");
	traceback_print(file, t->frames, t->count, &o);
	return ferror(file) ? failure(TRACKER_EIO, "the traceback cannot be written: %s", strerror(errno)) : TRACKER_OK;
}
