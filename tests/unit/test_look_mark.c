/*
 * look_mark - verdicts on random graphs of blocks, as the plainest marking finds them; pointers that count as pointers to the start; and
 * the index, for blocks far apart, large, tiny and close. The memory is the test's: its addresses are made up.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "libtracker/look_mark.h"

enum { BLOCKS = 400,
       ROOT_WORDS = 40,
       ROUNDS = 400 };

struct scene {
	struct look_block blocks[BLOCKS];
	uint64_t addresses[BLOCKS], sizes[BLOCKS];
	uint8_t *bytes[BLOCKS];
	uint32_t count;
	uint64_t roots[ROOT_WORDS];
	uint64_t table[8]; /* of a class, at TABLE */
	/* What the plain marking says. */
	uint8_t verdicts[BLOCKS];
	uint32_t grey[BLOCKS], grey_count;
};

#define TABLE 0x7f0000000000ull

static uint64_t seed = 88172645463325252ull;

static uint64_t draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static const uint8_t *memory(const void *context, uint64_t address, uint64_t bytes)
{
	const struct scene *const s = context;

	if (address >= TABLE && address + bytes <= TABLE + sizeof(s->table))
		return (const uint8_t *)s->table + (address - TABLE);
	for (uint32_t i = 0; i < s->count; i++)
		if (address >= s->addresses[i] && address + bytes <= s->addresses[i] + s->sizes[i])
			return s->bytes[i] + (address - s->addresses[i]);
	return NULL;
}

static uint64_t gap(void)
{
	switch (draw(20)) {
	case 0:
		return 5ull << 30;
	case 1:
		return 3u << 20;
	case 2:
		return 70000;
	default:
		return draw(4) * 16;
	}
}

static uint64_t size(void)
{
	const uint64_t kind = draw(30);

	return kind == 0 ? (2u << 20) + draw(100) : kind < 4 ? draw(8) :
							       8 + draw(120);
}

static uint64_t pointer(const struct scene *s)
{
	const uint32_t to = (uint32_t)draw(s->count);

	switch (draw(6)) {
	case 0:
		return s->addresses[to] + draw(s->sizes[to] + 20);
	case 1:
		return draw(UINT64_MAX);
	default:
		return s->addresses[to];
	}
}

/* Only the first bytes of a large block hold anything. */
static uint64_t used(const struct scene *s, uint32_t block)
{
	return s->sizes[block] < 200 ? s->sizes[block] : 200;
}

static void fill(struct scene *s, unsigned density)
{
	for (uint32_t i = 0; i < s->count; i++)
		for (uint64_t j = 0; j + 8 <= used(s, i); j += 8) {
			const uint64_t p = draw(100) < density ? pointer(s) : draw(1000);

			memcpy(s->bytes[i] + j, &p, 8);
		}
	for (uint32_t i = 0; i < ROOT_WORDS; i++)
		s->roots[i] = draw(4) ? draw(1000) : pointer(s);
}

static void make(struct scene *s, uint64_t grain)
{
	uint64_t at = 0x550000000000ull + draw(1000) * 16;

	memset(s, 0, sizeof(*s));
	s->count = 1 + (uint32_t)draw(BLOCKS - 1);
	for (uint32_t i = 0; i < s->count; i++) {
		s->sizes[i] = size();
		s->addresses[i] = at;
		s->bytes[i] = calloc(1, s->sizes[i] + 1);
		at += s->sizes[i] + gap() + grain;
		at &= ~(grain - 1);
		s->blocks[i] = look_block_of(s->addresses[i], s->sizes[i], draw(50) ? 0 : LOOK_SEED);
	}
	fill(s, 1 + (unsigned)draw(40));
}

/* ---- the plain marking ---- */

static uint32_t find(const struct scene *s, uint64_t p)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (p - s->addresses[i] < (s->sizes[i] ? s->sizes[i] : 1))
			return i;
	return UINT32_MAX;
}

static uint64_t word(const struct scene *s, uint32_t block, uint64_t at)
{
	uint64_t w;

	memcpy(&w, s->bytes[block] + at, 8);
	return w;
}

/* An array of n elements behind their number, or one whose size is there. */
static bool is_start(const struct scene *s, uint32_t block, uint64_t p)
{
	const uint64_t inside = p - s->addresses[block];

	if (!inside)
		return true;
	if (inside != 8 || s->sizes[block] < 16)
		return false;
	const uint64_t n = word(s, block, 0);

	return n && n <= s->sizes[block] - 8 && (s->sizes[block] - 8) % n == 0;
}

