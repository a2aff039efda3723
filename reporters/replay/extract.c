/* extract - see extract.h. */
#include "replay/extract.h"

#include <stdlib.h>

#include "format/array.h"

int extract_init(struct extract *x, const struct capture *from, struct writer *to)
{
	*x = (struct extract){ .from = from, .to = to };
	x->nodes = calloc((size_t)from->node_count + 1, sizeof(*x->nodes));
	x->frames = calloc((size_t)from->frame_count + 1, sizeof(*x->frames));
	x->modules = calloc((size_t)from->module_count + 1, sizeof(*x->modules));
	return x->nodes && x->frames && x->modules ? 0 : TRK_ERR_NOMEM;
}

void extract_finish(struct extract *x)
{
	free(x->nodes);
	free(x->frames);
	free(x->modules);
	free(x->path);
	*x = (struct extract){ 0 };
}

uint32_t extract_module(struct extract *x, uint32_t old)
{
	struct trk_module m = x->from->modules[old];

	m.identity = old; /* two modules of the capture stay two */
	if (old && !x->modules[old])
		x->modules[old] = writer_module(x->to, &m);
	return x->modules[old];
}

static uint32_t frame_of(struct extract *x, uint32_t old)
{
	const struct cap_frame *const f = &x->from->frames[old];

	if (old && !x->frames[old])
		x->frames[old] = writer_frame(x->to, extract_module(x, f->module), f->offset);
	return x->frames[old];
}

uint32_t extract_node(struct extract *x, uint32_t old)
{
	const struct cap_node *const nodes = x->from->nodes;
	size_t n = 0;

	for (uint32_t at = old; at && !x->nodes[at]; at = nodes[at].parent) {
		if (!ARRAY_ROOM(x->path, x->path_room, n + 1, 1024))
			return UINT32_MAX;
		x->path[n++] = at;
	}
	while (n--) {
		const uint32_t node = x->path[n];

		x->nodes[node] = writer_node(x->to, x->nodes[nodes[node].parent], frame_of(x, nodes[node].frame));
	}
	return x->nodes[old];
}

void extract_symbols(struct extract *x)
{
	const struct capture *const c = x->from;
	struct trk_symbol_text s[UINT8_MAX];

	for (uint32_t i = 1; i < c->frame_count; i++) {
		const struct cap_frame *const f = &c->frames[i];
		uint32_t n = 0;

		if (!x->frames[i] || f->symbol_count == UINT32_MAX)
			continue;
		for (; n < f->symbol_count && n < UINT8_MAX; n++) {
			const struct trk_symbol *const from = &c->symbols[f->first_symbol + n];

			s[n] = (struct trk_symbol_text){ c->strings[from->function], c->strings[from->file], from->line, from->inlined };
		}
		writer_symbols(x->to, x->frames[i], s, n);
	}
}

void extract_damage(const struct capture *c, struct writer *w)
{
	if (c->damaged_blocks)
		writer_health(w, "source_damaged_blocks", c->damaged_blocks);
	if (!c->cut)
		return;
	writer_health(w, "source_cut", 1);
	writer_health(w, "source_cut_ns", c->last_time_ns);
}
