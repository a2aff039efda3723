/* open_modules - see open_modules.h. */
#include "open_modules.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbols/plain_file.h"

#define PLACES 24u
#define READ_BYTES_MOST (64u << 20) /* of debug information in all of them; it takes a few times as much memory */

struct open_module {
	struct resolver *resolver; /* of this module alone; NULL: a free place */
	struct resolver_module *module;
	char *path, *debug_path; /* NULL: it has no debug file of its own */
	uint8_t *build_id;
	size_t build_id_bytes;
	struct module_identity file, debug_file;
	bool lost; /* that file is not to be had any more: the module has no names */
	uint64_t used; /* the number of its last use */
};

static struct {
	pthread_mutex_t lock;
	bool changing; /* a thread is in the middle of something */
	uint64_t uses;
	struct open_module places[PLACES];
} all = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- which file it is ---- */

static struct module_identity identity_of(const struct stat *st)
{
	return (struct module_identity){ st->st_dev, st->st_ino, st->st_size, st->st_mtim };
}

static bool same_file(const struct module_identity *a, const struct module_identity *b)
{
	return a->device == b->device && a->inode == b->inode;
}

static bool same_contents(const struct module_identity *a, const struct module_identity *b)
{
	return same_file(a, b) && a->bytes == b->bytes && a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/*
 * The file at the path is still that file, and its contents were written anew: what is mapped of it is not to be touched. Or
 * there was no file, and now there is one.
 */
static bool was_rewritten(const char *path, const struct module_identity *then)
{
	struct module_identity now;
	struct stat st;

	if (!path || stat(path, &st) != 0)
		return false;
	now = identity_of(&st);
	return !then->inode || (same_file(&now, then) && !same_contents(&now, then));
}

static struct module_identity identity_at(const char *path)
{
	struct stat st;

	return path && stat(path, &st) == 0 ? identity_of(&st) : (struct module_identity){ 0 };
}

/* ---- opening and closing ---- */

static void close_module(struct open_module *m)
{
	resolver_free(m->resolver);
	free(m->path);
	free(m->debug_path);
	free(m->build_id);
	*m = (struct open_module){ 0 };
}

/* A free place, or that of the module that was used longest ago. */
static struct open_module *make_room(void)
{
	struct open_module *oldest = &all.places[0];

	for (unsigned i = 1; i < PLACES && oldest->resolver; i++)
		if (!all.places[i].resolver || all.places[i].used < oldest->used)
			oldest = &all.places[i];
	close_module(oldest);
	return oldest;
}

/* The mapped file, or the one at its path. */
static int open_file(const struct module_wanted *w, struct module_identity *ret)
{
	int fd = w->open ? w->open(w->data, w->number) : -1;
	struct stat st;

	if (fd < 0)
		fd = plain_file_open(w->module->path);
	if (fd >= 0 && fstat(fd, &st) == 0) {
		*ret = identity_of(&st);
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* fd -1: its file is not there, and the module has no names. NULL: there is no memory. */
static struct open_module *open_module(const struct module_wanted *w, int fd, const struct module_identity *file, bool lost)
{
	const struct trk_module *const record = w->module;
	struct open_module *const m = make_room();
	const char *debug = NULL;

	m->file = *file;
	m->path = strdup(record->path);
	m->build_id = malloc(record->build_id_bytes + 1);
	if (m->path && m->build_id && resolver_new(&m->resolver) == 0) {
		resolver_keep_no_descriptors(m->resolver);
		m->module = resolver_module(m->resolver, record->path, record->build_id, record->build_id_bytes);
	}
	if (!m->module) {
		close_module(m);
		errno = ENOMEM;
		return NULL;
	}
	if (record->build_id_bytes)
		memcpy(m->build_id, record->build_id, record->build_id_bytes);
	m->build_id_bytes = record->build_id_bytes;
	m->lost = lost;
	if (lost)
		return m;
	resolver_module_file(m->module, fd);
	if (resolver_module_state(m->module) <= RESOLVER_STRIPPED)
		debug = resolver_module_debug_file(m->module);
	m->debug_path = debug ? strdup(debug) : NULL;
	m->debug_file = identity_at(m->debug_path);
	return m;
}

/* ---- finding ---- */

static bool is_wanted(const struct open_module *m, const struct module_wanted *w)
{
	const struct trk_module *const record = w->module;

	if (!m->resolver || strcmp(m->path, record->path) != 0 || m->build_id_bytes != record->build_id_bytes)
		return false;
	if (record->build_id_bytes)
		return memcmp(m->build_id, record->build_id, record->build_id_bytes) == 0;
	return same_contents(&m->file, w->identity);
}

static bool is_current(const struct open_module *m)
{
	const struct module_identity now = identity_at(m->path);

	if (m->lost)
		return !same_contents(&now, &m->file);
	return !was_rewritten(m->path, &m->file) && !was_rewritten(m->debug_path, &m->debug_file);
}

static struct open_module *find(const struct module_wanted *w)
{
	for (unsigned i = 0; i < PLACES; i++) {
		struct open_module *const m = &all.places[i];

		if (!is_wanted(m, w))
			continue;
		if (is_current(m))
			return m;
		close_module(m);
	}
	return NULL;
}

/* Another build's names would be wrong. */
static bool is_other_build(const struct module_wanted *w, const struct module_identity *file)
{
	return !w->module->build_id_bytes && w->identity->inode && !same_contents(file, w->identity);
}

static struct open_module *find_or_open(const struct module_wanted *w)
{
	struct module_identity file = { 0 };
	struct open_module *m;
	int fd = -1;

	/* without a build-id, the file itself tells which build it is */
	if (!w->module->build_id_bytes && !w->identity->inode && (fd = open_file(w, &file)) >= 0)
		*w->identity = file;
	m = find(w);
	if (!m) {
		if (fd < 0)
			fd = open_file(w, &file);
		const bool lost = is_other_build(w, &file);

		m = open_module(w, fd, lost ? w->identity : &file, lost);
	}
	if (fd >= 0)
		close(fd);
	return m;
}

/* Closes what was asked for longest ago, until few enough bytes have been read. `kept` is closed last. */
static void bound_memory(struct open_module *kept)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < PLACES; i++)
		bytes += all.places[i].resolver ? resolver_module_read_bytes(all.places[i].module) : 0;
	while (bytes > READ_BYTES_MOST) {
		struct open_module *oldest = kept;

		for (unsigned i = 0; i < PLACES; i++)
			if (all.places[i].resolver && all.places[i].used < oldest->used)
				oldest = &all.places[i];
		bytes -= resolver_module_read_bytes(oldest->module);
		close_module(oldest);
		if (oldest == kept)
			return;
	}
}

/* ---- looking up ---- */

/* A forked child has one thread. If another one was in the middle of something, what is open is left as it is, and forgotten. */
static void in_forked_child(void)
{
	pthread_mutex_init(&all.lock, NULL);
	if (all.changing)
		memset(all.places, 0, sizeof(all.places));
	all.changing = false;
}

static void lock_once(void)
{
	(void)pthread_atfork(NULL, NULL, in_forked_child);
}

static void lock(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, lock_once);
	pthread_mutex_lock(&all.lock);
	all.changing = true;
}

static void unlock(void)
{
	all.changing = false;
	pthread_mutex_unlock(&all.lock);
}

static const char *copy(const char *text, struct arena *strings)
{
	return text ? arena_string(strings, text, strlen(text)) : NULL;
}

size_t open_modules_lookup(const struct module_wanted *w, uint64_t address, struct resolved_frame *out, size_t max, struct arena *strings)
{
	struct open_module *m;
	size_t n = 0;

	lock();
	m = find_or_open(w);
	if (m) {
		m->used = ++all.uses;
		n = m->lost ? 0 : resolver_lookup(m->module, address, out, max);
		for (size_t i = 0; i < n; i++) {
			out[i].function = copy(out[i].function, strings);
			out[i].file = copy(out[i].file, strings);
		}
		bound_memory(m);
	}
	unlock();
	return n;
}
