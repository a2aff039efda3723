/* rawdump_sums - what an aggregated capture holds. */
#include <inttypes.h>
#include <stdio.h>

#include "rawdump.h"

static void put_figure(const char *key, const struct trk_figure *f)
{
	printf(", \"%s\": [%" PRIu64 ", %" PRIu64 "]", key, f->count, f->bytes);
}

static void dump_sums(const struct capture *c)
{
	for (uint32_t i = 0; i < c->sum_count; i++) {
		const struct trk_sum *s = &c->sums[i];

		begin("sum");
		put_number("node", s->node);
		put_number("process", s->process);
		put_number("thread", s->thread);
		put_number("kind", s->kind);
		put_number("domain", s->domain);
		put_figure("total", &s->of[TRK_SUM_TOTAL]);
		put_figure("peak", &s->of[TRK_SUM_PEAK]);
		put_figure("own_peak", &s->of[TRK_SUM_OWN_PEAK]);
		put_figure("leaked", &s->of[TRK_SUM_LEAKED]);
		put_figure("temporary", &s->of[TRK_SUM_TEMPORARY]);
		end();
	}
}

static void dump_totals(const struct trk_totals *t)
{
	static const char *const names[TRK_TOTALS] = {
		[TRK_TOTAL_ALLOCATIONS] = "allocations",
		[TRK_TOTAL_FREES] = "frees",
		[TRK_TOTAL_UNMATCHED_FREES] = "unmatched_frees",
		[TRK_TOTAL_BYTES_ALLOCATED] = "bytes_allocated",
		[TRK_TOTAL_BYTES_FREED] = "bytes_freed",
		[TRK_TOTAL_LIVE_BYTES] = "live_bytes",
		[TRK_TOTAL_LIVE_BLOCKS] = "live_blocks",
		[TRK_TOTAL_PEAK_BYTES] = "peak_bytes",
		[TRK_TOTAL_PEAK_BLOCKS] = "peak_blocks",
		[TRK_TOTAL_PEAK_TIME_NS] = "peak_time_ns",
		[TRK_TOTAL_PEAK_EVENT] = "peak_event",
		[TRK_TOTAL_TEMPORARY] = "temporary",
		[TRK_TOTAL_TEMPORARY_BYTES] = "temporary_bytes",
		[TRK_TOTAL_LOST] = "lost",
		[TRK_TOTAL_OVERWRITTEN] = "overwritten",
		[TRK_TOTAL_WIPED_BLOCKS] = "wiped_blocks",
		[TRK_TOTAL_WIPED_BYTES] = "wiped_bytes",
		[TRK_TOTAL_EVENTS] = "events",
	};
	static const char *const reserved[TRK_TOTAL_RESERVED] = {
		[TRK_RESERVED_BYTES] = "reserved_bytes",
		[TRK_RESERVED_MAPPINGS] = "reserved_mappings",
		[TRK_RESERVED_MOST_BYTES] = "reserved_most_bytes",
		[TRK_RESERVED_MOST_MAPPINGS] = "reserved_most_mappings",
		[TRK_RESERVED_PEAK_BYTES] = "reserved_peak_bytes",
	};
	const char *comma = "";
	char kind[8];

	begin("totals");
	put_optional("process", t->process, TRK_ALL_PROCESSES);
	printf(", \"kinds\": {");
	for (uint32_t i = 0; i < TRK_KINDS; i++) {
		if (!t->kinds[i].count && !t->kinds[i].bytes)
			continue;
		snprintf(kind, sizeof(kind), "%u", i);
		printf("%s\"%s\": [%" PRIu64 ", %" PRIu64 "]", comma, kind, t->kinds[i].count,
		       t->kinds[i].bytes);
		comma = ", ";
	}
	putchar('}');
	for (uint32_t i = 0; i < TRK_TOTALS; i++)
		put_number(names[i], t->values[i]);
	for (uint32_t i = 0; i < TRK_TOTAL_RESERVED; i++)
		put_number(reserved[i], t->reserved[i]);
	end();
}

static void dump_history(const struct capture *c, const struct cap_history *h)
{
	begin("history");
	put_optional("process", h->process, TRK_ALL_PROCESSES);
	put_number("shift", h->shift);
	put_number("first", h->first);
	printf(", \"most\": [");
	for (uint32_t i = 0; i < h->count; i++)
		printf("%s%" PRIu64, i ? ", " : "", c->history_spans[h->first_span + i]);
	putchar(']');
	end();
}

void dump_aggregated(const struct capture *c)
{
	dump_sums(c);
	for (uint32_t i = 0; i < c->total_count; i++)
		dump_totals(&c->totals[i]);
	for (uint32_t i = 0; i < c->size_count; i++) {
		begin("size");
		put_number("process", c->sizes[i].process);
		put_number("size", c->sizes[i].size);
		put_number("count", c->sizes[i].count);
		end();
	}
	for (uint32_t i = 0; i < c->history_count; i++)
		dump_history(c, &c->histories[i]);
}
