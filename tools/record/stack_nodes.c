/* stack_nodes - see stack_nodes.h. */
#include "stack_nodes.h"

#include "format/large.h"

#include <stdlib.h>

static void free_places(struct stack_nodes *in)
{
	large_free(in->nodes, in->nodes ? sizeof(*in->nodes) << in->node_bits : 0);
}

/* Makes room for so many nodes, all empty. False: there is no memory, and the old places stay. */
static bool set_places(struct stack_nodes *in, uint32_t bits)
{
	struct known_node *const nodes = large_zeroes(sizeof(*in->nodes) << bits);

	in->nodes_wanted = bits < STACK_NODES_BITS_MAX ? 1u << (bits - 1) : UINT32_MAX;
	if (!nodes)
		return false;
	free_places(in);
	in->nodes = nodes;
	in->node_bits = bits;
	return true;
}

int stack_nodes_init(struct stack_nodes *in, struct writer *w)
{
	in->writer = w;
	in->frames = calloc(1u << STACK_NODES_FRAME_BITS, sizeof(*in->frames));
	return in->frames && set_places(in, STACK_NODES_BITS_MIN) ? 0 : TRK_ERR_NOMEM;
}

void stack_nodes_finish(struct stack_nodes *in)
{
	free(in->frames);
	free_places(in);
	cuts_finish(&in->cuts);
	runs_finish(&in->runs);
	*in = (struct stack_nodes){ 0 };
}

#define HASH_FACTOR 0x9e3779b97f4a7c15ull

static uint32_t look_up(struct stack_nodes *in, const struct modules *m, struct stream *s, uint64_t pc)
{
	const struct module_range *const r = modules_find(m, pc);

	if (r)
		return writer_frame(in->writer, r->module, pc - r->bias);
	return in->elsewhere ? in->elsewhere(in->data, s, pc) : writer_frame(in->writer, 0, pc);
}

static inline struct known_frame *frame_place(const struct stack_nodes *in, uint64_t pc)
{
	return &in->frames[pc * HASH_FACTOR >> (64 - STACK_NODES_FRAME_BITS)];
}

static uint32_t frame_of(struct stack_nodes *in, const struct modules *m, struct stream *s, uint64_t pc)
{
	struct known_frame *const e = frame_place(in, pc);

	if (e->pc != pc || e->generation != m->generation)
		*e = (struct known_frame){ pc, m->generation, look_up(in, m, s, pc) };
	return e->frame;
}

static inline struct known_node *place_of(const struct stack_nodes *in, uint64_t path)
{
	return &in->nodes[path >> (64 - in->node_bits)];
}

static uint32_t look_up_node(struct stack_nodes *in, uint64_t path, uint32_t parent, uint32_t frame)
{
	const uint32_t node = writer_node(in->writer, parent, frame);

	if (node >= in->nodes_wanted)
		set_places(in, in->node_bits + 2);
	/* where there are too few places, those are for nodes that take longer to find: others stand beside their parents */
	if (in->node_bits < STACK_NODES_BITS_MAX || node != parent + 1)
		*place_of(in, path) = (struct known_node){ parent, frame, node };
	return node;
}

static inline uint32_t node_of(struct stack_nodes *in, uint64_t path, uint32_t parent, uint32_t frame)
{
	const struct known_node *const e = place_of(in, path);

	return e->parent == parent && e->frame == frame && e->node ? e->node : look_up_node(in, path, parent, frame);
}

/* Cut stacks begin alike, however deep they are. */
static inline uint64_t pc_of(const struct wire_frames *f, const struct wire_bases *bases, uint32_t i)
{
	const uint64_t pc = wire_frame(f, bases, i);

	return pc >= WIRE_CUT ? 0 : pc;
}

void stack_nodes_expect(const struct stack_nodes *in, const struct wire_frames *f, const struct wire_bases *bases, uint64_t path, uint64_t *ret_paths)
{
	for (uint32_t i = 0; i < f->count; i++) {
		const uint64_t pc = pc_of(f, bases, i);

		ret_paths[i] = path = (path + pc) * HASH_FACTOR;
		__builtin_prefetch(frame_place(in, pc));
		__builtin_prefetch(place_of(in, path));
	}
}

/*
 * The places of nodes depend on the pcs alone. So all of them are fetched first, and then each is checked: does the
 * child of the node before stand there? Until then a level has its frame in the node's place.
 */
static void find_nodes(struct stack_nodes *in, const struct modules *m, struct stream *s, const struct wire_frames *f)
{
	struct stream_level *const at = s->levels + s->depth;
	uint64_t path = s->depth ? at[-1].path : 0;
	uint32_t node = s->depth ? at[-1].node : 0;

	for (uint32_t i = 0; i < f->count; i++) {
		const uint64_t pc = pc_of(f, &s->state.bases, i);

		path = (path + pc) * HASH_FACTOR;
		__builtin_prefetch(place_of(in, path));
		at[i] = (struct stream_level){ .path = path, .node = frame_of(in, m, s, pc) };
	}
	for (uint32_t i = 0; i < f->count; i++)
		at[i].node = node = node_of(in, at[i].path, node, at[i].node);
}

