/* process_totals - see process_totals.h. */
#include "replay/process_totals.h"

#include <stdlib.h>

int process_totals_init(struct process_totals *t, uint32_t count)
{
	*t = (struct process_totals){ .of = calloc((size_t)count + 1, sizeof(struct heap_totals *)),
				      .count = count };
	return t->of ? 0 : TRK_ERR_NOMEM;
}

void process_totals_finish(struct process_totals *t)
{
	for (uint32_t i = 0; t->of && i < t->count; i++)
		free(t->of[i]);
	free(t->of);
	*t = (struct process_totals){ 0 };
}

struct heap_totals *process_totals_reach(struct process_totals *t, uint32_t process)
{
	if (!t->of[process])
		t->of[process] = calloc(1, sizeof(struct heap_totals));
	return t->of[process];
}

const struct heap_totals *process_totals_get(const struct process_totals *t, uint32_t process)
{
	static const struct heap_totals none;

	return process < t->count && t->of[process] ? t->of[process] : &none;
}
