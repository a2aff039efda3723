/* ledger - see ledger.h. */
#include "ledger.h"

#include <stdlib.h>
#include <string.h>

#include "format/array.h"

#define SHIFT 8u /* the last bytes of a chunk stand in the first ones of the next, as long as no free chunk needs them */
#define TRIM_INSIDE 48u /* malloc_trim keeps so much at the beginning of a free chunk: struct malloc_chunk */
#define TRIM_TOP 33u /* ... and of the last one: the smallest chunk, and a byte */

struct making {
	struct ledger *l;
	const struct looked *look;
	const struct looked_memory *m;
	struct looked_place resident, swapped;
	uint32_t block, chunk, extra;
};

static const enum ledger_row row_of_area[MEMORY_AREA_KINDS] = {
	[MEMORY_UNKNOWN] = LEDGER_UNKNOWN,
	[MEMORY_FILE] = LEDGER_FILES,
	[MEMORY_STACK] = LEDGER_STACKS,
	[MEMORY_OLD_STACK] = LEDGER_OLD_STACKS,
	[MEMORY_HEAP] = LEDGER_HELD,
	[MEMORY_ARENA] = LEDGER_HELD,
	[MEMORY_CHUNK] = LEDGER_HELD,
	[MEMORY_ALLOCATOR] = LEDGER_HELD,
	[MEMORY_MAPPED] = LEDGER_MAPPED,
	[MEMORY_SHARED] = LEDGER_SHARED,
	[MEMORY_KERNEL] = LEDGER_KERNEL,
	[MEMORY_TRACKER] = LEDGER_TRACKER,
};

static const enum ledger_row row_of_chunk[MEMORY_CHUNK_KINDS] = {
	[MEMORY_IN_USE] = LEDGER_IN_USE,
	[MEMORY_TCACHE] = LEDGER_TCACHE,
	[MEMORY_FASTBIN] = LEDGER_FASTBIN,
	[MEMORY_UNSORTED] = LEDGER_UNSORTED,
	[MEMORY_SMALL] = LEDGER_SMALL,
	[MEMORY_LARGE] = LEDGER_LARGE,
	[MEMORY_TOP] = LEDGER_TOP,
	[MEMORY_OWN] = LEDGER_OWN,
};

/* What of the span is in memory goes into the row, and is taken from what the heap holds otherwise. */
static uint64_t put(struct making *k, enum ledger_row row, uint64_t start, uint64_t end)
{
	const uint64_t resident = looked_bytes(&k->resident, start, end, MEMORY_RESIDENT), swapped = looked_bytes(&k->swapped, start, end, MEMORY_SWAPPED);

	k->l->resident[row] += resident;
	k->l->swapped[row] += swapped;
	k->l->resident[LEDGER_HELD] -= resident;
	k->l->swapped[LEDGER_HELD] -= swapped;
	return resident + swapped;
}

/* Never before the end of what came before, nor behind the area: a damaged file may say anything. */
static uint64_t within(uint64_t address, uint64_t low, uint64_t high)
{
	return address < low ? low : address > high ? high :
						      address;
}

/* Returns the end of its chunk. */
static uint64_t put_block(struct making *k, const struct trk_memory_area *a, uint64_t from)
{
	const struct looked_block *const b = &k->look->blocks[k->block];
	const struct trk_memory_extra e = looked_extra(k->m, &k->extra, k->block, b->size);
	const uint64_t start = within(b->address, from, a->end), end = within(b->address + b->size, start, a->end);
	const uint64_t header = e.header < start - from ? start - e.header : from, behind = within(end + e.slack, end, a->end);
	struct ledger_heap *const heap = &k->l->heaps[k->l->heap_count - 1];
	const uint64_t before = k->l->resident[LEDGER_LIVE] + k->l->resident[LEDGER_SLACK] + k->l->resident[LEDGER_HEADERS];

	put(k, LEDGER_HEADERS, header, start);
	k->l->untouched += end - start - put(k, LEDGER_LIVE, start, end);
	put(k, LEDGER_SLACK, end, behind);
	heap->live += k->l->resident[LEDGER_LIVE] + k->l->resident[LEDGER_SLACK] + k->l->resident[LEDGER_HEADERS] - before;
	heap->count++;
	k->block++;
	return behind;
}

