/*
 * tables_decode - the table blocks of a capture -> its arrays, but for those of sums.
 */
#include "replay/capture_private.h"

#define KEYS_MAX 128u /* the most distinct keys of HEALTH and SUMMARY that are kept; they are searched one by one */

static int get_text(struct capture *c, struct byte_reader *r, const char **ret, uint32_t *ret_bytes)
{
	const uint64_t n = get_varint(r);
	const uint8_t *bytes = get_bytes(r, n);

	*ret = tables_keep_text(c, bytes, bytes ? n : 0);
	if (ret_bytes)
		*ret_bytes = bytes ? (uint32_t)n : 0;
	return *ret ? 0 : TRK_ERR_NOMEM;
}

static int decode_modules(struct capture *c, const struct trk_block_header *h,
			  struct byte_reader *r)
{
	int err = table_begin(c, TABLE_MODULES, r);

	while (!err && table_next_item(c, r)) {
		struct byte_reader body = table_record(r);
		struct trk_module m = { 0 };
		const char *id;

		if (r->failed)
			return TRK_ERR_CORRUPT;
		err = get_text(c, &body, &m.path, NULL);
		if (!err)
			err = get_text(c, &body, &id, &m.build_id_bytes);
		if (!err)
			err = table_append(c, TABLE_MODULES);
		if (err)
			break;
		m.build_id = (const uint8_t *)id;
		m.flags = (uint32_t)get_varint(&body);
		c->modules[c->module_count - 1] = m;
	}
	return err;
}

static int decode_frames(struct capture *c, const struct trk_block_header *h, struct byte_reader *r)
{
	uint64_t offset = 0;
	int err = table_begin(c, TABLE_FRAMES, r);

	while (!err && table_next_item(c, r)) {
		const uint64_t module = get_varint(r);

		offset += (uint64_t)get_zigzag(r);
		if (r->failed)
			return TRK_ERR_CORRUPT;
		err = table_append(c, TABLE_FRAMES);
		if (!err)
			c->frames[c->frame_count - 1] = (struct cap_frame){
				.offset = offset,
				.module = module < UINT32_MAX ? (uint32_t)module : 0,
				.symbol_count = UINT32_MAX,
			};
	}
	return err;
}

static int decode_nodes(struct capture *c, const struct trk_block_header *h, struct byte_reader *r)
{
	int err = table_begin(c, TABLE_NODES, r);

	while (!err && table_next_item(c, r)) {
		const uint64_t up = get_varint(r), frame = get_varint(r);
		const uint32_t id = c->node_count;

		/* parent < id: so every walk to the root ends. */
		if (r->failed || up == 0 || up > id)
			return TRK_ERR_CORRUPT;
		err = table_append(c, TABLE_NODES);
		if (!err)
			c->nodes[id] = (struct cap_node){
				.parent = id - (uint32_t)up,
				.frame = frame < UINT32_MAX ? (uint32_t)frame : 0,
			};
	}
	return err;
}

static int decode_strings(struct capture *c, const struct trk_block_header *h,
			  struct byte_reader *r)
{
	int err = table_begin(c, TABLE_STRINGS, r);

	while (!err && table_next_item(c, r)) {
		const char *text;

		err = get_text(c, r, &text, NULL);
		if (!err && r->failed)
			err = TRK_ERR_CORRUPT;
		if (!err)
			err = table_append(c, TABLE_STRINGS);
		if (!err)
			c->strings[c->string_count - 1] = text;
	}
	return err;
}

/* Stored as value + 1; 0 means none, which is all ones here. */
static uint64_t get_optional(struct byte_reader *r)
{
	return get_varint(r) - 1;
}

static int decode_process(struct capture *c, struct byte_reader *r)
{
	const uint64_t index = get_varint(r);
	struct trk_process p = { .index = (uint32_t)index };
	int err = r->failed ? TRK_ERR_CORRUPT : table_reach(c, TABLE_PROCESSES, index);

	if (err)
		return err;
	p.pid = (uint32_t)get_varint(r);
	p.parent = (uint32_t)get_optional(r);
	p.ppid = (uint32_t)get_varint(r);
	p.origin = (uint32_t)get_varint(r);
	p.start_ns = get_varint(r);
	p.end_ns = get_optional(r);
	p.ended = (uint32_t)get_varint(r);
	p.code = (uint32_t)get_varint(r);
	err = get_text(c, r, &p.name, NULL);
	if (!err)
		err = get_text(c, r, &p.executable, NULL);
	if (!err)
		err = get_text(c, r, &p.command_line, &p.command_line_bytes);
	p.execs = (uint32_t)get_varint(r);
	if (!err)
		err = get_text(c, r, &p.libc, NULL);
	if (!err)
		err = get_text(c, r, &p.host, NULL);
	if (!err)
		err = get_text(c, r, &p.system, NULL);
	p.titled = (uint32_t)get_varint(r);
	if (!err)
		err = get_text(c, r, &p.title, NULL);
	p.attached_ns = get_varint(r);
	if (!err)
		c->processes[index] = p;
	return err;
}

