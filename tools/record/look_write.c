/* look_write - see look_write.h. */
#include "look_write.h"
#include "bounds.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 14u /* the most of a block, packed, in the file */
#define REFERENCE_BYTES 6u
#define NO_ROOT UINT32_MAX

struct writing {
	struct writer *w;
	const struct look_roots *roots;
	uint64_t *first; /* words of the places before each */
	uint32_t *ids; /* in the file, by place; the last one is the loader's */
	uint32_t count;
	const struct look_named *named;
	const struct look_references *references;
	uint32_t types[LOOK_TYPES], type_count; /* numbers in the file, by place; 0: not written yet */
};

/* The place in which the word of that number lies. */
static uint32_t place_of(const struct writing *x, uint64_t word)
{
	uint32_t low = 0, high = x->roots->count;

	while (high - low > 1) {
		const uint32_t middle = low + (high - low) / 2;

		if (x->first[middle] <= word)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static uint32_t id_of(struct writing *x, uint32_t place)
{
	struct trk_look_root root = { .kind = LOOK_ROOT_LOADER };

	if (x->ids[place] != NO_ROOT)
		return x->ids[place];
	if (place < x->roots->count) {
		const struct look_place *const p = &x->roots->list[place];

		root = (struct trk_look_root){ .start = p->start, .end = p->end, .kind = p->kind, .tid = p->tid, .name = p->name };
		root.name_bytes = p->name ? strlen(p->name) : 0;
	}
	writer_look_root(x->w, &root);
	return x->ids[place] = x->count++;
}

static uint32_t type_of(struct writing *x, uint32_t block, uint8_t *ret_held)
{
	const uint32_t place = look_named_place(x->named, block, ret_held);

	if (place == LOOK_TYPES)
		return 0;
	if (!x->types[place]) {
		const char *const name = x->named->names[place], *const bases = x->references->bases ? x->references->bases[place] : NULL;

		writer_look_type(x->w, &(struct trk_look_type){ name, bases, strlen(name), bases ? strlen(bases) : 0 });
		x->types[place] = ++x->type_count;
	}
	return x->types[place];
}

static void write_block(struct writing *x, uint32_t number, const struct look_block *b, uint8_t verdict)
{
	struct trk_look_block told = { .verdict = verdict };

	told.type = type_of(x, number, &told.held);
	if (b->parent < LOOK_ROOT) {
		told.from = LOOK_FROM_BLOCK;
		told.parent = b->parent;
	} else if (b->parent == LOOK_PARENT_LOADER) {
		told.from = LOOK_FROM_ROOT;
		told.parent = id_of(x, x->roots->count);
	} else if (b->parent != LOOK_PARENT_NONE && x->roots->count) {
		const uint32_t place = place_of(x, b->parent - LOOK_ROOT);

		told.from = LOOK_FROM_ROOT;
		told.parent = id_of(x, place);
		told.offset = b->parent - LOOK_ROOT - x->first[place];
	}
	writer_look_block(x->w, &told);
}

/* Where something may have been missed, nothing is lost for certain. */
static uint8_t verdict_of(const struct trk_look *head, const struct look_block *b)
{
	if (head->flags & (LOOK_MOVING | LOOK_HELD | LOOK_LEFT_OUT) && b->verdict >= LOOK_INDIRECTLY)
		return LOOK_POSSIBLY;
	return b->verdict;
}

static void count(struct look_result *ret, uint8_t verdict, uint64_t size)
{
	if (verdict == LOOK_DEFINITELY) {
		ret->lost_bytes += size;
		ret->lost_blocks++;
	} else if (verdict == LOOK_INDIRECTLY) {
		ret->indirect_bytes += size;
		ret->indirect_blocks++;
	}
}

static bool prepare(struct writing *x)
{
	uint64_t words = 0;

	x->first = malloc(((size_t)x->roots->count + 1) * sizeof(*x->first));
	x->ids = malloc(((size_t)x->roots->count + 1) * sizeof(*x->ids));
	if (!x->first || !x->ids)
		return false;
	for (uint32_t i = 0; i <= x->roots->count; i++) {
		x->ids[i] = NO_ROOT;
		x->first[i] = words;
		words += i < x->roots->count ? (x->roots->list[i].end - x->roots->list[i].start) / 8 : 0;
	}
	return true;
}

static void write_references(struct writing *x, const struct trk_look *head)
{
	const struct look_references *const r = x->references;
	const uint32_t *at = r->targets;

	for (uint32_t i = 0; at && head->graph && i < head->blocks; i++) {
		writer_look_references(x->w, i, at, r->counts[i]);
		at += r->counts[i];
	}
}

static bool fits(struct recorder *r, const struct trk_look *head, const struct look_references *references)
{
	const uint64_t bytes = 4096 + head->blocks * BLOCK_BYTES + references->target_count * REFERENCE_BYTES;

	return bytes <= UINT32_MAX && bounds_take(r, (uint32_t)bytes);
}

void look_write(struct recorder *r, struct trk_look *head, const struct look_table *t, const struct look_roots *roots,
		const struct look_named *named, const struct look_references *references, struct look_result *ret)
{
	struct writing x = { .w = r->writer, .roots = roots, .named = named, .references = references };
	const bool fine = prepare(&x);

	head->graph &= references->targets != NULL;
	if (references->cut)
		head->flags |= LOOK_REFERENCES_CUT;

	if (r->discard || r->waiting || r->aggregate)
		head->blocks = 0;
	else if (head->blocks && (!fine || !fits(r, head, references))) {
		head->blocks = 0;
		head->reason = fine ? "there is no room for it in the file" : "the recorder has no memory for it";
		head->reason_bytes = strlen(head->reason);
		ret->done = false;
	}
	if (!r->discard && !r->aggregate) {
		writer_look_begin(r->writer, head);
		for (uint32_t i = 0; i < head->blocks; i++) {
			const uint8_t verdict = verdict_of(head, &t->blocks[i]);

			count(ret, verdict, look_size(&t->blocks[i]));
			write_block(&x, i, &t->blocks[i], verdict);
		}
		write_references(&x, head);
		writer_look_end(r->writer);
	}
	free(x.first);
	free(x.ids);
}
