/* reserved - see reserved.h. */
#include "reserved.h"

void reserved_print(FILE *f, uint64_t most_bytes, uint64_t most_mappings, const char *after)
{
	char size[32], count[32];

	if (!most_bytes)
		return;
	if (most_bytes > INT64_MAX) /* only a hostile capture */
		most_bytes = INT64_MAX;
	fprintf(f, "Reserved address space, not counted as heap: %s in %s mapping%s%s",
		ui_size(size, sizeof(size), (int64_t)most_bytes, false),
		ui_count(count, sizeof(count), most_mappings), most_mappings == 1 ? "" : "s", after);
}

void reserved_json(struct ui_json *j, const struct heap_totals *t)
{
	ui_json_uint(j, "reserved_bytes", t->most_reserved_bytes);
	ui_json_uint(j, "reserved_mappings", t->most_reserved_mappings);
	ui_json_uint(j, "reserved_bytes_at_peak", t->peak_reserved_bytes);
	ui_json_uint(j, "reserved_bytes_at_end", t->reserved_bytes);
}
