/* heap_query - what is live, and the totals; see heap.h. */
#include "replay/heap_private.h"

static void add_totals(struct heap_totals *sum, const struct heap_totals *t)
{
	sum->allocations += t->allocations;
	sum->frees += t->frees;
	sum->unmatched_frees += t->unmatched_frees;
	sum->bytes_allocated += t->bytes_allocated;
	sum->bytes_freed += t->bytes_freed;
	sum->live_bytes += t->live_bytes;
	sum->live_blocks += t->live_blocks;
	sum->temporary += t->temporary;
	sum->temporary_bytes += t->temporary_bytes;
	sum->lost += t->lost;
	sum->overwritten += t->overwritten;
	sum->wiped_blocks += t->wiped_blocks;
	sum->wiped_bytes += t->wiped_bytes;
	sum->late += t->late;
	sum->restored_blocks += t->restored_blocks;
	sum->restored_bytes += t->restored_bytes;
	sum->reserved_bytes += t->reserved_bytes;
	sum->reserved_mappings += t->reserved_mappings;
	for (size_t i = 0; i < sizeof(t->kind_count) / sizeof(*t->kind_count); i++) {
		sum->kind_count[i] += t->kind_count[i];
		sum->kind_bytes[i] += t->kind_bytes[i];
	}
	sampling_join(&sum->allocated_error, &t->allocated_error);
	sampling_join(&sum->freed_error, &t->freed_error);
	sampling_join(&sum->live_error, &t->live_error);
	sampling_join(&sum->temporary_error, &t->temporary_error);
}

const struct heap_totals *heap_totals(const struct heap *h)
{
	/* The sum is kept where the caller may look at it; nothing else changes. */
	struct heap_totals *sum = &((struct heap *)h)->totals;
	const struct heap_totals peak = *sum;

	*sum = (struct heap_totals){
		.peak_bytes = peak.peak_bytes,
		.peak_blocks = peak.peak_blocks,
		.peak_time_ns = peak.peak_time_ns,
		.peak_event = peak.peak_event,
		.peak_error = peak.peak_error,
		.peak_reserved_bytes = peak.peak_reserved_bytes,
		.most_reserved_bytes = peak.most_reserved_bytes,
		.most_reserved_mappings = peak.most_reserved_mappings,
	};
	for (uint32_t i = 0; i < h->process_room; i++) {
		if (h->processes[i])
			add_totals(sum, &h->processes[i]->totals);
	}
	return sum;
}

double heap_turns(const struct heap_totals *t)
{
	return t->peak_bytes ? 4.0 * (double)t->bytes_allocated / (double)t->peak_bytes : 0;
}

void heap_estimate(const struct heap *h, const struct heap_block *b, struct sampling_estimate *ret)
{
	const uint64_t seed = (b->address ^ b->size << 40 ^ b->time_ns << 20) +
			      ((uint64_t)b->thread << 32 | b->serial) * 0x9e3779b97f4a7c15ull;

	if (h->sample_bytes && trk_kind_among(b->kind, TRK_KINDS_WITH(TRK_SAMPLED)))
		sampling_estimate(h->sample_bytes, b->size, seed, ret);
	else
		*ret = (struct sampling_estimate){ .bytes = b->size, .count = 1 };
}

uint32_t heap_last_ref(const struct heap *h)
{
	return h->last_ref;
}

uint64_t heap_now_bytes(const struct heap *h)
{
	return h->now_bytes;
}

uint64_t heap_now_blocks(const struct heap *h)
{
	return h->now_blocks;
}

uint64_t heap_events(const struct heap *h)
{
	return h->events;
}

uint64_t heap_marks(const struct heap *h)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < h->process_room; i++)
		n += h->processes[i] ? h->processes[i]->marks : 0;
	return n;
}

bool heap_knows_process(const struct heap *h, uint32_t process)
{
	return process < h->process_room && h->processes[process];
}

const struct heap_totals *heap_process_totals(const struct heap *h, uint32_t process)
{
	static const struct heap_totals none;

	return heap_knows_process(h, process) ? &h->processes[process]->totals : &none;
}

bool heap_find(const struct heap *h, uint32_t process, uint32_t domain, uint64_t address, struct heap_block *ret)
{
	struct heap_process *const p = process < h->process_room ? h->processes[process] : NULL;
	uint32_t place;

	/* a block that is asked for by address is put into the table, as a release of it would do */
	if (!p || (p->blocks.settled < p->blocks.newest && blocks_settle(&p->blocks) != 0))
		return false;
	place = blocks_find(&p->blocks, BLOCKS_DOMAIN(domain), address);
	if (place != BLOCKS_NONE)
		*ret = blocks_at(&p->blocks, place)->b;
	return place != BLOCKS_NONE;
}

void heap_set_user(struct heap *h, uint32_t process, uint32_t domain, uint64_t address, uint32_t user)
{
	struct heap_process *const p = process < h->process_room ? h->processes[process] : NULL;
	const uint32_t place = p ? blocks_find(&p->blocks, BLOCKS_DOMAIN(domain), address) : BLOCKS_NONE;

	if (place != BLOCKS_NONE)
		blocks_at(&p->blocks, place)->b.user = user;
}

