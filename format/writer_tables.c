/*
 * writer_tables - everything a capture holds beside events: tables of ids,
 * records, names, values. One pending payload per block type.
 */
#include "format/array.h"
#include "format/event.h"
#include "format/writer_private.h"

#include <errno.h>
#include <stdlib.h>

#define SYMBOLS_MAX 1024u /* inlined frames of one address */
#define SYMBOLS_LEAST 2048u

/* ---- payloads ---- */

/* Room for n more bytes, or NULL: an error is set and nothing may be added. */
static uint8_t *payload_reserve(struct writer *w, struct payload *t, size_t n)
{
	if (w->error)
		return NULL;
	if (ARRAY_ROOM(t->bytes, t->room, t->size + n, 4096))
		return t->bytes + t->size;
	writer_stop(w, ENOMEM);
	return NULL;
}

uint8_t *writer_item_begin(struct writer *w, enum trk_block_type type, size_t n, uint32_t id)
{
	struct payload *t = &w->tables[type];
	uint8_t *p = payload_reserve(w, t, n + TRK_VARINT_MAX);

	if (!p || t->items)
		return p;
	t->first_time_ns = t->last_time_ns = 0;
	t->last_offset = t->last_size = 0;
	t->last_node = t->last_process = 0;
	return id ? put_varint(p, id) : p;
}

void writer_item_end(struct writer *w, enum trk_block_type type, const uint8_t *end)
{
	struct payload *t = &w->tables[type];

	t->size = (size_t)(end - t->bytes);
	t->items++;
	if (t->size >= BLOCK_BYTES)
		writer_write_tables(w);
}

static size_t cut(size_t size)
{
	return size < STRING_MAX ? size : STRING_MAX;
}

static uint8_t *put_string(uint8_t *p, const char *s, size_t size)
{
	const size_t n = cut(size);

	p = put_varint(p, n);
	if (n)
		memcpy(p, s, n);
	return p + n;
}

static size_t length(const char *s)
{
	return s ? strlen(s) : 0;
}

uint8_t *writer_record_begin(struct writer *w)
{
	w->record.size = 0;
	return payload_reserve(w, &w->record, RECORD_MAX);
}

void writer_record_end(struct writer *w, enum trk_block_type type, const uint8_t *end, uint32_t id)
{
	const size_t n = (size_t)(end - w->record.bytes);
	uint8_t *p = writer_item_begin(w, type, n + TRK_VARINT_MAX, id);

	if (!p)
		return;
	p = put_varint(p, n);
	memcpy(p, w->record.bytes, n);
	writer_item_end(w, type, p + n);
}

/* end times: 0 is "not known", so that a missing field means it, too. */
static uint64_t end_plus_one(uint64_t end_ns)
{
	return end_ns == UINT64_MAX ? 0 : end_ns + 1;
}

/* ---- tables of ids ---- */

/* The key of a module: its record's body without the flags, i.e. path and build-id, and behind it the file's identity. */
uint32_t writer_module(struct writer *w, const struct trk_module *m)
{
	uint8_t *p = writer_record_begin(w), *end;
	uint32_t id;
	bool new;

	if (!p)
		return 0;
	p = put_string(p, m->path, length(m->path));
	p = put_string(p, (const char *)m->build_id, m->build_id_bytes);
	end = put_varint(p, m->identity);
	id = pool_find(&w->modules, w->record.bytes, (uint32_t)(end - w->record.bytes), &new);
	if (!id)
		writer_stop(w, ENOMEM);
	if (new)
		writer_record_end(w, TRK_BLOCK_MODULES, put_varint(p, m->flags), id);
	return id;
}

uint32_t writer_frame(struct writer *w, uint32_t module, uint64_t offset)
{
	struct payload *t = &w->tables[TRK_BLOCK_FRAMES];
	bool new;
	const uint32_t id = frame_table_find(&w->frames, module, offset, &new);
	uint8_t *p;

	if (!id)
		writer_stop(w, ENOMEM);
	if (!new)
		return id;
	p = writer_item_begin(w, TRK_BLOCK_FRAMES, 2 * TRK_VARINT_MAX, id);
	if (!p)
		return id;
	p = put_varint(p, module);
	p = put_zigzag(p, (int64_t)(offset - t->last_offset));
	t->last_offset = offset;
	writer_item_end(w, TRK_BLOCK_FRAMES, p);
	return id;
}

uint32_t writer_node(struct writer *w, uint32_t parent, uint32_t frame)
{
	bool new;
	const uint32_t id = node_table_find(&w->nodes, parent, frame, &new);
	uint8_t *p;

	if (!id)
		writer_stop(w, ENOMEM);
	if (!new)
		return id;
	p = writer_item_begin(w, TRK_BLOCK_NODES, 2 * TRK_VARINT_MAX, id);
	if (!p)
		return id;
	p = put_varint(p, id - parent);
	writer_item_end(w, TRK_BLOCK_NODES, put_varint(p, frame));
	return id;
}

