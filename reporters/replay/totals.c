/* totals - see totals.h. */
#include "replay/totals.h"

#include <string.h>

static const size_t fields[TRK_TOTAL_EVENTS] = {
	[TRK_TOTAL_ALLOCATIONS] = offsetof(struct heap_totals, allocations),
	[TRK_TOTAL_FREES] = offsetof(struct heap_totals, frees),
	[TRK_TOTAL_UNMATCHED_FREES] = offsetof(struct heap_totals, unmatched_frees),
	[TRK_TOTAL_BYTES_ALLOCATED] = offsetof(struct heap_totals, bytes_allocated),
	[TRK_TOTAL_BYTES_FREED] = offsetof(struct heap_totals, bytes_freed),
	[TRK_TOTAL_LIVE_BYTES] = offsetof(struct heap_totals, live_bytes),
	[TRK_TOTAL_LIVE_BLOCKS] = offsetof(struct heap_totals, live_blocks),
	[TRK_TOTAL_PEAK_BYTES] = offsetof(struct heap_totals, peak_bytes),
	[TRK_TOTAL_PEAK_BLOCKS] = offsetof(struct heap_totals, peak_blocks),
	[TRK_TOTAL_PEAK_TIME_NS] = offsetof(struct heap_totals, peak_time_ns),
	[TRK_TOTAL_PEAK_EVENT] = offsetof(struct heap_totals, peak_event),
	[TRK_TOTAL_TEMPORARY] = offsetof(struct heap_totals, temporary),
	[TRK_TOTAL_TEMPORARY_BYTES] = offsetof(struct heap_totals, temporary_bytes),
	[TRK_TOTAL_LOST] = offsetof(struct heap_totals, lost),
	[TRK_TOTAL_OVERWRITTEN] = offsetof(struct heap_totals, overwritten),
	[TRK_TOTAL_WIPED_BLOCKS] = offsetof(struct heap_totals, wiped_blocks),
	[TRK_TOTAL_WIPED_BYTES] = offsetof(struct heap_totals, wiped_bytes),
};

static const size_t errors[TRK_TOTAL_ERRORS] = {
	[TRK_ERROR_ALLOCATED] = offsetof(struct heap_totals, allocated_error),
	[TRK_ERROR_FREED] = offsetof(struct heap_totals, freed_error),
	[TRK_ERROR_LIVE] = offsetof(struct heap_totals, live_error),
	[TRK_ERROR_PEAK] = offsetof(struct heap_totals, peak_error),
	[TRK_ERROR_TEMPORARY] = offsetof(struct heap_totals, temporary_error),
};

static const size_t reserved[TRK_TOTAL_RESERVED] = {
	[TRK_RESERVED_BYTES] = offsetof(struct heap_totals, reserved_bytes),
	[TRK_RESERVED_MAPPINGS] = offsetof(struct heap_totals, reserved_mappings),
	[TRK_RESERVED_MOST_BYTES] = offsetof(struct heap_totals, most_reserved_bytes),
	[TRK_RESERVED_MOST_MAPPINGS] = offsetof(struct heap_totals, most_reserved_mappings),
	[TRK_RESERVED_PEAK_BYTES] = offsetof(struct heap_totals, peak_reserved_bytes),
};

/* Sums of differences may end a little below 0. */
static double not_negative(double d)
{
	return d > 0 ? d : 0;
}

struct trk_error totals_error(const struct sampling_error *e)
{
	return (struct trk_error){ not_negative(e->bytes), not_negative(e->count), e->most };
}

void totals_of_heap(struct trk_totals *ret, uint32_t process, const struct heap_totals *t)
{
	*ret = (struct trk_totals){ .process = process };
	for (size_t i = 0; i < TRK_TOTAL_EVENTS; i++)
		memcpy(&ret->values[i], (const char *)t + fields[i], sizeof(ret->values[i]));
	for (size_t kind = 0; kind < TRK_KINDS; kind++)
		ret->kinds[kind] = (struct trk_figure){ t->kind_bytes[kind], t->kind_count[kind] };
	for (size_t i = 0; i < TRK_TOTAL_ERRORS; i++) {
		struct sampling_error e;

		memcpy(&e, (const char *)t + errors[i], sizeof(e));
		ret->errors[i] = totals_error(&e);
	}
	for (size_t i = 0; i < TRK_TOTAL_RESERVED; i++)
		memcpy(&ret->reserved[i], (const char *)t + reserved[i], sizeof(ret->reserved[i]));
}

void totals_to_heap(struct heap_totals *ret, const struct trk_totals *t)
{
	*ret = (struct heap_totals){ 0 };
	for (size_t i = 0; i < TRK_TOTAL_EVENTS; i++)
		memcpy((char *)ret + fields[i], &t->values[i], sizeof(t->values[i]));
	for (size_t kind = 0; kind < TRK_KINDS; kind++) {
		ret->kind_bytes[kind] = t->kinds[kind].bytes;
		ret->kind_count[kind] = t->kinds[kind].count;
	}
	for (size_t i = 0; i < TRK_TOTAL_ERRORS; i++) {
		const struct sampling_error e = { t->errors[i].bytes, t->errors[i].count,
						  t->errors[i].most };

		memcpy((char *)ret + errors[i], &e, sizeof(e));
	}
	for (size_t i = 0; i < TRK_TOTAL_RESERVED; i++)
		memcpy((char *)ret + reserved[i], &t->reserved[i], sizeof(t->reserved[i]));
}

void totals_write_summary(struct writer *w, const struct heap_totals *t, uint64_t processes,
			  uint64_t threads)
{
	const struct {
		const char *key;
		uint64_t value;
	} summary[] = {
		{ "allocations", t->allocations },
		{ "frees", t->frees },
		{ "unmatched_frees", t->unmatched_frees },
		{ "bytes_allocated", t->bytes_allocated },
		{ "bytes_freed", t->bytes_freed },
		{ "peak_bytes", t->peak_bytes },
		{ "peak_blocks", t->peak_blocks },
		{ "peak_time_ns", t->peak_time_ns },
		{ "peak_event", t->peak_event },
		{ "leaked_blocks", t->live_blocks },
		{ "leaked_bytes", t->live_bytes },
		{ "temporary", t->temporary },
		{ "temporary_bytes", t->temporary_bytes },
		{ "reserved_bytes", t->most_reserved_bytes },
		{ "reserved_mappings", t->most_reserved_mappings },
		{ "processes", processes },
		{ "threads", threads },
	};

	for (size_t i = 0; i < sizeof(summary) / sizeof(*summary); i++)
		writer_summary(w, summary[i].key, summary[i].value);
}