static void meet(struct scene *s, uint64_t p, uint8_t verdict, bool inside, uint32_t leader)
{
	const uint32_t block = find(s, p);

	if (block == UINT32_MAX || (!inside && !is_start(s, block, p)))
		return;
	if (!s->verdicts[block]) {
		s->verdicts[block] = verdict;
		s->grey[s->grey_count++] = block;
	} else if (leader != UINT32_MAX && s->verdicts[block] == LOOK_DEFINITELY && block != leader) {
		s->verdicts[block] = LOOK_INDIRECTLY;
	}
}

static void follow(struct scene *s, uint8_t verdict, bool inside, uint32_t leader)
{
	while (s->grey_count) {
		const uint32_t block = s->grey[--s->grey_count];
		const uint64_t skip = -s->addresses[block] & 7;

		for (uint64_t at = skip; at + 8 <= used(s, block); at += 8)
			meet(s, word(s, block, at), verdict, inside, leader);
	}
}

/* From all that is reached so far. */
static void follow_insides(struct scene *s)
{
	uint8_t before[BLOCKS];

	memcpy(before, s->verdicts, sizeof(before));
	for (uint32_t i = 0; i < ROOT_WORDS; i++)
		meet(s, s->roots[i], LOOK_POSSIBLY, true, UINT32_MAX);
	for (uint32_t i = 0; i < s->count; i++)
		if (before[i] == LOOK_REACHABLE)
			for (uint64_t at = -s->addresses[i] & 7; at + 8 <= used(s, i); at += 8)
				meet(s, word(s, i, at), LOOK_POSSIBLY, true, UINT32_MAX);
	follow(s, LOOK_POSSIBLY, true, UINT32_MAX);
}

static void mark_plainly(struct scene *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->blocks[i].flags & LOOK_SEED)
			meet(s, s->addresses[i], LOOK_REACHABLE, false, UINT32_MAX);
	for (uint32_t i = 0; i < ROOT_WORDS; i++)
		meet(s, s->roots[i], LOOK_REACHABLE, false, UINT32_MAX);
	follow(s, LOOK_REACHABLE, false, UINT32_MAX);
	follow_insides(s);
	for (uint32_t i = 0; i < s->count; i++)
		if (!s->verdicts[i]) {
			s->verdicts[i] = LOOK_DEFINITELY;
			s->grey[s->grey_count++] = i;
			follow(s, LOOK_INDIRECTLY, true, i);
		}
}

/* ---- the marking ---- */

static void mark(struct scene *s)
{
	const struct look_root root = { (const uint8_t *)s->roots, ROOT_WORDS, 0 };
	const struct look_file file = { TABLE, TABLE + sizeof(s->table) };
	struct look_marking m = { .blocks = s->blocks, .block_count = s->count, .roots = &root, .root_count = 1, .files = &file, .file_count = 1, .memory = memory, .context = s };

	assert_true(look_plan(&m));
	m.top = calloc(m.top_count, sizeof(*m.top));
	m.tables = calloc((size_t)m.table_count * 1024, sizeof(*m.tables));
	m.cells = calloc((size_t)m.group_count * look_group_cells(&m), sizeof(*m.cells));
	m.stack = calloc(s->count, sizeof(*m.stack));
	look_mark(&m);
	assert_int_equal(m.finished, LOOK_MARKED);
	free(m.top);
	free(m.tables);
	free(m.cells);
	free(m.stack);
}

static void release(struct scene *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		free(s->bytes[i]);
}

/* Parents lead to a root, or to a block that is definitely lost; each points to the block that names it. */
static void must_lead_home(const struct scene *s, uint32_t block)
{
	uint32_t steps = 0;

	while (s->blocks[block].parent < LOOK_ROOT) {
		const uint32_t parent = s->blocks[block].parent;
		bool points = false;

		for (uint64_t at = -s->addresses[parent] & 7; at + 8 <= used(s, parent); at += 8)
			points |= find(s, word(s, parent, at)) == block;
		assert_true(points);
		assert_true(++steps <= s->count);
		block = parent;
	}
	if (s->blocks[block].parent < LOOK_PARENT_LOADER)
		assert_int_equal(find(s, s->roots[s->blocks[block].parent - LOOK_ROOT]), block);
	assert_int_equal(s->blocks[block].parent == LOOK_PARENT_NONE, s->blocks[block].verdict == LOOK_DEFINITELY);
}

