/* reserved - see reserved.h. */
#include "common/reserved.h"

void reserved_figures(struct emit *e, const struct heap_totals *t)
{
	emit_figure(e, "reserved_bytes", emit_size(t->most_reserved_bytes));
	emit_figure(e, "reserved_mappings", emit_count(t->most_reserved_mappings));
	emit_figure(e, "reserved_bytes_at_peak", emit_size(t->peak_reserved_bytes));
	emit_figure(e, "reserved_bytes_at_end", emit_size(t->reserved_bytes));
}

void reserved_say(struct emit *e, uint64_t most_bytes, uint64_t most_mappings, const char *after)
{
	if (!most_bytes)
		return;
	emit_aside(e, "reserved", emit_size(most_bytes));
	emit_aside(e, "mappings", emit_count(most_mappings));
	emit_say(e, "Reserved address space, not counted as heap: {reserved} in {mappings} mapping{mappings:s}");
	emit_say(e, after);
}
