/* process_ends - see process_ends.h. */
#include "replay/process_ends.h"

#include <stdlib.h>

static int by_time(const void *a, const void *b)
{
	const struct process_end *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->process < y->process ? -1 : x->process > y->process;
}

int process_ends_init(struct process_ends *e, const struct capture *c)
{
	uint64_t *last = calloc((size_t)c->process_count + 1, sizeof(*last));

	*e = (struct process_ends){ .list = calloc((size_t)c->process_count + 1, sizeof(*e->list)) };
	if (!last || !e->list) {
		free(last);
		process_ends_finish(e);
		return TRK_ERR_NOMEM;
	}
	for (uint32_t i = 0; i < c->block_count; i++) {
		if (c->blocks[i].last_time_ns > last[c->blocks[i].process])
			last[c->blocks[i].process] = c->blocks[i].last_time_ns;
	}
	for (uint32_t p = 0; p < c->process_count; p++) {
		const uint64_t end = c->processes[p].end_ns;

		if (end != UINT64_MAX)
			e->list[e->count++] = (struct process_end){ end > last[p] ? end : last[p], p };
	}
	qsort(e->list, e->count, sizeof(*e->list), by_time);
	free(last);
	return 0;
}

void process_ends_finish(struct process_ends *e)
{
	free(e->list);
	*e = (struct process_ends){ 0 };
}
