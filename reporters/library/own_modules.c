/* own_modules - see own_modules.h. */
#include "own_modules.h"

#include <stdlib.h>
#include <string.h>

#include "open_modules.h"
#include "tracker-replay.h"

#define PATH_ROOM 4096u

struct own_modules {
	const struct capture *capture;
	unsigned *numbers; /* of the recorder, by the capture's; 0: not known */
	struct module_identity *identities;
};

struct own_modules *own_modules_new(const struct capture *c, const unsigned *numbers, size_t count)
{
	struct own_modules *const o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->capture = c;
	o->numbers = calloc((size_t)c->module_count + 1, sizeof(*o->numbers));
	o->identities = calloc((size_t)c->module_count + 1, sizeof(*o->identities));
	if (!o->numbers || !o->identities) {
		own_modules_free(o);
		return NULL;
	}
	for (size_t i = 0; numbers && i < count && i < c->module_count; i++)
		o->numbers[i] = numbers[i];
	return o;
}

void own_modules_free(struct own_modules *o)
{
	if (!o)
		return;
	free(o->numbers);
	free(o->identities);
	free(o);
}

/* The recorder's number of such a module: the last one, if there are several without a build-id. 0: it has none. */
static unsigned find(const struct trk_module *wanted)
{
	char path[PATH_ROOM];
	struct tracker_raw_module_ m = { .path = path, .path_room = sizeof(path) };
	unsigned found = 0;

	for (unsigned i = 1; TRACKER_CALL_(module, TRACKER_EDISABLED, (i, &m)) == TRACKER_OK; i++)
		if (!strcmp(path, wanted->path) && m.build_id_bytes == wanted->build_id_bytes &&
		    (!m.build_id_bytes || !memcmp(m.build_id, wanted->build_id, m.build_id_bytes)))
			found = i;
	return found;
}

static int open_mapped(void *data, uint32_t module)
{
	struct own_modules *const o = data;

	if (!o->numbers[module])
		o->numbers[module] = find(&o->capture->modules[module]);
	return o->numbers[module] ? TRACKER_CALL_(module_file, TRACKER_EDISABLED, (o->numbers[module])) : -1;
}

size_t own_modules_lookup(void *own_modules, uint32_t module, uint64_t address, struct resolved_frame *out, size_t max, struct arena *strings)
{
	struct own_modules *const o = own_modules;
	const struct module_wanted w = {
		.module = &o->capture->modules[module],
		.identity = &o->identities[module],
		.open = open_mapped,
		.data = o,
		.number = module,
	};

	return open_modules_lookup(&w, address, out, max, strings);
}
