/* intern - see intern.h. */
#include "intern.h"

#include <stdlib.h>

int intern_init(struct intern *in, struct writer *w)
{
	in->writer = w;
	in->cache = calloc(INTERN_CACHE, sizeof(*in->cache));
	return in->cache ? 0 : TRK_ERR_NOMEM;
}

void intern_finish(struct intern *in)
{
	free(in->cache);
	in->cache = NULL;
}

static uint32_t look_up(struct intern *in, const struct modules *m, uint32_t parent, uint64_t pc)
{
	const struct module_range *const r = modules_find(m, pc);
	const uint32_t frame = r ? writer_frame(in->writer, r->module, pc - r->bias) :
				   writer_frame(in->writer, 0, pc);

	return writer_node(in->writer, parent, frame);
}

static uint32_t node_of(struct intern *in, const struct modules *m, uint32_t parent, uint64_t pc)
{
	const uint64_t hash = (pc ^ (uint64_t)parent << 40 ^ parent) * 0x9e3779b97f4a7c15ull;
	struct intern_entry *const e = &in->cache[hash >> 49];

	if (e->generation != m->generation || e->pc != pc || e->parent != parent || !e->node)
		*e = (struct intern_entry){ .generation = m->generation, .pc = pc,
					    .parent = parent,
					    .node = look_up(in, m, parent, pc) };
	return e->node;
}

_Static_assert(INTERN_CACHE == 1u << (64 - 49), "hash bits");

static int push(struct intern *in, const struct modules *m, struct stream *s, const uint64_t *pcs,
		uint32_t count)
{
	if (s->depth + count > s->node_room && !stream_grow_stack(s, count))
		return TRK_ERR_CORRUPT;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t node = node_of(in, m, stream_node(s), pcs[i]);

		s->nodes[s->depth++] = node;
	}
	return 0;
}

/* More than there is: all of it. A thread that dropped something begins anew so. */
static void pop(struct stream *s, uint32_t count)
{
	s->depth -= count < s->depth ? count : s->depth;
}

/* The frames-only records first; the head's pops may undo some of them. */
static int apply_deferred(struct intern *in, const struct modules *m, struct stream *s,
			  uint32_t *pops)
{
	const uint32_t own = *pops < s->deferred_count ? *pops : s->deferred_count;
	const uint32_t count = s->deferred_count - own;

	pop(s, s->deferred_pops);
	*pops -= own;
	s->deferred_count = s->deferred_pops = 0;
	return push(in, m, s, s->deferred, count);
}

int intern_stack(struct intern *in, const struct modules *m, struct stream *s)
{
	uint32_t pops = s->head.has_stack ? s->head.pops : 0;

	if (s->deferred_count || s->deferred_pops) {
		const int err = apply_deferred(in, m, s, &pops);

		if (err)
			return err;
	}
	if (!s->head.has_stack)
		return 0;
	pop(s, pops);
	return push(in, m, s, s->head.pushes, s->head.push_count);
}
