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

static uint32_t look_up(struct intern *in, const struct modules *m, uint64_t pc)
{
	const struct module_range *const r = modules_find(m, pc);

	return r ? writer_frame(in->writer, r->module, pc - r->bias) :
		   writer_frame(in->writer, 0, pc);
}

static uint32_t frame_of(struct intern *in, const struct modules *m, uint64_t pc)
{
	struct intern_entry *const e = &in->cache[pc * 0x9e3779b97f4a7c15ull >> 50];

	if (e->pc != pc || e->generation != m->generation)
		*e = (struct intern_entry){ pc, m->generation, look_up(in, m, pc) };
	return e->frame;
}

_Static_assert(INTERN_CACHE == 1u << (64 - 50), "hash bits");

static int push(struct intern *in, const struct modules *m, struct stream *s, const uint64_t *pcs,
		uint32_t count)
{
	if (s->depth + count > s->node_room && !stream_grow_stack(s, count))
		return TRK_ERR_CORRUPT;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t frame = frame_of(in, m, pcs[i]);
		const uint32_t node = writer_node(in->writer, stream_node(s), frame);

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