static const struct trk_memory_chunk *chunk_in(const struct making *k, const struct trk_memory_area *a)
{
	return k->chunk < k->m->chunk_count && k->m->chunks[k->chunk].start < a->end ? &k->m->chunks[k->chunk] : NULL;
}

static bool is_block_next(const struct making *k, const struct trk_memory_area *a)
{
	const struct trk_memory_chunk *const c = chunk_in(k, a);

	return k->block < k->look->count && k->look->blocks[k->block].address < a->end && (!c || k->look->blocks[k->block].address < c->start);
}

static int put_heap(struct making *k, const struct trk_memory_area *a)
{
	struct ledger *const l = k->l;
	const uint32_t first = k->block;
	uint64_t at = a->start;

	if (!ARRAY_ROOM(l->heaps, l->heap_room, l->heap_count + 1, 16))
		return TRK_ERR_NOMEM;
	l->heaps[l->heap_count++] = (struct ledger_heap){ .start = a->start, .bytes = a->end - a->start, .resident = a->resident, .kind = a->kind };
	for (;;) {
		const struct trk_memory_chunk *const c = chunk_in(k, a);

		if (is_block_next(k, a)) {
			at = put_block(k, a, at);
		} else if (c) {
			const uint64_t start = within(c->start == a->start ? c->start : c->start + SHIFT, at, a->end);

			at = within(c->start + c->bytes + SHIFT, start, a->end);
			put(k, c->kind < MEMORY_CHUNK_KINDS ? row_of_chunk[c->kind] : LEDGER_HELD, start, at);
			k->chunk++;
		} else {
			break;
		}
	}
	return a->kind == MEMORY_CHUNK ? 0 : ledger_find_pins(l, k->look, k->m, a, first, k->block);
}

/* Blocks and chunks that lie before the area lie nowhere. */
static void skip_to(struct making *k, uint64_t address)
{
	while (k->block < k->look->count && k->look->blocks[k->block].address < address)
		k->block++;
	while (k->chunk < k->m->chunk_count && k->m->chunks[k->chunk].start < address)
		k->chunk++;
}

/* ---- files ---- */

static int add_file(struct ledger *l, const struct trk_memory_area *a)
{
	if (!ARRAY_ROOM(l->files, l->file_room, l->file_count + 1, 64))
		return TRK_ERR_NOMEM;
	l->files[l->file_count++] = (struct ledger_file){ a->name, a->name_bytes, a->resident, a->swapped };
	return 0;
}

static int compare_names(const struct ledger_file *a, const struct ledger_file *b)
{
	const size_t n = a->name_bytes < b->name_bytes ? a->name_bytes : b->name_bytes;
	const int names = n ? memcmp(a->name, b->name, n) : 0;

	return names ? names : a->name_bytes < b->name_bytes ? -1 :
							       a->name_bytes > b->name_bytes;
}

static int by_name(const void *left, const void *right)
{
	return compare_names(left, right);
}

static int by_resident(const void *left, const void *right)
{
	const struct ledger_file *const a = left, *const b = right;

	if (a->resident != b->resident)
		return a->resident < b->resident ? 1 : -1;
	return compare_names(a, b);
}

/* One row for each file, the biggest first. */
static void join_files(struct ledger *l)
{
	uint32_t n = 0;

	if (!l->file_count)
		return;
	qsort(l->files, l->file_count, sizeof(*l->files), by_name);
	for (uint32_t i = 0; i < l->file_count; i++) {
		if (n && compare_names(&l->files[n - 1], &l->files[i]) == 0) {
			l->files[n - 1].resident += l->files[i].resident;
			l->files[n - 1].swapped += l->files[i].swapped;
		} else {
			l->files[n++] = l->files[i];
		}
	}
	l->file_count = n;
	qsort(l->files, n, sizeof(*l->files), by_resident);
}

