/* no_alloc - see no_alloc.h. */
#include "check/no_alloc.h"

#include <fnmatch.h>
#include <stdlib.h>

#include "format/array.h"
#include "symbols/resolver.h"

#define DISPLAY_MAX 4096

/* ---- stacks ---- */

size_t no_alloc_place(const struct no_alloc_function *f, const struct source_frame *frames, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fnmatch(f->pattern, frames[i].function, 0) == 0 || fnmatch(f->pattern, frames[i].full_function, 0) == 0)
			return i;
	return n;
}

static int by_node(const void *left, const void *right)
{
	const struct no_alloc_stack *const a = left, *const b = right;

	return (a->node > b->node) - (a->node < b->node);
}

static int by_bytes(const void *left, const void *right)
{
	const struct no_alloc_stack *const a = left, *const b = right;

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return by_node(left, right);
}

/* A row for each kind and domain becomes one for each stack. */
static void merge(struct no_alloc_function *f, size_t most)
{
	size_t n = 0;

	if (!f->stack_count)
		return;
	qsort(f->stacks, f->stack_count, sizeof(*f->stacks), by_node);
	for (size_t i = 1; i < f->stack_count; i++) {
		if (f->stacks[i].node == f->stacks[n].node) {
			f->stacks[n].bytes += f->stacks[i].bytes;
			f->stacks[n].count += f->stacks[i].count;
		} else {
			f->stacks[++n] = f->stacks[i];
		}
	}
	f->stack_count = n + 1;
	qsort(f->stacks, f->stack_count, sizeof(*f->stacks), by_bytes);
	if (f->stack_count > most)
		f->stack_count = most;
}

static int add_rows(struct no_alloc_function *f, struct report *r, uint64_t *cut_count)
{
	uint64_t cut = 0;
	size_t room = 0;

	for (size_t i = 0; i < r->view.row_count; i++) {
		const struct view_row *const row = &r->view.rows[i];
		size_t n;
		const struct source_frame *const frames = stacks_frames(r->stacks, row->node, &n);

		if (no_alloc_place(f, frames, n) == n) {
			cut += frames[n - 1].cut ? row->count : 0;
			continue;
		}
		if (!ARRAY_ROOM(f->stacks, room, f->stack_count + 1, 16))
			return TRK_ERR_NOMEM;
		f->stacks[f->stack_count++] = (struct no_alloc_stack){ row->node, row->bytes, row->count };
		f->bytes += row->bytes;
		f->count += row->count;
	}
	*cut_count = cut > *cut_count ? cut : *cut_count;
	return 0;
}

/* ---- names ---- */

static bool is_named(void *pattern, const char *linkage)
{
	char *const full = symbols_demangle(linkage);
	char display[DISPLAY_MAX];
	bool ret;

	symbols_shorten(full ? full : linkage, display, sizeof(display));
	ret = fnmatch(pattern, display, 0) == 0 || fnmatch(pattern, full ? full : linkage, 0) == 0;
	free(full);
	return ret;
}

/* A function that never allocated is in no stack. */
static int look_in_files(struct no_alloc_function *f, const struct capture *c)
{
	struct resolver *resolver;

	if (resolver_new(&resolver) != 0)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 1; i < c->module_count && !f->known; i++) {
		const struct trk_module *const m = &c->modules[i];
		struct resolver_module *const file = resolver_module(resolver, m->path, m->build_id, m->build_id_bytes);

		f->known = file && resolver_module_any_name(file, is_named, (void *)f->pattern);
	}
	resolver_free(resolver);
	return 0;
}

int no_alloc_find(struct no_alloc *u, struct report *r, const struct ui_list *patterns, size_t stacks)
{
	int err = 0;

	u->items = calloc(patterns->count + 1, sizeof(*u->items));
	if (!u->items)
		return TRK_ERR_NOMEM;
	u->count = patterns->count;
	for (size_t i = 0; i < u->count && !err; i++) {
		struct no_alloc_function *const f = &u->items[i];

		f->pattern = patterns->items[i];
		err = add_rows(f, r, &u->cut_count);
		f->known = f->count > 0;
		merge(f, stacks);
		if (!err && !f->known)
			err = look_in_files(f, r->capture);
	}
	return err;
}

void no_alloc_finish(struct no_alloc *u)
{
	for (size_t i = 0; i < u->count; i++)
		free(u->items[i].stacks);
	free(u->items);
}
