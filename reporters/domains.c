/* domains - see domains.h. */
#include "domains.h"

#include <inttypes.h>
#include <stdlib.h>

#include "group.h"

static int by_domain(const void *a, const void *b)
{
	const struct domain_sum *x = a, *y = b;

	return x->domain < y->domain ? -1 : x->domain > y->domain;
}

int domains_sum(struct domains *ret, const struct view *v, bool (*counts)(void *data, const struct view_row *r), void *data)
{
	struct domain_sum *const all = calloc(v->row_count + 1, sizeof(*all));
	size_t rows = 0, n = 0;

	if (!all)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < v->row_count; i++)
		if (!counts || counts(data, &v->rows[i]))
			all[rows++] = (struct domain_sum){ v->rows[i].domain, v->rows[i].count, v->rows[i].bytes };
	qsort(all, rows, sizeof(*all), by_domain);
	for (size_t i = 0; i < rows; i++) {
		const struct domain_sum d = all[i];

		if (n && all[n - 1].domain == d.domain) {
			all[n - 1].count += d.count;
			all[n - 1].bytes += d.bytes;
		} else {
			all[n++] = d;
		}
	}
	*ret = (struct domains){ all, n };
	return 0;
}

struct filtering {
	struct stacks *stacks;
	const struct filters *filters;
};

static bool passes(void *data, const struct view_row *r)
{
	const struct filtering *const f = data;
	size_t n;
	const struct source_frame *const frames = group_frames(f->stacks, r->node, &n);

	return filters_pass(f->filters, frames, n, r->domain);
}

int domains_filtered(struct domains *ret, const struct view *v, struct stacks *s, const struct filters *f)
{
	struct filtering filtering = { s, f };

	return domains_sum(ret, v, f->count ? passes : NULL, &filtering);
}

void domains_finish(struct domains *d)
{
	free(d->all);
	*d = (struct domains){ 0 };
}

void domains_print(const struct domains *d, FILE *f, const char *before, const char *noun)
{
	char size[32], count[32];

	for (size_t i = 0; d->count > 1 && i < d->count; i++)
		fprintf(f, "%s%" PRIu32 "%s: %s %s%s, %s\n", before, d->all[i].domain, d->all[i].domain ? "" : " (heap)",
			ui_count(count, sizeof(count), d->all[i].count), noun, d->all[i].count == 1 ? "" : "s",
			ui_size(size, sizeof(size), (int64_t)d->all[i].bytes, false));
}

void domains_json(const struct domains *d, struct ui_json *j)
{
	ui_json_array(j, "domains");
	for (size_t i = 0; i < d->count; i++) {
		ui_json_object(j, NULL);
		ui_json_uint(j, "domain", d->all[i].domain);
		ui_json_uint(j, "count", d->all[i].count);
		ui_json_uint(j, "size", d->all[i].bytes);
		ui_json_end(j);
	}
	ui_json_end(j);
}