/* ---- what malloc_trim(0) would give back ---- */

static bool is_free(uint32_t kind)
{
	return kind == MEMORY_FASTBIN || kind == MEMORY_UNSORTED || kind == MEMORY_SMALL || kind == MEMORY_LARGE;
}

static uint64_t up(uint64_t address, uint64_t unit)
{
	return (address + unit - 1) & ~(unit - 1);
}

/* Addresses of later calls are higher. *area: 0 at first. */
static bool is_first_heap(const struct looked_memory *m, uint32_t *area, uint64_t address)
{
	while (*area < m->area_count && (m->areas[*area].kind != MEMORY_HEAP || m->areas[*area].end <= address))
		++*area;
	return *area < m->area_count && m->areas[*area].start <= address;
}

/* It joins fastbins with their neighbours first. Of the first heap it gives the end back, of others only pages inside. */
static uint64_t trimmed(const struct looked_memory *m)
{
	struct looked_place place = { .memory = m };
	const uint64_t page = m->head.page_bytes;
	uint64_t sum = 0;
	uint32_t area = 0;

	for (uint32_t i = 0, end; i < m->chunk_count; i = end) {
		const uint64_t start = m->chunks[i].start;
		uint64_t last, bytes, from;
		bool top;

		end = i + 1;
		if (!is_free(m->chunks[i].kind) && m->chunks[i].kind != MEMORY_TOP)
			continue;
		while (end < m->chunk_count && m->chunks[end].start == m->chunks[end - 1].start + m->chunks[end - 1].bytes &&
		       m->chunks[end - 1].kind != MEMORY_TOP && (is_free(m->chunks[end].kind) || m->chunks[end].kind == MEMORY_TOP))
			end++;
		top = m->chunks[end - 1].kind == MEMORY_TOP;
		last = m->chunks[end - 1].start + m->chunks[end - 1].bytes;
		bytes = last - start;
		if (top && (bytes <= TRIM_TOP || !is_first_heap(m, &area, start)))
			continue;
		from = top ? last - (bytes - TRIM_TOP) / page * page : up(start + TRIM_INSIDE, page);
		if (from < last)
			sum += looked_bytes(&place, from, top ? last : from + (last - from) / page * page, MEMORY_RESIDENT);
	}
	return sum;
}

/* ---- the whole ---- */

/* If there are more pages than their areas are said to have, then nothing is held, and the sum is that of the rows. */
static void settle_held(uint64_t *held, uint64_t *sum)
{
	if (*held <= INT64_MAX)
		return;
	*sum -= *held;
	*held = 0;
}

int ledger_make(struct ledger *l, const struct looked *look, const struct looked_memory *m)
{
	struct making k = { .l = l, .look = look, .m = m, .resident.memory = m, .swapped.memory = m };
	int err = 0;

	*l = (struct ledger){ 0 };
	for (uint32_t i = 0; i < m->area_count && !err; i++) {
		const struct trk_memory_area *const a = &m->areas[i];
		const enum ledger_row row = a->kind < MEMORY_AREA_KINDS ? row_of_area[a->kind] : LEDGER_UNKNOWN;

		l->resident[row] += a->resident;
		l->swapped[row] += a->swapped;
		l->sum += a->resident;
		l->sum_swapped += a->swapped;
		l->huge += a->huge;
		if (a->kind == MEMORY_FILE)
			err = add_file(l, a);
		if (memory_area_is_heap(a->kind) && a->start < a->end) {
			skip_to(&k, a->start);
			err = put_heap(&k, a);
		}
	}
	join_files(l);
	settle_held(&l->resident[LEDGER_HELD], &l->sum);
	settle_held(&l->swapped[LEDGER_HELD], &l->sum_swapped);
	ledger_join_pins(l);
	l->trim = trimmed(m);
	return err;
}

void ledger_finish(struct ledger *l)
{
	free(l->heaps);
	free(l->files);
	free(l->pins);
	*l = (struct ledger){ 0 };
}
