/*
 * look_types - what virtual tables say of blocks; see look_mark.h.
 *
 * Where a C++ object begins, a word points to its virtual table. The Itanium ABI keeps two words before that place: how far back the whole
 * object begins, and the address of its type information. That is an object with a virtual table, too, of one of three classes of the
 * C++ runtime, whose own type information has a name. So no symbol is needed, and stripped programs have types, too.
 */
#include "look_mark.h"
#include "look_memory.h"

#define INSIDE_BYTES 40u /* how far behind the start of a block an object is looked for: nodes of maps begin so */
#define REPEAT_BYTES 1024u /* ... and the second element of an array */
#define GAPS 4u

struct typing {
	struct look_marking *m;
	/* Between files: most words point to the heap, or are small. */
	struct look_file gaps[GAPS];
	uint32_t gap;
};

static const char runtime[] = "N10__cxxabiv1";
static const char classes[][25] = { "17__class_type_infoE", "20__si_class_type_infoE", "21__vmi_class_type_infoE" };
#define NAME_BYTES 38u /* the longest, with its zero */

/* ---- memory of files ---- */

static bool in_gap(const struct typing *t, uint64_t p)
{
	for (uint32_t i = 0; i < GAPS; i++)
		if (p - t->gaps[i].start < t->gaps[i].end - t->gaps[i].start)
			return true;
	return false;
}

/* No file is at p: remember how far that holds. */
static void keep_gap(struct typing *t, uint64_t p)
{
	struct look_file gap = { 0, UINT64_MAX };
	uint32_t low = 0, high = t->m->file_count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (t->m->files[middle].end <= p)
			low = middle + 1;
		else
			high = middle;
	}
	if (low)
		gap.start = t->m->files[low - 1].end;
	if (low < t->m->file_count)
		gap.end = t->m->files[low].start;
	t->gaps[t->gap++ % GAPS] = gap;
}

/* The word at the address, which must be in a file. 0: it is not. */
static uint64_t word_at(const struct look_marking *m, uint64_t p)
{
	const uint8_t *const at = p % 8 == 0 && p + 8 > p && look_in_file(m, p, p + 8) ? look_at(m, p, 8) : NULL;

	return at ? look_word(at) : 0;
}

/* The rest of a text at p is `text`; returns what follows it. NULL: it is another one. */
static const char *skip(const char *p, const char *text)
{
	while (p && *text)
		if (*p++ != *text++)
			return NULL;
	return p;
}

/* ---- types ---- */

static bool is_name_of_class(const struct look_marking *m, uint64_t name)
{
	const uint8_t *const at = name + NAME_BYTES > name && look_in_file(m, name, name + NAME_BYTES) ? look_at(m, name, NAME_BYTES) : NULL;
	const char *const rest = skip((const char *)at, runtime);

	for (uint32_t i = 0; rest && i < sizeof(classes) / sizeof(*classes); i++) {
		const char *const end = skip(rest, classes[i]);

		if (end && !*end)
			return true;
	}
	return false;
}

/* Of the type whose virtual table `table` is; 0: it is none, or that of a base class inside an object. */
static uint64_t name_of(const struct look_marking *m, uint64_t table)
{
	uint64_t type, type_of_type, name;

	if (table % 8 || table < 16 || !look_in_file(m, table - 16, table) || word_at(m, table - 16) != 0)
		return 0;
	type = word_at(m, table - 8);
	type_of_type = word_at(m, word_at(m, type) - 8);
	if (!type || !type_of_type || !is_name_of_class(m, word_at(m, type_of_type + 8)))
		return 0;
	name = word_at(m, type + 8);
	return look_in_file(m, name, name + 1) ? name : 0;
}

static uint32_t hash_of(uint64_t p)
{
	return (uint32_t)((p >> 3) * 0x9e3779b97f4a7c15ull >> 40);
}

/* 1 + the place of the type; 0: the word is no virtual table. */
static uint32_t type_of(struct typing *t, uint64_t word)
{
	struct look_marking *const m = t->m;
	uint64_t *const other = &m->others[hash_of(word) % LOOK_OTHERS];
	uint32_t at = hash_of(word) % LOOK_TYPES;
	uint64_t name;

	if (word % 8 || in_gap(t, word) || *other == word)
		return 0;
	if (!look_in_file(m, word, word + 1)) {
		keep_gap(t, word);
		return 0;
	}
	while (m->types[at].table && m->types[at].table != word)
		at = (at + 1) % LOOK_TYPES;
	if (m->types[at].table)
		return at + 1;
	name = m->type_count < LOOK_TYPES / 4 * 3 ? name_of(m, word) : 0;
	if (!name) {
		*other = word;
		return 0;
	}
	m->types[at] = (struct look_type){ word, name };
	m->type_count++;
	return at + 1;
}

/* An object holds no other one of its own type, so what has the same virtual table behind it is the next element of an array. */
static bool is_repeated(const struct look_marking *m, const struct look_block *b, uint64_t table)
{
	const uint64_t size = look_size(b), most = size / 2 < REPEAT_BYTES ? size / 2 : REPEAT_BYTES;
	const uint8_t *const bytes = look_at(m, look_address(b), size);

	for (uint64_t i = 8; bytes && i <= most; i += 8)
		if (i + 8 <= size && look_word(bytes + i) == table)
			return true;
	return false;
}

static uint32_t judge(struct typing *t, const struct look_block *b)
{
	const uint64_t size = look_size(b), most = size < INSIDE_BYTES + 8 ? size : INSIDE_BYTES + 8;
	const uint8_t *const bytes = look_at(t->m, look_address(b), most);
	uint32_t type = bytes ? type_of(t, look_word(bytes)) : 0;
	enum look_held held = LOOK_NODE;

	if (type)
		return 1 + (type - 1) * LOOK_HELDS + (is_repeated(t->m, b, look_word(bytes)) ? LOOK_ARRAY : LOOK_WHOLE);
	for (uint64_t i = 8; bytes && !type && i + 8 <= most; i += 8) {
		type = type_of(t, look_word(bytes + i));
		if (i == 8 && type && look_is_array(t->m, look_address(b), size))
			held = LOOK_ARRAY;
	}
	return type ? 1 + (type - 1) * LOOK_HELDS + held : 0;
}

void look_types(struct look_marking *m)
{
	struct typing t = { .m = m };

	for (uint32_t i = 0; i < m->block_count; i++) {
		const struct look_block *const b = &m->blocks[i];
		const bool readable = !(b->flags & LOOK_UNREADABLE) && look_size(b) >= 8 && look_address(b) % 8 == 0;

		m->stack[i] = readable ? judge(&t, b) : 0;
	}
	m->finished = LOOK_TYPED;
}