uint32_t writer_node_get(const struct writer *w, uint32_t node, uint32_t *ret_frame)
{
	*ret_frame = w->nodes.entries[node].frame;
	return w->nodes.entries[node].parent;
}

uint32_t writer_string(struct writer *w, const char *bytes, size_t size)
{
	uint32_t id;
	bool new;
	uint8_t *p;

	if (!size)
		return 0;
	id = pool_find(&w->strings, bytes, (uint32_t)cut(size), &new);
	if (!id || id > UINT32_MAX - w->strings_before) {
		writer_stop(w, ENOMEM);
		return 0;
	}
	id += w->strings_before;
	if (!new)
		return id;
	p = writer_item_begin(w, TRK_BLOCK_STRINGS, TRK_VARINT_MAX + cut(size), id);
	if (p)
		writer_item_end(w, TRK_BLOCK_STRINGS, put_string(p, bytes, size));
	return id;
}

uint32_t writer_node_count(const struct writer *w)
{
	return w->nodes.count;
}

uint32_t writer_frame_count(const struct writer *w)
{
	return w->frames.count;
}

void writer_frame_get(const struct writer *w, uint32_t frame, uint32_t *ret_module,
		      uint64_t *ret_offset)
{
	*ret_module = w->frames.entries[frame].module;
	*ret_offset = w->frames.entries[frame].offset;
}

/* ---- records ---- */

void writer_process(struct writer *w, const struct trk_process *r)
{
	uint8_t *p = writer_record_begin(w);

	if (!p)
		return;
	p = put_varint(p, r->index);
	p = put_varint(p, r->pid);
	p = put_varint(p, r->parent == UINT32_MAX ? 0 : (uint64_t)r->parent + 1);
	p = put_varint(p, r->ppid);
	p = put_varint(p, r->origin);
	p = put_varint(p, r->start_ns);
	p = put_varint(p, end_plus_one(r->end_ns));
	p = put_varint(p, r->ended);
	p = put_varint(p, r->code);
	p = put_string(p, r->name, length(r->name));
	p = put_string(p, r->executable, length(r->executable));
	p = put_string(p, r->command_line, r->command_line ? r->command_line_bytes : 0);
	p = put_varint(p, r->execs);
	p = put_string(p, r->libc, length(r->libc));
	p = put_string(p, r->host, length(r->host));
	p = put_string(p, r->system, length(r->system));
	p = put_varint(p, r->titled);
	p = put_string(p, r->title, length(r->title));
	if (r->origin == TRK_ATTACHED)
		p = put_varint(p, r->attached_ns);
	writer_record_end(w, TRK_BLOCK_PROCESSES, p, 0);
}

void writer_thread(struct writer *w, const struct trk_thread *r)
{
	uint8_t *p = writer_record_begin(w);

	if (!p)
		return;
	p = put_varint(p, r->index);
	p = put_varint(p, r->process);
	p = put_varint(p, r->tid);
	p = put_varint(p, r->start_ns);
	p = put_varint(p, end_plus_one(r->end_ns));
	p = put_string(p, r->name, length(r->name));
	p = put_varint(p, r->main);
	writer_record_end(w, TRK_BLOCK_THREADS, p, 0);
}

void writer_mapping(struct writer *w, const struct trk_mapping *r)
{
	uint8_t *p = writer_record_begin(w);

	if (!p)
		return;
	p = put_varint(p, r->process);
	p = put_varint(p, r->module);
	p = put_varint(p, r->bias);
	p = put_varint(p, r->start);
	p = put_varint(p, r->end);
	p = put_varint(p, r->load_time_ns);
	p = put_varint(p, end_plus_one(r->unload_time_ns));
	writer_record_end(w, TRK_BLOCK_MAPPINGS, p, 0);
}

void writer_domain(struct writer *w, const struct trk_domain *r)
{
	uint8_t *p = writer_record_begin(w);
	const size_t bytes = length(r->name);

	if (!p)
		return;
	p = put_varint(p, r->process);
	p = put_varint(p, r->execs);
	p = put_varint(p, r->domain);
	p = put_string(p, r->name, bytes < TRK_DOMAIN_NAME_MAX ? bytes : TRK_DOMAIN_NAME_MAX);
	writer_record_end(w, TRK_BLOCK_DOMAINS, p, 0);
}

void writer_rss(struct writer *w, uint32_t process, uint64_t time_ns, uint64_t rss_bytes)
{
	struct payload *t = &w->tables[TRK_BLOCK_RSS];
	uint8_t *p = writer_item_begin(w, TRK_BLOCK_RSS, 3 * TRK_VARINT_MAX, 0);

	if (!p)
		return;
	if (!t->items)
		t->first_time_ns = t->last_time_ns = time_ns;
	if (time_ns < t->last_time_ns)
		time_ns = t->last_time_ns;
	p = put_varint(p, process);
	p = put_varint(p, time_ns - t->last_time_ns);
	t->last_time_ns = time_ns;
	writer_item_end(w, TRK_BLOCK_RSS, put_varint(p, rss_bytes));
}