static int push(struct stack_nodes *in, const struct modules *m, struct stream *s, const struct wire_frames *f)
{
	if (!f->count)
		return 0;
	if (s->depth + f->count > s->level_room) {
		const int err = stream_grow_stack(s, f->count);

		if (err)
			return err;
	}
	if (!s->depth) {
		const uint64_t pc = wire_frame(f, &s->state.bases, 0);

		s->marked = wire_is_cut(pc);
		s->older = pc ? (uint32_t)(pc - WIRE_CUT) : 0;
	}
	find_nodes(in, m, s, f);
	s->depth += f->count;
	return 0;
}

/* Looks up the frames of the head: all at once if the same frames were pushed there before. */
static inline int push_head(struct stack_nodes *in, const struct modules *m, struct stream *s, uint64_t codes)
{
	const uint32_t generation = m->generation;
	struct runs_look look;

	if (runs_take(&in->runs, s, generation, codes, &look))
		return 0;

	const int err = push(in, m, s, &s->head.pushes);

	if (look.place && !err && s->levels[s->depth - 1].node && m->generation == generation)
		runs_keep(&in->runs, &look, s, generation);
	return err;
}

/* A number larger than the stack means all of it. A thread that dropped something begins anew like this. */
static inline void pop(struct stream *s, uint32_t count)
{
	s->depth -= count < s->depth ? count : s->depth;
	if (s->hashed > s->depth)
		s->hashed = s->depth;
}

/* The frames-only records come first; the head's pops may undo some of them. */
static int apply_deferred(struct stack_nodes *in, const struct modules *m, struct stream *s,
			  uint32_t *pops)
{
	const uint32_t own = *pops < s->deferred_count ? *pops : s->deferred_count;
	const uint32_t count = s->deferred_count - own;

	pop(s, s->deferred_pops);
	*pops -= own;
	s->deferred_count = s->deferred_pops = 0;
	return push(in, m, s, &(struct wire_frames){ .bytes = s->deferred, .count = count, .wide = true });
}

/* A child of the node of the kept frames, which says how deep the stack was. */
static int tell_depth(struct stack_nodes *in, struct stream *s, uint64_t depth)
{
	const uint32_t frame = writer_frame(in->writer, 0, TRK_FRAME_DEPTH + depth);
	const uint32_t node = writer_node(in->writer, s->node, frame);

	if (!in->sums)
		s->node = node;
	return node ? 0 : TRK_ERR_NOMEM;
}

/* Sets s->node for the stack that s->levels hold now. */
static inline int keep(struct stack_nodes *in, struct stream *s)
{
	const bool marked = s->depth && s->marked;
	const uint32_t frames = s->depth - marked;
	const bool is_view = in->keep && (frames > in->keep || (frames == in->keep && marked));
	int err = 0;

	s->node = s->depth ? s->levels[s->depth - 1].node : 0;
	if (is_view)
		err = cuts_get(&in->cuts, in->writer, s, in->keep);
	if (err || (!is_view && !marked) || (marked && !s->older))
		return err;
	return tell_depth(in, s, (uint64_t)frames + (marked ? s->older : 0));
}

int stack_nodes_change(struct stack_nodes *in, const struct modules *m, struct stream *s, uint32_t pops, uint64_t codes)
{
	pop(s, pops);

	const int err = push_head(in, m, s, codes);

	s->shows_known = false;
	return err ? err : keep(in, s);
}

int stack_nodes_apply(struct stack_nodes *in, const struct modules *m, struct stream *s)
{
	uint32_t pops = s->head.has_stack ? s->head.pops : 0;

	if (s->deferred_count || s->deferred_pops) {
		const int err = apply_deferred(in, m, s, &pops);

		if (err)
			return err;
	}
	if (s->head.known) {
		s->shows_known = true;
		return stream_known(s, s->head.known - 1, &s->node) ? 0 : TRK_ERR_CORRUPT;
	}
	if (s->head.has_stack)
		return stack_nodes_change(in, m, s, pops, 0);
	return s->shows_known ? 0 : keep(in, s);
}

/* The number that makes 1 when HASH_FACTOR is multiplied by it: each step makes twice as many of its low bits right. */
static uint64_t inverse_factor(void)
{
	uint64_t inverse = HASH_FACTOR;

	for (int i = 0; i < 5; i++)
		inverse *= 2 - HASH_FACTOR * inverse;
	return inverse;
}

/* The path of a level is the path of the level before it and its pc, multiplied: so it determines the pc. */
void stack_nodes_look_up_again(struct stack_nodes *in, const struct modules *m, struct stream *s)
{
	const uint64_t inverse = inverse_factor();
	uint64_t before = 0;
	uint32_t node = 0;

	s->hashed = 0;
	for (uint32_t i = 0; i < s->depth; i++) {
		struct stream_level *const at = &s->levels[i];

		node = node_of(in, at->path, node, frame_of(in, m, s, at->path * inverse - before));
		at->node = node;
		before = at->path;
	}
}