bool heap_is_mapped(const struct heap *h, uint32_t process, uint64_t address, uint64_t size)
{
	const struct heap_process *p = process < h->process_room ? h->processes[process] : NULL;
	const uint64_t end = range_end(h, address, size);

	return p && size && (ranges_meet(&h->ranges, p->ranges, address, end) || ranges_meet(&h->ranges, p->reserved, address, end));
}

bool heap_in_window(const struct heap *h, uint32_t process, uint64_t address, uint64_t size)
{
	const struct heap_process *p = process < h->process_room ? h->processes[process] : NULL;

	return p && size && ranges_meet(&h->ranges, p->windows, address, range_end(h, address, size));
}

uint8_t heap_mapping_kind(const struct heap *h, uint32_t process, uint64_t address)
{
	const struct heap_process *p = process < h->process_room ? h->processes[process] : NULL;
	const struct range *r = p ? ranges_after(&h->ranges, p->ranges, address) : NULL;

	if (r && r->block.address <= address)
		return r->block.arena ? TRK_ARENA : TRK_MMAP;
	return p && ranges_meet(&h->ranges, p->reserved, address, address + 1) ? TRK_RESERVE : 0;
}

bool heap_minds(const struct heap *h, const struct trk_event *e)
{
	const struct heap_process *p = e->process < h->process_room ? h->processes[e->process] : NULL;
	const uint64_t end = range_end(h, e->address, e->size);

	if (!p || !e->size)
		return false;
	if (e->kind == TRK_MPROTECT)
		return ranges_meet(&h->ranges, e->detail == TRK_ACCESS_NONE ? p->ranges : p->reserved,
				   e->address, end);
	return ranges_meet(&h->ranges, p->ranges, e->address, end);
}

int heap_each_arena(const struct heap *h, uint32_t process,
		    int (*f)(void *data, const struct heap_block *b, uint64_t end), void *data)
{
	const struct heap_process *p = process < h->process_room ? h->processes[process] : NULL;
	const struct range *r;
	uint64_t at = 0;
	int stop = 0;

	while (p && !stop && (r = ranges_after(&h->ranges, p->ranges, at))) {
		at = r->end;
		stop = r->block.arena ? f(data, &r->block, r->end) : 0;
	}
	return stop;
}

static int each_of_process(const struct heap *h, const struct heap_process *p,
			   int (*f)(void *data, const struct heap_block *b), void *data)
{
	const struct range *r;

	for (uint32_t i = 0; i < p->blocks.slot_count; i++) {
		const struct heap_block *b = &blocks_slot(&p->blocks, i)->b;
		const int stop = b->kind && !b->aside ? f(data, b) : 0;

		if (stop)
			return stop;
	}
	for (uint64_t at = 0; (r = ranges_after(&h->ranges, p->ranges, at)); at = r->end) {
		const int stop = r->block.untouched ? 0 : f(data, &r->block);

		if (stop)
			return stop;
	}
	return 0;
}

int heap_each(const struct heap *h, int (*f)(void *data, const struct heap_block *b), void *data)
{
	int stop = 0;

	for (uint32_t i = 0; i < h->process_room && !stop; i++) {
		if (h->processes[i])
			stop = each_of_process(h, h->processes[i], f, data);
	}
	return stop;
}

/* The tables of that process's blocks, if looking something up in them may take long; else NULL. */
static const struct blocks *slow_blocks(const struct heap *h, uint32_t process)
{
	const struct heap_process *const p = process < h->process_room ? h->processes[process] : NULL;

	return p && blocks_settled(&p->blocks) >= BLOCKS_FEW ? &p->blocks : NULL;
}

/* Whether `e` is looked up there. A block that is known to be recent or new is found without. */
static bool is_looked_up(const struct trk_event *e)
{
	if (!trk_kind_among(e->kind, TRK_KINDS_WITH(TRK_BY_ADDRESS)))
		return false;
	return e->ref == TRK_REF_UNKNOWN || (e->ref == TRK_REF_NONE && trk_kind_releases(e->kind));
}

static void expect(const struct blocks *b, const struct trk_event *events, uint32_t count)
{
	for (const struct trk_event *e = events; e < events + count; e++) {
		if (!is_looked_up(e))
			continue;
		blocks_expect(b, BLOCKS_DOMAIN(e->domain), e->address);
		if (e->old_address)
			blocks_expect(b, BLOCKS_DOMAIN(e->domain), e->old_address);
	}
	for (const struct trk_event *e = events; e < events + count; e++)
		if (trk_kind_releases(e->kind) && is_looked_up(e))
			blocks_expect_slot(b, BLOCKS_DOMAIN(e->domain), e->address);
}

void heap_expect(const struct heap *h, const struct trk_event *events, uint32_t count)
{
	for (uint32_t n; count; events += n, count -= n) {
		const struct blocks *const b = slow_blocks(h, events->process);

		for (n = 1; n < count && events[n].process == events->process;)
			n++;
		if (b)
			expect(b, events, n);
	}
}
