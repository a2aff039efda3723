/* live_names - see live_names.h. */
#include "live_names.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/array.h"
#include "format/mix.h"
#include "symbols/keymap.h"
#include "symbols/plain_file.h"
#include "tools/contact.h"

struct found {
	uint32_t first, count; /* of frames */
};

struct live_names {
	pthread_mutex_t lock;
	struct resolver *resolver;
	struct keymap opened; /* the modules whose files were looked for */
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
	keymap_finish(&n->opened);
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

/* ---- files ---- */

/* The file as the program has mapped it; -1: the recorder has none, or is gone. */
static int open_mapped(const struct capture *c, uint32_t module)
{
	char key[48], path[64];

	snprintf(key, sizeof(key), LIVE_FILE_FORMAT, module);
	for (uint32_t i = 0; i < c->health_count; i++) {
		if (strcmp(c->health[i].key, key) != 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%u/fd/%u", (unsigned)capture_health(c, LIVE_RECORDER), (unsigned)c->health[i].value);
		return plain_file_open(path);
	}
	return -1;
}

static struct resolver_module *open_module(struct live_names *n, const struct capture *c, uint32_t module)
{
	const struct trk_module *const m = &c->modules[module];
	struct resolver_module *const file = resolver_module(n->resolver, m->path, m->build_id, m->build_id_bytes);
	uint32_t *const known = file ? keymap_at(&n->opened, (uint64_t)(uintptr_t)file) : NULL;
	int fd;

	if (!known || *known != KEYMAP_NONE)
		return file;
	*known = 1;
	fd = open_mapped(c, module);
	if (fd >= 0) {
		resolver_module_file(file, fd);
		close(fd);
	}
	return file;
}

static struct resolver_module *module_of(struct live_names_link *link, uint32_t module)
{
	if (!link->modules)
		link->modules = calloc((size_t)link->capture->module_count + 1, sizeof(struct resolver_module *));
	if (!link->modules)
		return NULL;
	if (!link->modules[module])
		link->modules[module] = open_module(link->names, link->capture, module);
	return link->modules[module];
}

/* ---- looking up ---- */

static size_t look_up(struct live_names *n, struct resolver_module *file, uint64_t address, struct resolved_frame *out, size_t max)
{
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
	struct live_names_link *const link = data;
	size_t count;

	(void)strings;
	pthread_mutex_lock(&link->names->lock);
	count = look_up(link->names, module_of(link, module), address, out, max);
	pthread_mutex_unlock(&link->names->lock);
	return count;
}

struct stacks_options live_names_options(struct live_names_link *link, struct live_names *n, const struct capture *c)
{
	*link = (struct live_names_link){ .names = n, .capture = c };
	return (struct stacks_options){ .lookup = look_up_linked, .lookup_data = link };
}

void live_names_unlink(struct live_names_link *link)
{
	free(link->modules);
	link->modules = NULL;
}