static int decode_thread(struct capture *c, struct byte_reader *r)
{
	const uint64_t index = get_varint(r);
	struct trk_thread t = { .index = (uint32_t)index };
	int err = r->failed ? TRK_ERR_CORRUPT : table_reach(c, TABLE_THREADS, index);

	if (err)
		return err;
	t.process = (uint32_t)get_varint(r);
	t.tid = (uint32_t)get_varint(r);
	t.start_ns = get_varint(r);
	t.end_ns = get_optional(r);
	err = get_text(c, r, &t.name, NULL);
	t.main = get_varint(r) == 1;
	if (!err)
		c->threads[index] = t;
	return err;
}

static int decode_mapping(struct capture *c, struct byte_reader *r)
{
	const struct trk_mapping m = {
		.process = (uint32_t)get_varint(r),
		.module = (uint32_t)get_varint(r),
		.bias = get_varint(r),
		.start = get_varint(r),
		.end = get_varint(r),
		.load_time_ns = get_varint(r),
		.unload_time_ns = get_optional(r),
	};
	const int err = table_append(c, TABLE_MAPPINGS);

	if (!err)
		c->mappings[c->mapping_count - 1] = m;
	return err;
}

/* One without a name, and one of a domain that has a fixed name, say nothing. */
static int decode_domain(struct capture *c, struct byte_reader *r)
{
	const uint64_t process = get_varint(r), execs = get_varint(r), domain = get_varint(r);
	struct trk_domain d = { .process = (uint32_t)process, .execs = (uint32_t)execs, .domain = (uint32_t)domain };
	int err;

	if (process > UINT32_MAX || execs > UINT32_MAX || domain > UINT32_MAX)
		return TRK_ERR_CORRUPT;
	err = get_text(c, r, &d.name, NULL);
	if (err || !d.name[0] || d.domain < TRK_DOMAINS_FIXED)
		return err;
	err = table_append(c, TABLE_DOMAINS);
	if (!err)
		c->domains[c->domain_count - 1] = (struct cap_domain){ d, c->domain_count };
	return err;
}

/* The tables whose entries are records without a common `first`. */
static int decode_records(struct capture *c, const struct trk_block_header *h,
			  struct byte_reader *r)
{
	int err = 0;

	while (!err && table_next_item(c, r)) {
		struct byte_reader body = table_record(r);

		if (r->failed)
			return TRK_ERR_CORRUPT;
		if (h->type == TRK_BLOCK_PROCESSES)
			err = decode_process(c, &body);
		else if (h->type == TRK_BLOCK_THREADS)
			err = decode_thread(c, &body);
		else if (h->type == TRK_BLOCK_DOMAINS)
			err = decode_domain(c, &body);
		else
			err = decode_mapping(c, &body);
	}
	return err;
}

static int decode_rss(struct capture *c, const struct trk_block_header *h, struct byte_reader *r)
{
	uint64_t time_ns = h->first_time_ns;
	int err = 0;

	while (!err && table_next_item(c, r)) {
		struct cap_rss item = { .process = (uint32_t)get_varint(r) };

		time_ns += get_varint(r);
		item.time_ns = time_ns;
		item.rss_bytes = get_varint(r);
		if (r->failed)
			return TRK_ERR_CORRUPT;
		err = table_append(c, TABLE_RSS);
		if (!err)
			c->rss[c->rss_count - 1] = item;
	}
	return err;
}

static int decode_symbol(struct capture *c, struct byte_reader *r)
{
	const uint64_t function = get_varint(r), file = get_varint(r);
	const uint64_t line = get_varint(r), flags = get_varint(r);
	int err;

	if (r->failed)
		return TRK_ERR_CORRUPT;
	err = table_append_part(c, TABLE_SYMBOLS);
	if (!err)
		c->symbols[c->symbol_count - 1] = (struct trk_symbol){
			.function = function < UINT32_MAX ? (uint32_t)function : 0,
			.file = file < UINT32_MAX ? (uint32_t)file : 0,
			.line = line <= UINT32_MAX ? (uint32_t)line : 0,
			.inlined = flags & 1,
		};
	return err;
}

static int decode_symbols(struct capture *c, const struct trk_block_header *h,
			  struct byte_reader *r)
{
	int err = 0;

	while (!err && table_next_item(c, r)) {
		const uint64_t frame = get_varint(r), n = get_varint(r);
		const uint32_t first = c->symbol_count;

		if (r->failed)
			return TRK_ERR_CORRUPT;
		for (uint64_t i = 0; i < n && !err; i++)
			err = decode_symbol(c, r);
		if (!err && frame < c->frame_count) {
			c->frames[frame].first_symbol = first;
			c->frames[frame].symbol_count = (uint32_t)n;
		}
	}
	return err;
}