static void random_graphs(void **state)
{
	static struct scene s;
	uint32_t seen[LOOK_VERDICTS] = { 0 };

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		make(&s, round % 4 == 3 ? 8 : 16);
		mark_plainly(&s);
		mark(&s);
		for (uint32_t i = 0; i < s.count; i++) {
			assert_int_equal(s.blocks[i].verdict, s.verdicts[i]);
			must_lead_home(&s, i);
			seen[s.verdicts[i]]++;
		}
		release(&s);
	}
	for (unsigned v = LOOK_REACHABLE; v < LOOK_VERDICTS; v++)
		assert_true(seen[v] > ROUNDS);
}

/* One block, to which one root points so far inside. */
static uint8_t verdict_at(uint64_t inside, uint64_t first_word, uint64_t word_inside, int64_t to_top)
{
	static struct scene s;

	memset(&s, 0, sizeof(s));
	s.count = 1;
	s.addresses[0] = 0x550000000010ull;
	s.sizes[0] = 104;
	s.bytes[0] = calloc(1, 104);
	s.blocks[0] = look_block_of(s.addresses[0], s.sizes[0], 0);
	memcpy(s.bytes[0], &first_word, 8);
	if (inside % 8 == 0 && inside + 8 <= 104 && word_inside)
		memcpy(s.bytes[0] + inside, &word_inside, 8);
	s.table[2] = (uint64_t)to_top;
	s.roots[7] = s.addresses[0] + inside;
	mark(&s);
	release(&s);
	return s.blocks[0].verdict;
}

static void insides(void **state)
{
	const uint64_t table = TABLE + 32; /* offset to top and type information stand before it */

	(void)state;
	assert_int_equal(verdict_at(0, 0, 0, 0), LOOK_REACHABLE);
	assert_int_equal(verdict_at(8, 0, 0, 0), LOOK_POSSIBLY);
	assert_int_equal(verdict_at(8, 12, 0, 0), LOOK_REACHABLE); /* new T[12], of 8 bytes each */
	assert_int_equal(verdict_at(8, 96, 0, 0), LOOK_REACHABLE); /* the size */
	assert_int_equal(verdict_at(8, 13, 0, 0), LOOK_POSSIBLY);
	assert_int_equal(verdict_at(24, 0, table, -24), LOOK_REACHABLE); /* a base class */
	assert_int_equal(verdict_at(24, 0, table, -16), LOOK_POSSIBLY);
	assert_int_equal(verdict_at(24, 0, TABLE, -24), LOOK_POSSIBLY); /* nothing stands before it */
	assert_int_equal(verdict_at(24, 0, table + 4, -24), LOOK_POSSIBLY);
	assert_int_equal(verdict_at(103, 0, 0, 0), LOOK_POSSIBLY);
	assert_int_equal(verdict_at(104, 0, 0, 0), LOOK_DEFINITELY); /* one past the end */
}

/* ---- types ---- */

#define FILE_WORDS 64u

/* Of two files' memory: a virtual table, its type information, that of the runtime, names; and a block. */
static uint64_t words_of_file[FILE_WORDS], words_of_block[16];
#define AT_FILE(i) (TABLE + 8ull * (i))
#define AT_BLOCK 0x550000000010ull

static const uint8_t *typed_memory(const void *context, uint64_t address, uint64_t bytes)
{
	(void)context;
	if (address >= AT_BLOCK && address + bytes <= AT_BLOCK + sizeof(words_of_block))
		return (const uint8_t *)words_of_block + (address - AT_BLOCK);
	assert_true(address >= TABLE && address + bytes <= AT_FILE(FILE_WORDS));
	return (const uint8_t *)words_of_file + (address - TABLE);
}

/* The same each time: what a test changes is one word of it. */
static void make_types(void)
{
	memset(words_of_file, 0, sizeof(words_of_file));
	memset(words_of_block, 0, sizeof(words_of_block));
	words_of_file[3] = AT_FILE(10); /* behind its offset to top: the table itself begins at 4 */
	words_of_file[10] = AT_FILE(22); /* the type information: its virtual table, its name */
	words_of_file[11] = AT_FILE(40);
	words_of_file[21] = AT_FILE(30); /* the runtime's table for it, at 22, and its type information */
	words_of_file[31] = AT_FILE(50);
	strcpy((char *)&words_of_file[40], "N3geo4NodeE");
	strcpy((char *)&words_of_file[50], "N10__cxxabiv120__si_class_type_infoE");
	words_of_block[0] = AT_FILE(4);
}

