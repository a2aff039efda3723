/* looked_memory - see looked_memory.h. */
#include "replay/looked_memory.h"

#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "format/event.h"
#include "replay/reader.h"

#define PAGE_MIN 4096u
#define PAGE_MAX (1u << 20)

/* ---- the blocks of the file ---- */

int memory_heads_read(struct memory_heads *ret, const struct capture *c, uint32_t process)
{
	struct buffer stored = { 0 }, raw = { 0 };
	int err = 0;

	*ret = (struct memory_heads){ .numbers = calloc((size_t)c->look_count + 1, sizeof(*ret->numbers)),
				      .resident = calloc((size_t)c->look_count + 1, sizeof(*ret->resident)) };
	if (!ret->numbers || !ret->resident)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < c->look_count && !err; i++) {
		struct trk_block_header h;
		struct memory_part p;

		ret->resident[i] = UINT64_MAX;
		if (c->looks[i].type != TRK_BLOCK_MEMORY || (process != UINT32_MAX && c->looks[i].process != process))
			continue;
		err = reader_unpack_at(c, c->looks[i].offset, &stored, &raw, &h);
		if (!err)
			err = memory_part_open(&p, raw.bytes, h.raw_bytes);
		if (!err) {
			ret->numbers[i] = p.head.number;
			ret->resident[i] = p.part ? UINT64_MAX : p.head.resident;
		}
		ret->damaged |= err == TRK_ERR_CORRUPT; /* nobody knows of which look it tells */
		err = err == TRK_ERR_CORRUPT ? 0 : err;
	}
	free(stored.bytes);
	free(raw.bytes);
	return err;
}

void memory_heads_finish(struct memory_heads *h)
{
	free(h->numbers);
	free(h->resident);
	*h = (struct memory_heads){ 0 };
}

static int take_head(struct looked_memory *m, const struct trk_memory *head)
{
	m->head = *head;
	m->lacks = malloc(head->lacks_bytes + 1);
	if (!m->lacks)
		return TRK_ERR_NOMEM;
	memcpy(m->lacks, head->lacks, head->lacks_bytes);
	m->lacks[head->lacks_bytes] = 0;
	m->head.lacks = m->lacks;
	if (head->page_bytes < PAGE_MIN || head->page_bytes > PAGE_MAX || head->page_bytes & (head->page_bytes - 1))
		return TRK_ERR_CORRUPT;
	return 0;
}

static int take_part(struct looked_memory *m, const struct memory_part *p)
{
	for (unsigned i = 0; i < MEMORY_COLUMNS; i++) {
		struct byte_reader r = p->columns[i];
		const size_t bytes = bytes_left(&r);
		const uint8_t *const at = get_bytes(&r, bytes);

		if (!ARRAY_ROOM(m->columns[i], m->rooms[i], m->sizes[i] + bytes, 4096))
			return TRK_ERR_NOMEM;
		if (bytes)
			memcpy(m->columns[i] + m->sizes[i], at, bytes);
		m->sizes[i] += bytes;
	}
	m->whole = p->last;
	return 0;
}

/* *items: of all parts. */
static int take_parts(struct looked_memory *m, const struct capture *c, const uint32_t *numbers, uint32_t process, uint32_t number, uint64_t *items)
{
	struct buffer stored = { 0 }, raw = { 0 };
	uint32_t parts = 0;
	int err = 0;

	for (uint32_t i = 0; i < c->look_count && !err; i++) {
		struct trk_block_header h;
		struct memory_part p;

		if (c->looks[i].type != TRK_BLOCK_MEMORY || c->looks[i].process != process || numbers[i] != number)
			continue;
		err = reader_unpack_at(c, c->looks[i].offset, &stored, &raw, &h);
		if (!err)
			err = memory_part_open(&p, raw.bytes, h.raw_bytes);
		if (!err && (p.part != parts || m->whole))
			err = TRK_ERR_CORRUPT;
		if (!err && !parts++)
			err = take_head(m, &p.head);
		if (!err)
			err = take_part(m, &p);
		*items += err ? 0 : h.items;
	}
	free(stored.bytes);
	free(raw.bytes);
	if (err || (parts && m->whole))
		return err;
	return parts ? TRK_ERR_CORRUPT : TRK_END;
}

/* ---- what they hold ---- */

static int decode_areas(struct looked_memory *m, struct memory_decoder *d)
{
	struct trk_memory_area a;
	uint64_t heap_end = 0;
	int err;

	while (!(err = memory_next_area(d, &a))) {
		if (memory_area_is_heap(a.kind) && (a.start < heap_end || (a.start | a.end) & (m->head.page_bytes - 1)))
			return TRK_ERR_CORRUPT;
		if (memory_area_is_heap(a.kind))
			heap_end = a.end;
		if (!ARRAY_ROOM(m->areas, m->area_room, m->area_count + 1, 64))
			return TRK_ERR_NOMEM;
		m->areas[m->area_count++] = a;
	}
	return err;
}

static const struct trk_memory_area *next_heap(const struct looked_memory *m, uint32_t *area)
{
	while (*area < m->area_count && !memory_area_is_heap(m->areas[*area].kind))
		++*area;
	return *area < m->area_count ? &m->areas[*area] : NULL;
}

