/* module_table - see module_table.h. */
#include "module_table.h"

#include "format/array.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deliver.h"
#include "module_files.h"

#define FILES_MAX 4096u /* so many files are kept open at most; names in further modules are looked up by path */
#define DELETED " (deleted)"

static bool reserve(struct recorder *r, uint32_t id)
{
	return ARRAY_ROOM(r->modules, r->module_room, (size_t)id + 1, 16);
}

/* Keeps what is needed to look up names. Without memory, the names of this and of later modules are left to reports. */
static void remember(struct recorder *r, uint32_t id, const struct trk_module *m)
{
	if (id < r->module_count || !id || id > r->module_count + 1)
		return;
	char *const path = strdup(m->path);
	uint8_t *const build_id = malloc(m->build_id_bytes + 1);

	if (!path || !build_id || !reserve(r, id)) {
		r->out_of_memory = true;
		free(path);
		free(build_id);
		return;
	}
	if (!r->module_count)
		r->modules[r->module_count++] = (struct embed_module){ .fd = -1 };
	if (m->build_id_bytes)
		memcpy(build_id, m->build_id, m->build_id_bytes);
	r->modules[r->module_count++] = (struct embed_module){
		.record = { .path = path, .build_id = build_id, .build_id_bytes = m->build_id_bytes, .flags = m->flags }, .fd = -1
	};
}

/* The descriptor becomes the module's, if the module has none. */
static void keep(struct recorder *r, uint32_t id, int fd)
{
	if (fd >= 0 && id && id < r->module_count && r->modules[id].fd < 0) {
		r->modules[id].fd = fd;
		r->told.files++;
	} else if (fd >= 0) {
		close(fd);
	}
}

static bool has_file(const struct recorder *r, uint32_t id)
{
	return id && id < r->module_count && r->modules[id].fd >= 0;
}

/* Where the number of the module stands that was last told with this path and build-id; NULL: there is no memory. */
static uint32_t *find_told(struct recorder *r, const char *path, const struct wire_record *told)
{
	uint8_t key[PATH_MAX + 256];
	const size_t path_bytes = strlen(path) + 1, id_bytes = told->build_id ? told->build_id_bytes : 0;
	bool new;

	if (path_bytes + id_bytes > sizeof(key))
		return NULL;
	memcpy(key, path, path_bytes);
	if (id_bytes)
		memcpy(key + path_bytes, told->build_id, id_bytes);
	const uint32_t number = pool_find(&r->told.names, key, (uint32_t)(path_bytes + id_bytes), &new);

	/* a name may be in the pool since there was no memory for its place here */
	if (!ARRAY_ZEROES(r->told.modules, r->told.module_room, (size_t)number + 1, 16))
		return NULL;
	return number ? &r->told.modules[number] : NULL;
}

static void copy_path(const struct wire_record *told, char path[PATH_MAX])
{
	size_t size = told->text ? told->text_bytes : 0;

	if (size >= PATH_MAX)
		size = PATH_MAX - 1;
	if (size)
		memcpy(path, told->text, size);
	path[size] = 0;
	/* the kernel marks the file of a program so if it was deleted before the program began */
	if (size > strlen(DELETED) && !strcmp(path + size - strlen(DELETED), DELETED))
		path[size - strlen(DELETED)] = 0;
}

/* The number in the capture of the module that `p` tells of; 0: there was no memory. */
static uint32_t find(struct recorder *r, const struct process *p, const struct wire_record *told)
{
	struct module_file file = { .fd = -1 };
	char path[PATH_MAX];

	copy_path(told, path);
	uint32_t *const known = find_told(r, path, told);

	/* a module without a build-id may be another file of the same path each time */
	if (known && told->build_id_bytes && has_file(r, *known))
		return *known;
	if (told->module_flags & TRK_MODULE_VDSO)
		file.fd = vdso_file_open();
	else if (r->told.files < FILES_MAX)
		module_file_open(p->pid, &(struct module_told){ told->start, path, told->build_id, told->build_id ? told->build_id_bytes : 0 },
				 &file);
	const struct trk_module m = {
		.path = file.path[0] ? file.path : path,
		.build_id = told->build_id,
		.build_id_bytes = told->build_id ? told->build_id_bytes : 0,
		.identity = told->build_id_bytes ? 0 : file.identity,
		.flags = told->module_flags & (TRK_MODULE_MAIN | TRK_MODULE_VDSO),
	};
	const uint32_t id = writer_module(r->writer, &m);

	remember(r, id, &m);
	keep(r, id, file.fd);
	if (known)
		*known = id;
	return id;
}

uint32_t module_table_code(struct recorder *r, struct made_code *code)
{
	/* the identity tells it from those of other programs */
	const struct trk_module m = { .path = "[jit]", .identity = ++r->told.codes, .flags = TRK_MODULE_MADE };
	const uint32_t id = writer_module(r->writer, &m);

	remember(r, id, &m);
	if (!id || id >= r->module_count || r->modules[id].code || !(r->modules[id].record.flags & TRK_MODULE_MADE)) {
		made_code_free(code);
		return 0;
	}
	r->modules[id].code = code;
	return id;
}

uint32_t module_table_python(struct recorder *r, uint32_t minor)
{
	char path[32];
	const struct trk_module m = { .path = path, .flags = TRK_MODULE_MADE | TRK_MODULE_PYTHON };

	snprintf(path, sizeof(path), "Python 3.%u", minor);

	const uint32_t id = writer_module(r->writer, &m);

	remember(r, id, &m);
	return id;
}

static bool has_flags(const struct recorder *r, uint32_t id, uint32_t flags)
{
	return id < r->module_count && (r->modules[id].record.flags & (TRK_MODULE_MADE | TRK_MODULE_PYTHON)) == flags;
}

bool module_table_is_code(const struct recorder *r, uint32_t id)
{
	return has_flags(r, id, TRK_MODULE_MADE);
}

bool module_table_is_python(const struct recorder *r, uint32_t id)
{
	return has_flags(r, id, TRK_MODULE_MADE | TRK_MODULE_PYTHON);
}

void module_table_finish(struct recorder *r)
{
	for (uint32_t i = 0; i < r->module_count; i++) {
		free((char *)r->modules[i].record.path);
		free((uint8_t *)r->modules[i].record.build_id);
		made_code_free(r->modules[i].code);
		if (r->modules[i].fd >= 0)
			close(r->modules[i].fd);
	}
	free(r->modules);
	free(r->told.modules);
	pool_finish(&r->told.names);
}

void module_table_add(struct recorder *r, struct process *p, struct stream *s)
{
	const struct wire_record *const h = &s->head;
	struct deliver_context context = { r, p, p->last_time_ns };
	const struct module_range range = {
		.start = h->start,
		.end = h->end,
		.bias = h->bias,
		.load_time_ns = p->last_time_ns,
		.module = find(r, p, h),
	};

	switch (modules_add(&p->modules, &range, deliver_mapping_gone, &context)) {
	case TRK_ERR_CORRUPT:
		r->counters.corrupt++;
		break;
	case TRK_ERR_NOMEM: /* its frames are in no module */
		r->out_of_memory = true;
		break;
	}
	if (p->slot != NO_SLOT)
		atomic_fetch_add_explicit(&r->shm->processes[p->slot].modules_seen, 1, memory_order_release);
}
