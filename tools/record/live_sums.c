/* live_sums - see live_sums.h. */
#include "live_sums.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "deliver.h"
#include "excerpt.h"
#include "proc.h"
#include "replay/live_rows.h"
#include "replay/totals.h"
#include "symbols/made_code.h"
#include "tools/contact.h"

#define ALL_FRAMES UINT32_MAX
#define ROWS_PER_PROGRESS 1024u
#define SHARE 10u /* a tenth of the time at most */

static void write_sum(struct excerpt *x, const struct rows *rows, uint32_t i)
{
	const struct row *const row = &rows->all[i];
	const struct process *const p = x->r->processes[row->key.process];
	const struct trk_sum sum = {
		.node = excerpt_node(x, row->key.node),
		.thread = excerpt_thread(x, p, row->key.thread),
		.process = row->key.process,
		.domain = row->key.domain,
		.kind = row->key.kind,
		.of = { [TRK_SUM_LEAKED] = { row->bytes, row->count } },
	};
	struct trk_sum_errors errors = { 0 };

	if (rows->errors)
		errors.of[TRK_SUM_LEAKED] = totals_error(&rows->errors[i].now);
	writer_sum(x->to, &sum, rows->errors ? &errors : NULL);
}

/* Programs wait as long as the recorder makes progress. */
static void progress(void *data)
{
	const struct recorder *const r = data;

	atomic_fetch_add_explicit(&r->shm->header.progress, 1, memory_order_relaxed);
}

static void write_sums(struct excerpt *x, const struct rows *rows, struct recorder *r)
{
	for (uint32_t i = 0; i < rows->count; i++) {
		if (i % ROWS_PER_PROGRESS == 0)
			progress(r);
		if ((rows->all[i].bytes || rows->all[i].count) && rows->all[i].key.process < x->r->process_count)
			write_sum(x, rows, i);
	}
}

/* How much memory it has now, whether that is recorded or not. */
static void write_resident(const struct excerpt *x, const struct process *p)
{
	int statm = -1;
	const uint64_t pages = p->gone ? 0 : proc_resident_pages(p->pid, &statm);

	if (pages)
		writer_rss(x->to, p->index, x->r->now_ns, pages * (uint64_t)sysconf(_SC_PAGESIZE));
}

static void write_totals(const struct excerpt *x, uint32_t process, const struct heap_totals *t, uint64_t events)
{
	struct trk_totals totals;

	totals_of_heap(&totals, process, t);
	totals.values[TRK_TOTAL_EVENTS] = events;
	totals.sampled = x->r->rotation.header.sample_bytes != 0;
	writer_totals(x->to, &totals);
}

static void write_figures(const struct excerpt *x)
{
	const struct recorder *const r = x->r;

	write_totals(x, TRK_ALL_PROCESSES, heap_totals(r->heap), r->counters.events);
	for (size_t i = 0; i < r->process_count; i++) {
		write_totals(x, (uint32_t)i, heap_process_totals(r->heap, (uint32_t)i), 0);
		write_resident(x, r->processes[i]);
	}
	writer_summary(x->to, "last_event_ns", r->last_time_ns);
	writer_summary(x->to, "live_bytes", heap_now_bytes(r->heap));
	writer_summary(x->to, "live_blocks", heap_now_blocks(r->heap));
	writer_health(x->to, "lost", r->counters.lost);
	writer_health(x->to, "end_ns", r->now_ns);
}

/* ---- names ---- */

/* The recorder's number of each module of the excerpt. NULL: no memory. */
static uint32_t *modules_of(const struct excerpt *x)
{
	uint32_t *const modules = calloc((size_t)x->module_room + 1, sizeof(*modules));

	for (uint32_t i = 0; modules && i < x->module_room; i++)
		if (x->modules[i] && x->modules[i] <= x->module_room)
			modules[x->modules[i]] = i;
	return modules;
}

/* The reader looks up names in the files that the programs have mapped, which the recorder has open: by its part of /proc. */
static void write_files(const struct excerpt *x, const uint32_t *modules)
{
	char key[48];

	writer_health(x->to, LIVE_RECORDER, (uint64_t)getpid());
	for (uint32_t i = 1; i <= x->module_room; i++) {
		const int fd = modules[i] ? x->r->modules[modules[i]].fd : -1;

		if (fd < 0)
			continue;
		snprintf(key, sizeof(key), LIVE_FILE_FORMAT, i);
		writer_health(x->to, key, (uint64_t)fd);
	}
}

/* Code that programs made while they ran is in no file. */
static void write_made_names(const struct excerpt *x, const uint32_t *modules)
{
	for (uint32_t i = 1; i <= writer_frame_count(x->to); i++) {
		struct trk_symbol_text name = { 0 };
		uint32_t module;
		uint64_t offset;

		writer_frame_get(x->to, i, &module, &offset);
		if (!module || module > x->module_room || !x->r->modules[modules[module]].code)
			continue;
		name.function = made_code_name_now(x->r->modules[modules[module]].code, offset - 1);
		if (name.function)
			writer_symbols(x->to, i, &name, 1);
	}
}

static int write_live(struct excerpt *x, struct rows *counted, struct recorder *r, int fd)
{
	const struct rows *rows = counted;
	uint32_t *modules;
	int err = excerpt_begin(x, fd, TRK_CONTENT_AGGREGATED, TRK_PACK_LZ4);

	if (!err && r->aggregate)
		rows = aggregation_rows(r->aggregate);
	else if (!err)
		err = live_rows(r->heap, counted, progress, r);
	if (err)
		return err == TRK_ERR_NOMEM ? ENOMEM : EIO;
	write_sums(x, rows, r);
	write_figures(x);
	modules = modules_of(x);
	if (modules) {
		write_files(x, modules);
		write_made_names(x, modules);
	}
	free(modules);
	if (x->no_memory)
		return ENOMEM;
	writer_finish(x->to);
	return writer_error(x->to);
}

bool live_sums_write(struct recorder *r, int fd, uint64_t *from_ns, int *ret_error)
{
	struct excerpt x = { .r = r, .nframe = ALL_FRAMES };
	struct rows counted = { .sampled = r->rotation.header.sample_bytes != 0 };
	const uint64_t begun_ns = recorder_clock(r);

	if (begun_ns < *from_ns)
		return false;
	deliver_flush(r);
	*ret_error = write_live(&x, &counted, r, fd);
	rows_finish(&counted);
	excerpt_release(&x);
	*from_ns = recorder_clock(r);
	*from_ns += (*from_ns - begun_ns) * (SHARE - 1);
	return true;
}