static int decode_notices(struct capture *c, const struct trk_block_header *h,
			  struct byte_reader *r)
{
	int err = 0;

	while (!err && table_next_item(c, r)) {
		const char *text;

		err = get_text(c, r, &text, NULL);
		if (!err && r->failed)
			err = TRK_ERR_CORRUPT;
		if (!err)
			err = table_append(c, TABLE_NOTICES);
		if (!err)
			c->notices[c->notice_count - 1] = text;
	}
	return err;
}

static int decode_marks(struct capture *c, const struct trk_block_header *h, struct byte_reader *r)
{
	uint64_t time_ns = 0;
	int err = 0;

	while (!err && table_next_item(c, r)) {
		struct cap_mark m = { .process = (uint32_t)get_varint(r),
				      .thread = (uint32_t)get_varint(r) };

		time_ns += (uint64_t)get_zigzag(r);
		m.time_ns = time_ns;
		err = get_text(c, r, &m.label, &m.label_bytes);
		if (!err && r->failed)
			err = TRK_ERR_CORRUPT;
		if (!err)
			err = table_append(c, TABLE_MARKS);
		if (!err)
			c->marks[c->mark_count - 1] = m;
	}
	return err;
}

static struct cap_value *find_value(struct cap_value *values, uint32_t count, const void *key,
				    size_t n)
{
	for (uint32_t i = 0; i < count; i++) {
		if (strlen(values[i].key) == n && memcmp(values[i].key, key, n) == 0)
			return &values[i];
	}
	return NULL;
}

/* HEALTH and SUMMARY: a later value replaces an earlier one. */
static int decode_values(struct capture *c, const struct trk_block_header *h, struct byte_reader *r)
{
	const enum table_id id = h->type == TRK_BLOCK_HEALTH ? TABLE_HEALTH : TABLE_SUMMARY;
	struct cap_value **values = id == TABLE_HEALTH ? &c->health : &c->summary;
	const uint32_t *count = c->private->tables[id].count;
	int err = 0;

	while (!err && table_next_item(c, r)) {
		const uint64_t n = get_varint(r);
		const uint8_t *key = get_bytes(r, n);
		const uint64_t value = get_varint(r);
		struct cap_value *known;

		if (r->failed || !key)
			return TRK_ERR_CORRUPT;
		known = find_value(*values, *count, key, n);
		if (known) {
			known->value = value;
			continue;
		}
		if (*count == KEYS_MAX)
			return TRK_ERR_CORRUPT;
		err = table_append(c, id);
		if (err)
			break;
		known = &(*values)[*count - 1];
		*known = (struct cap_value){ tables_keep_text(c, key, n), value };
		if (!known->key) {
			known->key = "";
			err = TRK_ERR_NOMEM;
		}
	}
	return err;
}

static int (*const decoders[])(struct capture *, const struct trk_block_header *,
			       struct byte_reader *) = {
	[TRK_BLOCK_MODULES] = decode_modules,
	[TRK_BLOCK_FRAMES] = decode_frames,
	[TRK_BLOCK_NODES] = decode_nodes,
	[TRK_BLOCK_STRINGS] = decode_strings,
	[TRK_BLOCK_PROCESSES] = decode_records,
	[TRK_BLOCK_THREADS] = decode_records,
	[TRK_BLOCK_MAPPINGS] = decode_records,
	[TRK_BLOCK_RSS] = decode_rss,
	[TRK_BLOCK_SYMBOLS] = decode_symbols,
	[TRK_BLOCK_NOTICES] = decode_notices,
	[TRK_BLOCK_HEALTH] = decode_values,
	[TRK_BLOCK_SUMMARY] = decode_values,
	[TRK_BLOCK_SUMS] = tables_decode_sums,
	[TRK_BLOCK_TOTALS] = tables_decode_totals,
	[TRK_BLOCK_SIZES] = tables_decode_sizes,
	[TRK_BLOCK_HISTORY] = tables_decode_history,
	[TRK_BLOCK_MARKS] = decode_marks,
	[TRK_BLOCK_DOMAINS] = decode_records,
};

bool tables_know(uint16_t type)
{
	return type < sizeof(decoders) / sizeof(*decoders) && decoders[type];
}

int tables_decode(struct capture *c, const struct trk_block_header *h, const uint8_t *raw)
{
	struct byte_reader r = byte_reader_of(raw, h->raw_bytes);
	int err;

	if (!tables_know(h->type))
		return 0;
	c->private->items_left = h->items;
	err = decoders[h->type](c, h, &r);
	return !err && r.failed ? TRK_ERR_CORRUPT : err;
}
