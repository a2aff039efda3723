/* look_mark - see look_mark.h. */
#include "look_index.h"
#include "look_memory.h"

#define NONE UINT32_MAX
#define RING 64u
#define AHEAD 16u /* grey blocks whose first lines are fetched already */
#define LIBC_BYTES 16u /* glibc's chunk header lies in the last bytes of the block before */

struct look_block look_block_of(uint64_t address, uint64_t size, uint8_t flags)
{
	const bool large = size > UINT32_MAX;
	const uint64_t units = large ? size / 16 + (size % 16 != 0) : size;

	return (struct look_block){
		.low = (uint32_t)address,
		.high = (uint16_t)(address >> 32),
		.flags = (uint8_t)(flags | (large ? LOOK_LARGE : 0)),
		.size = units > UINT32_MAX ? UINT32_MAX : (uint32_t)units,
		.parent = LOOK_PARENT_NONE,
	};
}

static uint64_t end_of(const struct look_block *b)
{
	const uint64_t size = look_size(b);

	return look_address(b) + (size ? size : 1);
}

/* ---- the plan ---- */

static bool fits(const struct look_marking *m, uint32_t shift)
{
	for (uint32_t i = 1; i < m->block_count; i++)
		if (look_address(&m->blocks[i]) >> shift <= look_address(&m->blocks[i - 1]) >> shift)
			return false;
	return true;
}

/* Parts of 1 << bits bytes in which blocks lie (`whole`), or begin. */
static uint32_t parts(const struct look_marking *m, unsigned bits, bool whole)
{
	uint64_t last = UINT64_MAX;
	uint32_t count = 0;

	for (uint32_t i = 0; i < m->block_count; i++) {
		const uint64_t first = look_address(&m->blocks[i]) >> bits;
		const uint64_t end = whole ? (end_of(&m->blocks[i]) - 1) >> bits : first;
		const uint64_t from = last != UINT64_MAX && first <= last ? last + 1 : first;

		if (from <= end) {
			count += (uint32_t)(end - from + 1);
			last = end;
		}
	}
	return count;
}

bool look_plan(struct look_marking *m)
{
	const uint32_t n = m->block_count;
	uint64_t high = 0;

	m->shift = 4;
	m->low = m->high = 0;
	m->top_count = m->table_count = m->group_count = 0;
	if (!n)
		return true;
	if (n >= COVERED)
		return false;
	if (!fits(m, 4))
		m->shift = 3;
	if (m->shift == 3 && !fits(m, 3))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (end_of(&m->blocks[i]) > high)
			high = end_of(&m->blocks[i]);
	m->low = look_address(m->blocks) >> GIB_BITS << GIB_BITS;
	m->high = high;
	if (high >> 48)
		return false;
	m->top_count = (uint32_t)((high - 1 - m->low) >> GIB_BITS) + 1;
	m->table_count = parts(m, GIB_BITS, true);
	m->group_count = parts(m, MIB_BITS, false);
	return true;
}

/* ---- the index ---- */

static uint32_t *entry_of(struct look_marking *m, uint64_t address, uint32_t *tables)
{
	uint32_t *const top = &m->top[(address - m->low) >> GIB_BITS];

	if (!*top)
		*top = ++*tables;
	return &m->tables[(size_t)(*top - 1) * TABLE_ENTRIES + (address >> MIB_BITS & (TABLE_ENTRIES - 1))];
}

static void build(struct look_marking *m)
{
	uint32_t tables = 0, groups = 0, rank = 0;
	const uint32_t per_group = look_group_cells(m);

	for (uint32_t i = 0; i < m->block_count; i++) {
		const uint64_t address = look_address(&m->blocks[i]), end = end_of(&m->blocks[i]);
		uint32_t *const entry = entry_of(m, address, &tables);

		if (!*entry || *entry & COVERED)
			*entry = ++groups;
		struct look_cell *const cell =
			&m->cells[(size_t)(*entry - 1) * per_group + ((address & ((1u << MIB_BITS) - 1)) >> (m->shift + 6))];

		cell->bits |= 1ull << (address >> m->shift & 63);
		for (uint64_t at = ((address >> MIB_BITS) + 1) << MIB_BITS; at < end; at += 1u << MIB_BITS)
			*entry_of(m, at, &tables) = COVERED | i;
	}
	for (size_t i = 0; i < (size_t)groups * per_group; i++) {
		m->cells[i].rank = rank;
		for (uint64_t bits = m->cells[i].bits; bits; bits &= bits - 1)
			rank++;
	}
}

