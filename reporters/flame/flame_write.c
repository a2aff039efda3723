/* flame_write - see flame_write.h. Walks the tree with a stack of its own: it may be thousands of nodes deep. */
#include "flame/flame_write.h"

#include "format/array.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *text_or_null(const struct flame_names *n, uint32_t text)
{
	return text ? flame_text(n, text) : NULL;
}

static void json_thread(const struct flame_tree *t, const struct capture *c, struct ui_json *j,
			uint32_t group)
{
	const uint32_t thread = t->groups[group].thread;
	char label[160];

	ui_json_string(j, "thread", flame_thread_label(c, thread, label, sizeof(label)));
	ui_json_uint(j, "tid", thread < c->thread_count ? c->threads[thread].tid : 0);
}

static void json_open_node(const struct flame_tree *t, const struct capture *c, struct ui_json *j,
			   const char *key, uint32_t node)
{
	const struct flame_node *const n = &t->nodes[node];
	const struct flame_frame *const f = &t->names.frames[n->frame];

	ui_json_object(j, key);
	ui_json_string(j, "name", flame_text(&t->names, f->name));
	ui_json_string(j, "function", node ? text_or_null(&t->names, f->full) : NULL);
	ui_json_string(j, "file", text_or_null(&t->names, f->file));
	ui_json_uint(j, "line", f->line);
	ui_json_string(j, "module", text_or_null(&t->names, f->module));
	if (node && t->by_group)
		json_thread(t, c, j, n->group);
	ui_json_uint(j, "value", n->bytes);
	ui_json_uint(j, "count", n->count);
	ui_json_uint(j, "own", n->own_bytes);
	ui_json_uint(j, "own_count", n->own_count);
	ui_json_array(j, "children");
}

static void json_close_node(struct ui_json *j)
{
	ui_json_end(j);
	ui_json_end(j);
}

/* Up from `node` until one has a sibling after it; closes what is left behind. Returns it, or 0. */
static uint32_t next_sibling(const struct flame_tree *t, struct ui_json *j, uint32_t node,
			     const uint32_t *place)
{
	while (node) {
		json_close_node(j);
		const uint32_t parent = t->tree.nodes[node].parent;
		if (place[node] + 1 < t->tree.child_start[parent + 1])
			return t->tree.children[place[node] + 1];
		node = parent;
	}
	return 0;
}

void flame_write_json(const struct flame_tree *t, const struct capture *c, struct ui_json *j,
		      const char *key)
{
	uint32_t *const place = calloc(t->tree.count, sizeof(*place)); /* in t->tree.children */

	if (!place) {
		ui_json_null(j, key);
		return;
	}
	for (uint32_t i = 0; i + 1 < t->tree.count; i++)
		place[t->tree.children[i]] = i;
	json_open_node(t, c, j, key, 0);
	uint32_t node = t->tree.count > 1 ? t->tree.children[0] : 0;
	while (node) {
		json_open_node(t, c, j, NULL, node);
		const uint32_t first = t->tree.child_start[node];
		node = first < t->tree.child_start[node + 1] ? t->tree.children[first] : next_sibling(t, j, node, place);
	}
	json_close_node(j);
	free(place);
}

void flame_write_folded_name(FILE *f, const char *name)
{
	char room[1024];
	size_t n = 0;

	for (; name[n] && n + 1 < sizeof(room); n++)
		room[n] = name[n] == ';' ? ':' : name[n] == '\n' || name[n] == '\r' ? ' ' :
										      name[n];
	room[n] = '\0';
	ui_text(f, n ? room : "<unknown>");
}

static void write_folded_stack(const struct flame_tree *t, const struct capture *c,
			       const uint32_t *path, size_t depth, FILE *f)
{
	char label[160];

	if (t->by_group && depth) {
		const uint32_t thread = t->groups[t->nodes[path[0]].group].thread;
		flame_write_folded_name(f, flame_thread_label(c, thread, label, sizeof(label)));
		fputc(';', f);
	}
	for (size_t i = depth; i > 0; i--) {
		const struct flame_frame *const frame =
			&t->names.frames[t->nodes[path[i - 1]].frame];
		flame_write_folded_name(f, flame_text(&t->names, frame->name));
		if (i > 1)
			fputc(';', f);
	}
	if (depth == 0)
		fputs("<root>", f);
}

int flame_write_folded(const struct flame_tree *t, const struct capture *c, bool by_count, FILE *f)
{
	uint32_t *path = NULL;
	size_t room = 0;

	for (uint32_t i = 0; i < t->tree.count; i++) {
		const uint64_t own = by_count ? t->nodes[i].own_count : t->nodes[i].own_bytes;
		size_t depth = 0;
		if (own == 0)
			continue;
		for (uint32_t n = i; n; n = t->tree.nodes[n].parent) {
			if (!ARRAY_ROOM(path, room, (size_t)depth + 1, 64)) {
				free(path);
				return TRK_ERR_NOMEM;
			}
			path[depth++] = n;
		}
		write_folded_stack(t, c, path, depth, f);
		fprintf(f, " %" PRIu64 "\n", own);
	}
	free(path);
	return 0;
}
