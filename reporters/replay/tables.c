/*
 * tables - the arrays of a capture, which its table blocks fill (tables_decode.c, tables_sums.c).
 *
 * Arrays grow as entries are really decoded, never by a count that the file
 * claims. Ids that damaged blocks left out are filled with empty entries, within
 * a budget, so that a file cannot ask for memory with one large number.
 */
#include "replay/capture_private.h"
#include "replay/domain_names.h"

#include <stdlib.h>

#define TEXT_CHUNK_BYTES 65536u

struct text_chunk {
	struct text_chunk *next;
	size_t used, room;
	char bytes[];
};

const char *tables_keep_text(struct capture *c, const void *bytes, size_t n)
{
	struct text_chunk *t = c->private->text;
	char *copy;

	if (n == 0)
		return "";
	if (!t || t->room - t->used <= n) {
		const size_t room = n + 1 > TEXT_CHUNK_BYTES ? n + 1 : TEXT_CHUNK_BYTES;

		t = malloc(sizeof(*t) + room);
		if (!t)
			return NULL;
		*t = (struct text_chunk){ .next = c->private->text, .room = room };
		c->private->text = t;
	}
	copy = t->bytes + t->used;
	memcpy(copy, bytes, n);
	copy[n] = '\0';
	t->used += n + 1;
	return copy;
}

/*
 * Room for `want` entries; the new ones are zero. By half of what there is, not as format/array.h: the tables of a capture are
 * most of what a report needs.
 */
static int table_reserve(struct table *t, uint64_t want)
{
	uint64_t capacity = t->capacity ? t->capacity : 16;
	char *array;

	if (want <= t->capacity)
		return 0;
	if (want > UINT32_MAX)
		return TRK_ERR_LIMIT;
	while (capacity < want)
		capacity += capacity / 2;
	memcpy(&array, t->field, sizeof(array));
	array = realloc(array, capacity * t->entry);
	if (!array)
		return TRK_ERR_NOMEM;
	memset(array + t->capacity * t->entry, 0, (capacity - t->capacity) * t->entry);
	memcpy(t->field, &array, sizeof(array));
	t->capacity = capacity;
	return 0;
}

int table_append(struct capture *c, enum table_id id)
{
	struct table *t = &c->private->tables[id];
	const int err = table_reserve(t, (uint64_t)*t->count + 1);

	if (!err)
		++*t->count;
	return err;
}

int table_append_part(struct capture *c, enum table_id id)
{
	if (!c->private->parts_left)
		return TRK_ERR_CORRUPT;
	c->private->parts_left--;
	return table_append(c, id);
}

int table_reach(struct capture *c, enum table_id id, uint64_t index)
{
	struct table *t = &c->private->tables[id];
	uint64_t cost;
	int err;

	if (index < *t->count)
		return 0;
	if (index >= UINT32_MAX)
		return TRK_ERR_CORRUPT;
	cost = (index - *t->count) * t->entry;
	if (cost > c->private->gap_bytes_left)
		return TRK_ERR_CORRUPT;
	err = table_reserve(t, index + 1);
	if (err)
		return err;
	c->private->gap_bytes_left -= cost;
	*t->count = (uint32_t)index + 1;
	return 0;
}

int table_begin(struct capture *c, enum table_id id, struct byte_reader *r)
{
	const uint64_t first = get_varint(r);

	if (r->failed || first < *c->private->tables[id].count)
		return TRK_ERR_CORRUPT;
	return first == *c->private->tables[id].count ? 0 : table_reach(c, id, first - 1);
}

