/* domains - see domains.h. */
#include "common/domains.h"

#include <stdlib.h>

#include "common/group.h"
#include "replay/domain_names.h"

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
	ret->all = all;
	ret->count = n;
	return 0;
}

struct filtering {
	struct stacks *stacks;
	const struct filters *filters;
};

static bool passes(void *data, const struct view_row *r)
{
	const struct filtering *const f = data;

	return group_passes(f->stacks, f->filters, r);
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

void domains_figures(const struct domains *d, struct emit *e)
{
	static const struct emit_column columns[] = { { "domain" }, { "count" }, { "size" }, { "name" } };
	static const struct emit_table table = { EMIT_TABLE("domains", columns), .sentence = "" };

	char room[DOMAIN_NAME_ROOM];

	emit_table(e, &table);
	for (size_t i = 0; i < d->count; i++)
		emit_row(e, (struct emit_value[]){ emit_number(d->all[i].domain), emit_count(d->all[i].count), emit_size(d->all[i].bytes),
						   emit_words(domain_name(d->capture, d->process, d->all[i].domain, room)) });
	emit_end(e);
}

void domains_say(const struct domains *d, struct emit *e, const char *before, const char *noun)
{
	char room[DOMAIN_NAME_ROOM];

	emit_aside(e, "before", emit_words(before));
	emit_aside(e, "noun", emit_words(noun));
	for (size_t i = 0; d->count > 1 && i < d->count; i++) {
		emit_aside(e, "domain", emit_number(d->all[i].domain));
		emit_aside(e, "name", emit_optional(domain_name(d->capture, d->process, d->all[i].domain, room)));
		emit_aside(e, "count", emit_count(d->all[i].count));
		emit_aside(e, "size", emit_size(d->all[i].bytes));
		emit_say(e, "{before:raw}{domain}[ ({name})]: {count} {noun}{count:s}, {size}\n");
	}
}
