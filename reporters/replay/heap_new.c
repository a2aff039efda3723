/* heap_new - makes a heap, and adds the processes and threads that it meets. */
#include "replay/heap_private.h"

#include "format/array.h"

#include <stdlib.h>

int heap_new(struct heap **ret, uint32_t temporary_threshold, const struct heap_observer *o)
{
	struct heap *h = calloc(1, sizeof(*h));

	if (!h)
		return TRK_ERR_NOMEM;
	if (o)
		h->observer = *o;
	h->ages.threshold = temporary_threshold;
	h->page_bytes = 4096;
	h->brief.b = (struct heap_block){ .thread = UINT32_MAX, .kind = TRK_MALLOC };
	*ret = h;
	return 0;
}

void heap_free(struct heap *h)
{
	if (!h)
		return;
	for (uint32_t i = 0; i < h->process_room; i++) {
		if (h->processes[i])
			blocks_finish(&h->processes[i]->blocks);
		free(h->processes[i]);
	}
	ranges_finish(&h->ranges);
	free(h->processes);
	free(h->ages.allocations);
	free(h);
}

void heap_set_page_bytes(struct heap *h, uint32_t page_bytes)
{
	const uint32_t largest = 1u << 21;

	if (page_bytes && page_bytes <= largest && !(page_bytes & (page_bytes - 1)))
		h->page_bytes = page_bytes;
}

void heap_set_sampling(struct heap *h, uint64_t sample_bytes)
{
	h->sample_bytes = sample_bytes;
}

void heap_keep_sums_only(struct heap *h)
{
	h->sums_only = true;
}

struct heap_process *heap_new_process(struct heap *h, uint32_t index)
{
	if (!ARRAY_ZEROES(h->processes, h->process_room, (size_t)index + 1, 8))
		return NULL;
	h->processes[index] = calloc(1, sizeof(struct heap_process));
	/* of a sample every block says itself what it stands for */
	if (h->processes[index] && h->sums_only && !h->sample_bytes)
		h->processes[index]->blocks.ages = &h->ages;
	return h->processes[index];
}

int heap_reach_thread(struct heap *h, uint32_t index)
{
	return ARRAY_ZEROES(h->ages.allocations, h->thread_room, (size_t)index + 1, 64) ? 0 : TRK_ERR_NOMEM;
}