/* ---- pointers into the middle that count as pointers to the start ---- */

/*
 * Whether an object with a virtual table stands at p, and is a base class of the object at the block's start: the
 * Itanium ABI keeps the distance back to the whole object two words before where the pointer to the table points.
 */
static bool is_base_class(const struct look_marking *m, uint64_t p, uint64_t inside)
{
	const uint8_t *at = look_at(m, p, 8);
	uint64_t table;

	if (!at)
		return false;
	table = look_word(at);
	if (table % 8 || table < 16 || !look_in_file(m, table - 16, table))
		return false;
	at = look_at(m, table - 16, 8);
	return at && look_word(at) == 0 - inside;
}

static bool counts_as_start(const struct look_marking *m, const struct look_block *b, uint64_t p)
{
	const uint64_t size = look_size(b), inside = p - look_address(b);

	if (b->flags & LOOK_UNREADABLE || inside % 8 || size - inside < 8)
		return false;
	return (inside == 8 && look_is_array(m, look_address(b), size)) || is_base_class(m, p, inside);
}

/* ---- marking ---- */

enum pass {
	FROM_ROOTS, /* pointers to starts count; those into the middle are noted */
	INSIDE, /* all count */
	LOST
};

struct candidate {
	uint64_t p;
	uint32_t from, block;
};

struct walk {
	struct look_marking *m;
	enum pass pass;
	uint32_t leader; /* LOST: whose blocks are looked for */
	size_t grey; /* on the stack */
	uint64_t first_count, second_count; /* that were put into the rings */
	unsigned ahead_at, ahead_count;
	struct candidate first[RING], second[RING];
	uint32_t ahead[AHEAD];
};

static inline void push(struct walk *w, uint32_t block, uint32_t from, enum look_verdict verdict)
{
	struct look_block *const b = &w->m->blocks[block];

	b->verdict = (uint8_t)verdict;
	b->parent = from;
	w->m->stack[w->grey++] = block;
}

static void meet_from_roots(struct walk *w, const struct candidate *c, uint64_t inside)
{
	struct look_block *const b = &w->m->blocks[c->block];

	if (!inside || counts_as_start(w->m, b, c->p)) {
		push(w, c->block, c->from, LOOK_REACHABLE);
		return;
	}
	if (b->flags & LOOK_INSIDE)
		return;
	if (c->from >= LOOK_ROOT && c->from - LOOK_ROOT >= w->m->libc_first && c->from - LOOK_ROOT < w->m->libc_end &&
	    look_size(b) - inside <= LIBC_BYTES)
		return;
	b->flags |= LOOK_INSIDE;
	b->parent = c->from;
}

static void meet_lost(struct walk *w, const struct candidate *c)
{
	struct look_block *const b = &w->m->blocks[c->block];

	if (!b->verdict) {
		push(w, c->block, c->from, LOOK_INDIRECTLY);
	} else if (b->verdict == LOOK_DEFINITELY && c->block != w->leader) {
		b->verdict = LOOK_INDIRECTLY; /* and with it everything that it leads to */
		b->parent = c->from;
	}
}

/* A block may end, and the next one begin, within one granule: then the index names the latter. */
static inline void settle(const struct walk *w, struct candidate *c)
{
	if (c->block && c->p < look_address(&w->m->blocks[c->block]))
		c->block--;
}

static inline void third(struct walk *w, struct candidate *c)
{
	const struct look_block *b;
	uint64_t inside, size;

	settle(w, c);
	b = &w->m->blocks[c->block];
	if (b->verdict && w->pass != LOST)
		return;
	inside = c->p - look_address(b);
	size = look_size(b);
	if (inside >= (size ? size : 1))
		return;
	if (w->pass == FROM_ROOTS)
		meet_from_roots(w, c, inside);
	else if (w->pass == INSIDE)
		push(w, c->block, c->from, LOOK_POSSIBLY);
	else
		meet_lost(w, c);
}

static inline void second(struct walk *w, const struct candidate *c)
{
	const uint32_t block = block_at(w->m, c->block, c->p);
	struct candidate *place;

	if (block >= w->m->block_count) /* there is none before it */
		return;
	place = &w->second[w->second_count++ % RING];
	if (w->second_count > RING)
		third(w, place);
	__builtin_prefetch(&w->m->blocks[block]);
	*place = (struct candidate){ c->p, c->from, block };
}