int tables_init(struct capture *c)
{
	const struct table tables[TABLE_COUNT] = {
		[TABLE_MODULES] = { &c->modules, &c->module_count, sizeof(*c->modules), 0 },
		[TABLE_FRAMES] = { &c->frames, &c->frame_count, sizeof(*c->frames), 0 },
		[TABLE_NODES] = { &c->nodes, &c->node_count, sizeof(*c->nodes), 0 },
		[TABLE_SYMBOLS] = { &c->symbols, &c->symbol_count, sizeof(*c->symbols), 0 },
		[TABLE_STRINGS] = { &c->strings, &c->string_count, sizeof(*c->strings), 0 },
		[TABLE_PROCESSES] = { &c->processes, &c->process_count, sizeof(*c->processes), 0 },
		[TABLE_THREADS] = { &c->threads, &c->thread_count, sizeof(*c->threads), 0 },
		[TABLE_MAPPINGS] = { &c->mappings, &c->mapping_count, sizeof(*c->mappings), 0 },
		[TABLE_RSS] = { &c->rss, &c->rss_count, sizeof(*c->rss), 0 },
		[TABLE_NOTICES] = { &c->notices, &c->notice_count, sizeof(*c->notices), 0 },
		[TABLE_HEALTH] = { &c->health, &c->health_count, sizeof(*c->health), 0 },
		[TABLE_SUMMARY] = { &c->summary, &c->summary_count, sizeof(*c->summary), 0 },
		[TABLE_BLOCKS] = { &c->blocks, &c->block_count, sizeof(*c->blocks), 0 },
		[TABLE_SUMS] = { &c->sums, &c->sum_count, sizeof(*c->sums), 0 },
		[TABLE_SUM_ERRORS] = { &c->sum_errors, &c->sum_error_count,
				       sizeof(*c->sum_errors), 0 },
		[TABLE_TOTALS] = { &c->totals, &c->total_count, sizeof(*c->totals), 0 },
		[TABLE_SIZES] = { &c->sizes, &c->size_count, sizeof(*c->sizes), 0 },
		[TABLE_HISTORIES] = { &c->histories, &c->history_count, sizeof(*c->histories), 0 },
		[TABLE_HISTORY_SPANS] = { &c->history_spans, &c->history_span_count,
					  sizeof(*c->history_spans), 0 },
		[TABLE_KEYFRAMES] = { &c->keyframes, &c->keyframe_count, sizeof(*c->keyframes), 0 },
		[TABLE_MARKS] = { &c->marks, &c->mark_count, sizeof(*c->marks), 0 },
		[TABLE_DOMAINS] = { &c->domains, &c->domain_count, sizeof(*c->domains), 0 },
		[TABLE_LOOKS] = { &c->looks, &c->look_count, sizeof(*c->looks), 0 },
	};
	/* Their ids begin with 1: entry 0 is "none". */
	static const enum table_id from_one[] = { TABLE_MODULES, TABLE_FRAMES, TABLE_NODES,
						  TABLE_STRINGS };
	int err = 0;

	memcpy(c->private->tables, tables, sizeof(tables));
	for (size_t i = 0; i < TABLE_COUNT && !err; i++)
		err = table_reserve(&c->private->tables[i], 1);
	for (size_t i = 0; i < sizeof(from_one) / sizeof(*from_one) && !err; i++)
		err = table_append(c, from_one[i]);
	return err;
}

void tables_finish(struct capture *c)
{
	for (size_t i = 0; i < TABLE_COUNT; i++) {
		void *array;

		if (!c->private->tables[i].field)
			continue;
		memcpy(&array, c->private->tables[i].field, sizeof(array));
		free(array);
	}
	while (c->private->text) {
		struct text_chunk *next = c->private->text->next;

		free(c->private->text);
		c->private->text = next;
	}
}

bool table_next_item(struct capture *c, struct byte_reader *r)
{
	if (!bytes_left(r))
		return false;
	if (c->private->items_left) {
		c->private->items_left--;
		return true;
	}
	r->failed = true;
	return false;
}

struct byte_reader table_record(struct byte_reader *r)
{
	const uint64_t n = get_varint(r);
	const uint8_t *body = get_bytes(r, n);

	return body ? byte_reader_of(body, n) : byte_reader_of("", 0);
}

int tables_add_look(struct capture *c, const struct trk_block_header *h, uint64_t offset)
{
	int err = h->process == TRK_NO_PROCESS ? TRK_ERR_CORRUPT : table_reach(c, TABLE_PROCESSES, h->process);

	if (!err)
		err = table_append(c, TABLE_LOOKS);
	if (!err)
		c->looks[c->look_count - 1] = (struct cap_look){ offset, h->process, h->type };
	return err;
}

