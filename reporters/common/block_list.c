/* block_list - see block_list.h. */
#include "common/block_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/group.h"
#include "replay/domain_names.h"

void block_list_ask(struct view_options *o)
{
	o->blocks = o->what == VIEW_LIVE || o->what == VIEW_LEAKS;
	o->by_size |= !o->blocks;
	o->by_thread |= !o->blocks;
}

/* The biggest first; blocks of one stack by age. */
static int bigger_block(const void *left, const void *right)
{
	const struct view_block *const a = left, *const b = right;

	if (a->size != b->size)
		return a->size < b->size ? 1 : -1;
	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return a->address < b->address ? -1 : a->address > b->address;
}

static int blocks_of_rows(struct view *v)
{
	size_t n = 0;

	v->blocks = calloc((v->sample_bytes ? v->row_count : v->count) + 1, sizeof(*v->blocks));
	if (!v->blocks)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < v->row_count; i++) {
		const struct view_row *const r = &v->rows[i];

		for (uint64_t k = 0; k < (v->sample_bytes ? 1 : r->count); k++)
			v->blocks[n++] = (struct view_block){
				.size = r->block_size,
				.node = r->node,
				.thread = r->thread,
				.process = r->process,
				.domain = r->domain,
				.kind = r->kind,
				.count = v->sample_bytes ? r->count : 1,
			};
	}
	v->block_count = n;
	return 0;
}

int block_list_find(struct view *v, const struct view_options *o)
{
	const int err = o->blocks ? 0 : blocks_of_rows(v);

	if (v->block_count)
		qsort(v->blocks, v->block_count, sizeof(*v->blocks), bigger_block);
	return err;
}

/* ---- what is said of them ---- */

enum column {
	FILE_NAME,
	LINE,
	SIZE,
	COUNT,
	DOMAIN,
	DOMAIN_NAME,
	ALLOCATOR,
	ADDRESS,
	TIME,
	AGE,
	PID,
	TID,
	STACK,
	STANDS_FOR,
	THREAD,
	OWN_DOMAIN,
	COLUMNS,
};

static const struct emit_column columns[COLUMNS] = {
	[FILE_NAME] = { "file" },
	[LINE] = { "line" },
	[SIZE] = { "size" },
	[COUNT] = { "count" },
	[DOMAIN] = { "domain" },
	[DOMAIN_NAME] = { "domain_name" },
	[ALLOCATOR] = { "allocator" },
	[ADDRESS] = { "address" },
	[TIME] = { "time_ns" },
	[AGE] = { "age_ns" },
	[PID] = { "pid" },
	[TID] = { "tid" },
	[STACK] = { "traceback" },
	[STANDS_FOR] = { "stands_for", EMIT_FOR_PEOPLE },
	[THREAD] = { "thread", EMIT_FOR_PEOPLE },
	[OWN_DOMAIN] = { "own_domain", EMIT_FOR_PEOPLE }, /* a name, or else a number */
};

/* The line of tracemalloc for a trace, and the fields that tracemalloc does not have. */
static const struct emit_table table = {
	EMIT_TABLE("blocks", columns),
	.sentence = "{file}:{line}: {size}, {allocator}[ in domain {own_domain}][ (stands for {stands_for})][ at 0x{address:hex}] by {thread}[, {age_ns} old]\n",
};

static void describe_block(const struct report *r, struct emit *e, const struct view_block *b, const struct source_frame *frames, size_t n,
			   const struct traceback_options *traceback)
{
	const struct capture *const c = r->capture;
	const bool has_moment = r->asked.blocks;
	const uint64_t age_ns = r->view.time_ns > b->time_ns ? r->view.time_ns - b->time_ns : 0;
	char thread[512], room[DOMAIN_NAME_ROOM], number[16], *const folded = traceback ? traceback_folded(e, frames, n) : NULL;
	const char *const name = domain_name(c, b->process, b->domain, room);

	snprintf(number, sizeof(number), "%" PRIu32, b->domain);
	const struct emit_value values[COLUMNS] = {
		[FILE_NAME] = emit_words(frames[0].file),
		[LINE] = emit_number(frames[0].line),
		[SIZE] = emit_size(b->size),
		[COUNT] = emit_count(b->count),
		[DOMAIN] = emit_number(b->domain),
		[DOMAIN_NAME] = emit_words(name),
		[ALLOCATOR] = emit_words(trk_kind_name(b->kind)),
		[ADDRESS] = has_moment ? emit_number(b->address) : emit_absent(),
		[TIME] = has_moment ? emit_time(b->time_ns) : emit_absent(),
		[AGE] = has_moment ? emit_time(age_ns) : emit_absent(),
		[PID] = b->process < c->process_count ? emit_number(c->processes[b->process].pid) : emit_null(),
		[TID] = b->thread < c->thread_count ? emit_number(c->threads[b->thread].tid) : emit_null(),
		[STACK] = emit_optional(folded),
		[STANDS_FOR] = r->view.sample_bytes ? emit_count(b->count) : emit_absent(),
		[THREAD] = emit_words(group_thread(c, b->thread, thread, sizeof(thread))),
		[OWN_DOMAIN] = b->domain ? emit_words(name ? name : number) : emit_absent(),
	};

	emit_row_begin(e, values);
	if (traceback)
		traceback_emit(e, "traceback", frames, n, traceback);
	emit_end(e);
	free(folded);
}

void block_list_describe(const struct report *r, struct emit *e, uint64_t limit, const struct traceback_options *traceback)
{
	uint64_t left = limit ? limit : UINT64_MAX;

	emit_table(e, &table);
	for (size_t i = 0; i < r->view.block_count && left; i++) {
		const struct view_block *const b = &r->view.blocks[i];
		size_t n;
		const struct source_frame *const frames = group_frames(r->stacks, b->node, &n);

		if (!filters_pass(&r->filters, frames, n, b->process, b->domain))
			continue;
		describe_block(r, e, b, frames, n, traceback);
		left--;
	}
	emit_end(e);
}
