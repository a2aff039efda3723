/* process_list - see process_list.h. */
#include "common/process_list.h"

#include <stdlib.h>

#include "common/heap_figures.h"
#include "common/metadata.h"
#include "common/process_choice.h"
#include "common/process_name.h"

/* Columns for programs, then those for people. */
enum column {
	PID,
	NAME,
	TITLE,
	COMMAND_LINE,
	STATUS,
	SIGNAL,
	SHOWN_PID,
	SHOWN_NAME,
	ALLOCATIONS,
	FREES,
	ALLOCATED,
	PEAK,
	NOT_FREED,
	TEMPORARY,
	COLUMNS,
};

static int describe_process(const struct report *r, struct emit *e, uint32_t index)
{
	const struct trk_process *const p = &r->capture->processes[index];
	const struct heap_totals *const t = process_totals_get(&r->view.process_totals, index);
	char *const command_line = metadata_command_line(p);
	char name[PROCESS_NAME_ROOM];

	if (!command_line)
		return TRK_ERR_NOMEM;

	const struct emit_value values[COLUMNS] = {
		[PID] = emit_number(p->pid),
		[NAME] = emit_words(p->name),
		[TITLE] = emit_words(p->title[0] ? p->title : NULL),
		[COMMAND_LINE] = emit_words(command_line),
		[STATUS] = metadata_status(p),
		[SIGNAL] = metadata_signal(p),
		[SHOWN_PID] = emit_number(p->pid),
		[SHOWN_NAME] = emit_words(process_name(p, name)),
		[ALLOCATIONS] = emit_count(t->allocations),
		[FREES] = emit_count(t->frees),
		[ALLOCATED] = emit_size(t->bytes_allocated),
		[PEAK] = emit_size(t->peak_bytes),
		[NOT_FREED] = emit_size(t->live_bytes),
		[TEMPORARY] = emit_count(t->temporary),
	};

	emit_row_begin(e, values);
	heap_figures_describe(e, r->view.sample_bytes, t);
	emit_end(e);
	free(command_line);
	return 0;
}

static uint64_t peak_of(const struct report *r, uint32_t process)
{
	return process_totals_get(&r->view.process_totals, process)->peak_bytes;
}

/* choice: what people see; NULL: all. */
static int describe_processes(const struct report *r, struct emit *e, const struct process_choice *choice)
{
	int err = 0;

	for (uint32_t p = 0; p < r->capture->process_count && !err; p++)
		if ((r->process == UINT32_MAX || r->process == p) && (!choice || choice->shown[p]))
			err = describe_process(r, e, p);
	return err;
}

int process_list_describe(const struct report *r, struct emit *e, size_t most)
{
	static const struct emit_column columns[COLUMNS] = {
		[PID] = { "pid" },
		[NAME] = { "name" },
		[TITLE] = { "title" },
		[COMMAND_LINE] = { "command_line" },
		[STATUS] = { "status" },
		[SIGNAL] = { "signal" },
		[SHOWN_PID] = { "shown_pid", EMIT_FOR_PEOPLE, "pid", 8 },
		[SHOWN_NAME] = { "shown_name", EMIT_FOR_PEOPLE, "name", -16 },
		[ALLOCATIONS] = { "allocations", EMIT_FOR_PEOPLE, "allocations", 13 },
		[FREES] = { "frees", EMIT_FOR_PEOPLE, "frees", 13 },
		[ALLOCATED] = { "allocated", EMIT_FOR_PEOPLE, "allocated", 11 },
		[PEAK] = { "peak", EMIT_FOR_PEOPLE, "peak", 11 },
		[NOT_FREED] = { "not_freed", EMIT_FOR_PEOPLE, "not freed", 11 },
		[TEMPORARY] = { "temporary", EMIT_FOR_PEOPLE, "temporary", 10 },
	};
	static const struct emit_table several = { EMIT_TABLE("processes", columns), .before = "\t", .fixed_widths = true },
				       one = { EMIT_TABLE("processes", columns), .sentence = "" };
	const bool shown = r->capture->process_count > 1 && r->process == UINT32_MAX;
	struct process_choice choice = { 0 };
	int err = process_choose(&choice, r, most, peak_of);

	if (shown)
		emit_say(e, "Processes:\n");
	emit_table(e, shown ? &several : &one);
	if (!err)
		err = describe_processes(r, e, emit_people(e) ? &choice : NULL);
	emit_end(e);
	if (shown && !err)
		err = process_choice_say_rest(&choice, r, e, "\t");
	process_choice_finish(&choice);
	return err;
}