static inline void first(struct walk *w, uint64_t p, uint32_t from)
{
	const uint32_t entry = entry_at(w->m, p);
	struct candidate *place;

	if (!entry)
		return;
	place = &w->first[w->first_count++ % RING];
	if (w->first_count > RING)
		second(w, place);
	if (!(entry & COVERED))
		__builtin_prefetch(cell_at(w->m, entry, p));
	*place = (struct candidate){ p, from, entry };
}

/* Everything that is in the rings. */
static void drain(struct walk *w)
{
	uint64_t n = w->first_count < RING ? w->first_count : RING, from = w->first_count - n;

	for (uint64_t i = 0; i < n; i++)
		second(w, &w->first[(from + i) % RING]);
	w->first_count = 0;
	n = w->second_count < RING ? w->second_count : RING;
	from = w->second_count - n;
	for (uint64_t i = 0; i < n; i++)
		third(w, &w->second[(from + i) % RING]);
	w->second_count = 0;
}

static inline void scan(struct walk *w, const uint8_t *bytes, uint64_t words, uint32_t from, uint32_t step)
{
	const uint64_t low = w->m->low, span = w->m->high - low, mask = ~w->m->no_address;

	for (uint64_t i = 0; i < words; i++) {
		const uint64_t p = look_word(bytes + 8 * i) & mask;

		if (p - low < span)
			first(w, p, from + (uint32_t)i * step);
	}
}

static void scan_block(struct walk *w, uint32_t block)
{
	const struct look_block *const b = &w->m->blocks[block];
	const uint64_t address = look_address(b), skip = -address & 7, size = look_size(b);
	const uint8_t *bytes;

	if (b->flags & LOOK_UNREADABLE || size < skip + 8)
		return;
	bytes = look_at(w->m, address + skip, (size - skip) / 8 * 8);
	if (bytes)
		scan(w, bytes, (size - skip) / 8, block, 0);
}

static void look_ahead(struct walk *w)
{
	while (w->ahead_count < AHEAD && w->grey) {
		const uint32_t block = w->m->stack[--w->grey];

		if (!w->m->memory) {
			const uint8_t *const p = (const uint8_t *)(uintptr_t)look_address(&w->m->blocks[block]);

			__builtin_prefetch(p);
			__builtin_prefetch(p + 64);
		}
		w->ahead[(w->ahead_at + w->ahead_count++) % AHEAD] = block;
	}
}

/* Until no block is grey. */
static void follow(struct walk *w)
{
	for (;;) {
		look_ahead(w);
		if (!w->ahead_count) {
			drain(w);
			if (!w->grey)
				return;
			continue;
		}
		const uint32_t block = w->ahead[w->ahead_at];

		w->ahead_at = (w->ahead_at + 1) % AHEAD;
		w->ahead_count--;
		scan_block(w, block);
	}
}

static void scan_roots(struct walk *w)
{
	for (uint32_t i = 0; i < w->m->root_count; i++) {
		const struct look_root *const r = &w->m->roots[i];
		const uint64_t most = LOOK_PARENT_LOADER - LOOK_ROOT - 1;

		if (r->first + r->words <= most)
			scan(w, r->bytes, r->words, LOOK_ROOT + (uint32_t)r->first, 1);
		else /* so many words have no numbers */
			scan(w, r->bytes, r->words, LOOK_ROOT + (uint32_t)most, 0);
		follow(w);
	}
}

void look_mark(struct look_marking *m)
{
	struct walk w = { .m = m };

	build(m);
	for (uint32_t i = 0; i < m->block_count; i++)
		if (m->blocks[i].flags & LOOK_SEED)
			push(&w, i, LOOK_PARENT_LOADER, LOOK_REACHABLE);
	follow(&w);
	scan_roots(&w);
	w.pass = INSIDE;
	for (uint32_t i = 0; i < m->block_count; i++)
		if (!m->blocks[i].verdict && m->blocks[i].flags & LOOK_INSIDE) {
			push(&w, i, m->blocks[i].parent, LOOK_POSSIBLY);
			follow(&w);
		}
	w.pass = LOST;
	for (uint32_t i = 0; i < m->block_count; i++)
		if (!m->blocks[i].verdict) {
			w.leader = i;
			push(&w, i, LOOK_PARENT_NONE, LOOK_DEFINITELY);
			follow(&w);
		}
	if (m->counts)
		look_graph(m);
	m->finished = LOOK_MARKED;
}
