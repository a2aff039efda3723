/* live_names - see live_names.h. */
#include "live_names.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "format/mix.h"
#include "symbols/keymap.h"

struct found {
	uint32_t first, count; /* of frames */
};

struct live_names {
	pthread_mutex_t lock;
	struct resolver *resolver;
	struct keymap by_address; /* hash of module and address -> place in `found` */
	struct found *found;
	uint32_t found_count, found_room;
	struct resolved_frame *frames; /* their texts are the resolver's */
	uint32_t frame_count, frame_room;
};

struct live_names *live_names_new(void)
{
	struct live_names *const n = calloc(1, sizeof(*n));

	if (!n || resolver_new(&n->resolver) != 0) {
		free(n);
		return NULL;
	}
	pthread_mutex_init(&n->lock, NULL);
	return n;
}

void live_names_free(struct live_names *n)
{
	if (!n)
		return;
	pthread_mutex_destroy(&n->lock);
	resolver_free(n->resolver);
	keymap_finish(&n->by_address);
	free(n->found);
	free(n->frames);
	free(n);
}

/* False: there is no memory, and it is looked up again next time. */
static bool keep(struct live_names *n, uint32_t *place, const struct resolved_frame *frames, size_t count)
{
	if (!ARRAY_ROOM(n->found, n->found_room, n->found_count + 1, 256) ||
	    !ARRAY_ROOM(n->frames, n->frame_room, n->frame_count + count, 256))
		return false;
	n->found[n->found_count] = (struct found){ n->frame_count, (uint32_t)count };
	if (count)
		memcpy(n->frames + n->frame_count, frames, count * sizeof(*frames));
	n->frame_count += (uint32_t)count;
	*place = n->found_count++;
	return true;
}

static size_t look_up(struct live_names *n, const struct trk_module *m, uint64_t address, struct resolved_frame *out, size_t max)
{
	struct resolver_module *const file = resolver_module(n->resolver, m->path, m->build_id, m->build_id_bytes);
	uint32_t *const place = file ? keymap_at(&n->by_address, trk_mix((uint64_t)(uintptr_t)file, address)) : NULL;
	size_t count;

	if (!file)
		return 0;
	if (place && *place != KEYMAP_NONE) {
		const struct found *const f = &n->found[*place];

		count = f->count < max ? f->count : max;
		if (count)
			memcpy(out, n->frames + f->first, count * sizeof(*out));
		return count;
	}
	count = resolver_lookup(file, address, out, max);
	if (place)
		(void)keep(n, place, out, count);
	return count;
}

/* What the resolver returns lives as long as it does, so nothing is copied. */
static size_t look_up_linked(void *data, uint32_t module, uint64_t address, struct resolved_frame *out, size_t max, struct arena *strings)
{
	const struct live_names_link *const link = data;
	size_t count;

	(void)strings;
	pthread_mutex_lock(&link->names->lock);
	count = look_up(link->names, &link->capture->modules[module], address, out, max);
	pthread_mutex_unlock(&link->names->lock);
	return count;
}

struct stacks_options live_names_options(struct live_names_link *link)
{
	return (struct stacks_options){ .lookup = look_up_linked, .lookup_data = link };
}