int tables_add_block(struct capture *c, const struct trk_block_header *h, uint64_t offset)
{
	int err = h->process == TRK_NO_PROCESS ? TRK_ERR_CORRUPT :
						 table_reach(c, TABLE_PROCESSES, h->process);

	/* Events name threads by index. Entry 0 stands for those that the tables do not have. */
	if (!err)
		err = table_reach(c, TABLE_THREADS, 0);
	if (!err)
		err = table_append(c, TABLE_BLOCKS);
	if (err)
		return err;
	c->blocks[c->block_count - 1] = (struct cap_block){
		.offset = offset,
		.process = h->process,
		.items = h->items,
		.first_time_ns = h->first_time_ns,
		.last_time_ns = h->last_time_ns,
	};
	c->event_count += h->items;
	/* No keyframe divides what is earlier from what is later if this block is on the wrong side. */
	while (c->keyframe_count && c->keyframes[c->keyframe_count - 1].time_ns >= h->first_time_ns &&
	       !c->keyframes[c->keyframe_count - 1].begins)
		c->keyframe_count--;
	return 0;
}

int tables_add_keyframe(struct capture *c, const struct trk_block_header *h, uint64_t offset)
{
	const bool begins = h->flags & TRK_BLOCK_MUST_UNDERSTAND;
	struct cap_keyframe *const last =
		c->keyframe_count ? &c->keyframes[c->keyframe_count - 1] : NULL;
	int err;

	if (last && c->private->keyframe_end == offset && last->time_ns == h->first_time_ns) {
		last->parts++;
		return 0;
	}
	if (begins ? last || c->block_count :
		     h->first_time_ns < c->last_time_ns || (last && h->first_time_ns <= last->time_ns))
		return TRK_ERR_CORRUPT;
	err = table_append(c, TABLE_KEYFRAMES);
	if (!err)
		c->keyframes[c->keyframe_count - 1] = (struct cap_keyframe){
			.offset = offset, .time_ns = h->first_time_ns, .events = c->event_count, .first_block = c->block_count, .parts = 1, .begins = begins
		};
	return err;
}

static void settle_texts(struct capture *c)
{
	for (uint32_t i = 0; i < c->string_count; i++)
		c->strings[i] = c->strings[i] ? c->strings[i] : "";
	for (uint32_t i = 0; i < c->module_count; i++)
		c->modules[i].path = c->modules[i].path ? c->modules[i].path : "";
	for (uint32_t i = 0; i < c->thread_count; i++) {
		if (!c->threads[i].name)
			c->threads[i] = (struct trk_thread){ .end_ns = UINT64_MAX, .name = "" };
		if (c->threads[i].process >= c->process_count)
			c->threads[i].process = 0;
	}
	for (uint32_t i = 0; i < c->process_count; i++) {
		struct trk_process *p = &c->processes[i];

		if (!p->name) /* known by its events only */
			*p = (struct trk_process){
				.parent = UINT32_MAX,
				.end_ns = UINT64_MAX,
				.name = "",
				.executable = "",
				.command_line = "",
				.libc = "",
				.host = "",
				.system = "",
				.title = "",
			};
		if (p->parent >= c->process_count)
			p->parent = UINT32_MAX;
	}
}

int tables_settle(struct capture *c)
{
	const int err = c->thread_count ? table_reach(c, TABLE_PROCESSES, 0) : 0;

	if (err)
		return err;
	settle_texts(c);
	c->frames[0].symbol_count = 0;
	for (uint32_t i = 1; i < c->frame_count; i++) {
		if (c->frames[i].module >= c->module_count)
			c->frames[i].module = 0;
		c->depths |= !c->frames[i].module && c->frames[i].offset > TRK_FRAME_DEPTH;
	}
	for (uint32_t i = 1; i < c->node_count; i++) {
		if (c->nodes[i].frame >= c->frame_count)
			c->nodes[i].frame = 0;
	}
	for (uint32_t i = 0; i < c->symbol_count; i++) {
		if (c->symbols[i].function >= c->string_count)
			c->symbols[i].function = 0;
		if (c->symbols[i].file >= c->string_count)
			c->symbols[i].file = 0;
	}
	for (uint32_t i = 0; i < c->mapping_count; i++) {
		if (c->mappings[i].module >= c->module_count)
			c->mappings[i].module = 0;
		if (c->mappings[i].process >= c->process_count)
			c->mappings[i].process = UINT32_MAX;
	}
	for (uint32_t i = 0; i < c->rss_count; i++) {
		if (c->rss[i].process >= c->process_count)
			c->rss[i].process = UINT32_MAX;
	}
	domain_names_settle(c);
	return tables_settle_sums(c);
}