void writer_limit_symbols(struct writer *w, uint64_t bytes)
{
	w->symbols_limit = bytes;
}

bool writer_symbols_left_out(const struct writer *w)
{
	return w->symbols_left_out;
}

/* Once an item did not fit, none fits: the rest is too little to be worth small blocks. */
static bool symbols_fit(struct writer *w, uint64_t bytes)
{
	bytes += 2 * TRK_BLOCK_HEADER_BYTES + 2 * TRK_VARINT_MAX;
	if (!w->symbols_limit)
		return true;
	if (!w->symbols_left_out && writer_bytes_bound(w) + bytes > w->symbols_limit) {
		writer_write_tables(w);
		w->symbols_left_out = writer_bytes_bound(w) + bytes + SYMBOLS_LEAST > w->symbols_limit;
	}
	return !w->symbols_left_out;
}

/* With these, readers find a mark without reading the events. The times of different processes may go back. */
void writer_mark(struct writer *w, const struct trk_event *e)
{
	struct payload *t = &w->tables[TRK_BLOCK_MARKS];
	uint8_t *p = writer_item_begin(w, TRK_BLOCK_MARKS, 5 * TRK_VARINT_MAX + TRK_LABEL_MAX, 0);
	const uint32_t bytes = e->label_bytes < TRK_LABEL_MAX ? e->label_bytes : TRK_LABEL_MAX;

	if (!p)
		return;
	p = put_varint(p, e->process);
	p = put_varint(p, e->thread);
	p = put_zigzag(p, (int64_t)(e->time_ns - t->last_offset));
	t->last_offset = e->time_ns;
	writer_item_end(w, TRK_BLOCK_MARKS, put_string(p, e->label, bytes));
}

static void put_symbols(struct writer *w, uint32_t frame, const struct trk_symbol *s, size_t n)
{
	uint8_t *p = writer_item_begin(w, TRK_BLOCK_SYMBOLS, (2 + 4 * n) * TRK_VARINT_MAX, 0);

	if (!p)
		return;
	p = put_varint(p, frame);
	p = put_varint(p, n);
	for (size_t i = 0; i < n; i++) {
		p = put_varint(p, s[i].function);
		p = put_varint(p, s[i].file);
		p = put_varint(p, s[i].line);
		p = put_varint(p, s[i].inlined);
	}
	writer_item_end(w, TRK_BLOCK_SYMBOLS, p);
}

uint32_t writer_symbols_string(struct writer *w, const char *bytes, size_t size)
{
	return symbols_fit(w, TRK_VARINT_MAX + cut(size)) ? writer_string(w, bytes, size) : 0;
}

void writer_symbols_by_id(struct writer *w, uint32_t frame, const struct trk_symbol *s, size_t n)
{
	if (n > SYMBOLS_MAX)
		n = SYMBOLS_MAX;
	if (symbols_fit(w, (2 + 4 * n) * TRK_VARINT_MAX))
		put_symbols(w, frame, s, n);
}

void writer_symbols(struct writer *w, uint32_t frame, const struct trk_symbol_text *s, size_t n)
{
	struct trk_symbol ids[SYMBOLS_MAX];
	uint64_t bytes = 0;

	if (n > SYMBOLS_MAX)
		n = SYMBOLS_MAX;
	for (size_t i = 0; i < n; i++)
		bytes += 6 * TRK_VARINT_MAX + cut(length(s[i].function)) + cut(length(s[i].file));
	if (!symbols_fit(w, bytes))
		return;
	for (size_t i = 0; i < n; i++)
		ids[i] = (struct trk_symbol){ .function = writer_string(w, s[i].function, length(s[i].function)),
					      .file = writer_string(w, s[i].file, length(s[i].file)),
					      .line = s[i].line,
					      .inlined = s[i].inlined };
	put_symbols(w, frame, ids, n);
}

void writer_notice(struct writer *w, const char *sentence)
{
	const size_t size = length(sentence);
	uint8_t *p = writer_item_begin(w, TRK_BLOCK_NOTICES, TRK_VARINT_MAX + cut(size), 0);

	if (p)
		writer_item_end(w, TRK_BLOCK_NOTICES, put_string(p, sentence, size));
}

static void put_value(struct writer *w, enum trk_block_type type, const char *key, uint64_t value)
{
	const size_t size = length(key);
	uint8_t *p = writer_item_begin(w, type, 2 * TRK_VARINT_MAX + cut(size), 0);

	if (!p)
		return;
	p = put_string(p, key, size);
	writer_item_end(w, type, put_varint(p, value));
}

void writer_health(struct writer *w, const char *key, uint64_t value)
{
	put_value(w, TRK_BLOCK_HEALTH, key, value);
}

void writer_summary(struct writer *w, const char *key, uint64_t value)
{
	put_value(w, TRK_BLOCK_SUMMARY, key, value);
}
