/*
 * page_columns - nodes, weights, names and history as the columns that
 * reporters/page/data.js reads. Frames and texts that no kept node uses stay
 * out, so that the size of a page depends on its own nodes alone.
 */
#include <stdlib.h>
#include <string.h>

#include "flame/page.h"

/* New numbers in order of first use; FLAME_NONE: not used. */
struct numbering {
	uint32_t *of, *list;
	size_t count;
};

static int numbering_init(struct numbering *n, size_t size)
{
	*n = (struct numbering){ .of = malloc((size + 1) * sizeof(*n->of)),
				 .list = malloc((size + 1) * sizeof(*n->list)) };
	if (!n->of || !n->list)
		return TRK_ERR_NOMEM;
	memset(n->of, 0xff, (size + 1) * sizeof(*n->of));
	return 0;
}

static void numbering_finish(struct numbering *n)
{
	free(n->of);
	free(n->list);
}

static uint32_t number_of(struct numbering *n, uint32_t old)
{
	if (n->of[old] == FLAME_NONE) {
		n->list[n->count] = old;
		n->of[old] = (uint32_t)n->count++;
	}
	return n->of[old];
}

static void add_nodes(struct columns *c, const struct flame_flat *flat, struct numbering *frames)
{
	columns_begin(c, "parent", COLUMN_U32);
	for (size_t i = 0; i < flat->node_count; i++)
		columns_u32(c, flat->parent[i]);
	columns_begin(c, "frame", COLUMN_U32);
	for (size_t i = 0; i < flat->node_count; i++)
		columns_u32(c, number_of(frames, flat->frame[i]));
}

static void add_rows(struct columns *c, const struct flame_flat *flat)
{
	columns_begin(c, "row_node", COLUMN_U32);
	for (size_t i = 0; i < flat->row_count; i++)
		columns_u32(c, flat->rows[i].node);
	columns_begin(c, "row_group", COLUMN_U32);
	for (size_t i = 0; i < flat->row_count; i++)
		columns_u32(c, flat->rows[i].group);
	columns_begin(c, "row_view", COLUMN_U8);
	for (size_t i = 0; i < flat->row_count; i++)
		columns_u8(c, &(uint8_t){ (uint8_t)flat->rows[i].view }, 1);
	columns_begin(c, "row_bytes", COLUMN_F64);
	for (size_t i = 0; i < flat->row_count; i++)
		columns_f64(c, (double)flat->rows[i].bytes);
	columns_begin(c, "row_count", COLUMN_F64);
	for (size_t i = 0; i < flat->row_count; i++)
		columns_f64(c, (double)flat->rows[i].count);
}

static void add_frames(struct columns *c, const struct flame_names *n,
		       const struct numbering *frames, struct numbering *texts)
{
	static const struct {
		const char *name;
		size_t offset;
		bool is_text;
	} fields[] = {
		{ "frame_name", offsetof(struct flame_frame, name), true },
		{ "frame_full", offsetof(struct flame_frame, full), true },
		{ "frame_file", offsetof(struct flame_frame, file), true },
		{ "frame_module", offsetof(struct flame_frame, module), true },
		{ "frame_line", offsetof(struct flame_frame, line), false },
		{ "frame_flags", offsetof(struct flame_frame, flags), false },
	};

	for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++) {
		columns_begin(c, fields[k].name, COLUMN_U32);
		for (size_t i = 0; i < frames->count; i++) {
			const struct flame_frame *const f = &n->frames[frames->list[i]];
			uint32_t value;
			memcpy(&value, (const char *)f + fields[k].offset, sizeof(value));
			columns_u32(c, fields[k].is_text ? number_of(texts, value) : value);
		}
	}
}

/* Each text with the NUL that ends it. */
static void add_texts(struct columns *c, const struct flame_names *n, const struct numbering *texts)
{
	columns_begin(c, "string_length", COLUMN_U32);
	for (size_t i = 0; i < texts->count; i++)
		columns_u32(c, n->texts[texts->list[i]].bytes + 1);
	columns_begin(c, "string_bytes", COLUMN_U8);
	for (size_t i = 0; i < texts->count; i++)
		columns_u8(c, flame_text(n, texts->list[i]), n->texts[texts->list[i]].bytes + 1);
}

static void add_history(struct columns *c, const struct history *h)
{
	columns_begin(c, "plot_heap", COLUMN_F64);
	for (uint32_t i = 0; i < h->bins; i++)
		columns_f64(c, (double)h->heap[i]);
	columns_begin(c, "plot_rss", COLUMN_F64);
	for (uint32_t i = 0; h->has_rss && i < h->bins; i++)
		columns_f64(c, (double)h->rss[i]);
}

int page_columns(const struct page *p, const struct flame_flat *flat, struct columns *c)
{
	const struct flame_names *const n = &p->tree->names;
	struct numbering frames, texts;
	int err = numbering_init(&frames, n->frame_count);

	err |= numbering_init(&texts, n->text_count);
	if (!err) {
		add_nodes(c, flat, &frames);
		add_rows(c, flat);
		add_frames(c, n, &frames, &texts);
		add_texts(c, n, &texts);
		add_history(c, p->history);
	}
	numbering_finish(&frames);
	numbering_finish(&texts);
	return err ? TRK_ERR_NOMEM : 0;
}