/* 0: no type; otherwise 1 + how. */
static uint32_t type_of_block(uint32_t size)
{
	static struct look_type types[LOOK_TYPES];
	static uint64_t others[LOOK_OTHERS];
	struct look_block b = look_block_of(AT_BLOCK, size, 0);
	const struct look_file file = { TABLE, AT_FILE(FILE_WORDS) };
	uint32_t stack[1] = { 77 };
	struct look_marking m = { .blocks = &b, .block_count = 1, .files = &file, .file_count = 1, .stack = stack, .types = types, .others = others, .memory = typed_memory };

	memset(types, 0, sizeof(types));
	memset(others, 0, sizeof(others));
	look_types(&m);
	assert_int_equal(m.finished, LOOK_TYPED);
	if (!stack[0])
		return 0;
	assert_int_equal(types[(stack[0] - 1) / LOOK_HELDS].name, AT_FILE(40));
	return 1 + (stack[0] - 1) % LOOK_HELDS;
}

static void types(void **state)
{
	static const struct {
		unsigned word;
		uint64_t value;
	} wrong[] = {
		{ 2, 8 }, { 3, 0 }, { 3, AT_FILE(10) + 4 }, { 3, AT_FILE(FILE_WORDS) }, { 3, UINT64_MAX - 7 }, { 10, 0 }, { 10, AT_FILE(0) }, { 11, 0 }, { 11, AT_FILE(FILE_WORDS) }, { 21, AT_FILE(FILE_WORDS - 1) }, { 31, AT_FILE(FILE_WORDS - 1) }, { 31, AT_FILE(51) }, { 50, 0 }, { 53, 0 }
	};

	(void)state;
	make_types();
	assert_int_equal(type_of_block(8), 1 + LOOK_WHOLE);
	assert_int_equal(type_of_block(7), 0);
	words_of_block[4] = AT_FILE(4);
	assert_int_equal(type_of_block(40), 1 + LOOK_WHOLE); /* a second element does not fit in */
	assert_int_equal(type_of_block(64), 1 + LOOK_ARRAY);
	words_of_block[0] = 12345678;
	assert_int_equal(type_of_block(64), 1 + LOOK_NODE);
	words_of_block[0] = 2; /* new T[2] */
	words_of_block[1] = AT_FILE(4);
	assert_int_equal(type_of_block(8 + 2 * 24), 1 + LOOK_ARRAY);
	words_of_block[1] = AT_FILE(4) + 1;
	assert_int_equal(type_of_block(32), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		make_types();
		words_of_file[wrong[i].word] = wrong[i].value;
		assert_int_equal(type_of_block(64), 0);
	}
}

/* What the C library knows of the chunk behind a block points into the block's last bytes. */
static void libc_pointers(void **state)
{
	uint64_t word = 0x550000000010ull + 96;
	struct look_block b = look_block_of(0x550000000010ull, 104, 0);
	const struct look_root root = { (const uint8_t *)&word, 1, 0 };
	uint32_t top[1] = { 0 }, stack[1];
	struct look_marking m = { .blocks = &b, .block_count = 1, .roots = &root, .root_count = 1, .libc_end = 1 };

	(void)state;
	b.flags |= LOOK_UNREADABLE;
	assert_true(look_plan(&m));
	assert_int_equal(m.top_count, 1);
	m.top = top;
	m.tables = calloc((size_t)m.table_count * 1024, sizeof(*m.tables));
	m.cells = calloc((size_t)m.group_count * look_group_cells(&m), sizeof(*m.cells));
	m.stack = stack;
	look_mark(&m);
	assert_int_equal(b.verdict, LOOK_DEFINITELY);
	free(m.tables);
	free(m.cells);
}

static void plans(void **state)
{
	struct look_block two[2] = { look_block_of(0x1000, 1, 0), look_block_of(0x1004, 1, 0) };
	struct look_marking m = { .blocks = two, .block_count = 2 };

	(void)state;
	assert_false(look_plan(&m)); /* closer than 8 bytes */
	two[1] = look_block_of(0x1008, 1, 0);
	assert_true(look_plan(&m));
	assert_int_equal(m.shift, 3);
	two[1] = look_block_of(0x1010, 5ull << 30, 0);
	assert_true(look_plan(&m));
	assert_int_equal(m.shift, 4);
	assert_int_equal(look_size(&two[1]), 5ull << 30);
	assert_int_equal(m.top_count, 6);
	assert_int_equal(m.table_count, 6);
	assert_int_equal(m.group_count, 1);
	m.block_count = 0;
	assert_true(look_plan(&m));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_graphs),
		cmocka_unit_test(insides),
		cmocka_unit_test(types),
		cmocka_unit_test(libc_pointers),
		cmocka_unit_test(plans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