static int decode_runs(struct looked_memory *m, struct memory_decoder *d)
{
	uint32_t area = 0;
	const struct trk_memory_area *a = next_heap(m, &area);
	uint64_t at = a ? a->start : 0, pages;
	enum memory_page state;
	int err;

	while (!(err = memory_next_run(d, &pages, &state))) {
		if (!a || pages > (a->end - at) / m->head.page_bytes)
			return TRK_ERR_CORRUPT;
		if (state != MEMORY_ABSENT) {
			if (!ARRAY_ROOM(m->runs, m->run_room, m->run_count + 1, 256))
				return TRK_ERR_NOMEM;
			m->runs[m->run_count++] = (struct looked_run){ at, at + pages * m->head.page_bytes, state };
		}
		at += pages * m->head.page_bytes;
		if (at == a->end) {
			area++;
			a = next_heap(m, &area);
			at = a ? a->start : 0;
		}
	}
	return err;
}

static int decode_chunks(struct looked_memory *m, struct memory_decoder *d)
{
	struct trk_memory_chunk chunk;
	int err;

	while (!(err = memory_next_chunk(d, &chunk))) {
		if (!ARRAY_ROOM(m->chunks, m->chunk_room, m->chunk_count + 1, 256))
			return TRK_ERR_NOMEM;
		m->chunks[m->chunk_count++] = chunk;
	}
	return err;
}

static int decode_extras(struct looked_memory *m, struct memory_decoder *d)
{
	struct trk_memory_extra extra;
	int err;

	while (!(err = memory_next_extra(d, &extra))) {
		if (!ARRAY_ROOM(m->extras, m->extra_room, m->extra_count + 1, 256))
			return TRK_ERR_NOMEM;
		m->extras[m->extra_count++] = extra;
	}
	return err;
}

static int decode_contents(struct looked_memory *m, struct memory_decoder *d)
{
	uint64_t content;
	int err;

	while (!(err = memory_next_content(d, &content))) {
		if (content > UINT32_MAX)
			return TRK_ERR_CORRUPT;
		if (!ARRAY_ROOM(m->contents, m->content_room, m->content_count + 1, 1024))
			return TRK_ERR_NOMEM;
		m->contents[m->content_count++] = (uint32_t)content;
	}
	return err;
}

/* An area without bytes has no runs. */
static bool has_empty_heap(const struct looked_memory *m)
{
	for (uint32_t i = 0; i < m->area_count; i++)
		if (memory_area_is_heap(m->areas[i].kind) && m->areas[i].start == m->areas[i].end)
			return true;
	return false;
}

int looked_memory_read(struct looked_memory *m, const struct capture *c, const uint32_t *numbers, uint32_t process, uint32_t number)
{
	static int (*const decode[])(struct looked_memory *, struct memory_decoder *) = { decode_areas, decode_runs, decode_chunks, decode_extras, decode_contents };
	struct memory_decoder d = { 0 };
	uint64_t items = 0;
	int err;

	*m = (struct looked_memory){ 0 };
	err = take_parts(m, c, numbers, process, number, &items);
	for (unsigned i = 0; i < MEMORY_COLUMNS; i++)
		d.columns[i] = m->sizes[i] ? byte_reader_of(m->columns[i], m->sizes[i]) : byte_reader_of("", 0);
	for (size_t i = 0; i < sizeof(decode) / sizeof(*decode) && !err; i++) {
		err = decode[i](m, &d);
		err = err == TRK_END ? 0 : err;
		if (!err && has_empty_heap(m))
			err = TRK_ERR_CORRUPT;
	}
	if (!err && (uint64_t)m->area_count + m->run_count + m->chunk_count + m->extra_count + m->content_count > items)
		err = TRK_ERR_CORRUPT;
	return err;
}

void looked_memory_finish(struct looked_memory *m)
{
	for (unsigned i = 0; i < MEMORY_COLUMNS; i++)
		free(m->columns[i]);
	free(m->areas);
	free(m->runs);
	free(m->chunks);
	free(m->extras);
	free(m->contents);
	free(m->lacks);
	*m = (struct looked_memory){ 0 };
}

/* ---- questions ---- */

uint64_t looked_bytes(struct looked_place *p, uint64_t start, uint64_t end, enum memory_page state)
{
	const struct looked_memory *const m = p->memory;
	uint64_t sum = 0;

	while (p->run < m->run_count && m->runs[p->run].end <= start)
		p->run++;
	for (uint32_t i = p->run; i < m->run_count && m->runs[i].start < end; i++) {
		const uint64_t from = m->runs[i].start > start ? m->runs[i].start : start, to = m->runs[i].end < end ? m->runs[i].end : end;

		if (m->runs[i].state == state && from < to)
			sum += to - from;
	}
	return sum;
}

struct trk_memory_extra looked_extra(const struct looked_memory *m, uint32_t *at, uint32_t block, uint64_t size)
{
	while (*at < m->extra_count && m->extras[*at].block < block)
		++*at;
	if (*at < m->extra_count && m->extras[*at].block == block)
		return m->extras[*at];
	return m->head.flags & MEMORY_GLIBC ? memory_usual(size) : (struct trk_memory_extra){ 0 };
}
