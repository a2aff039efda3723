/* process_table - see process_table.h. */
#include "common/process_table.h"

#include <stdlib.h>
#include <string.h>

#include "common/endings.h"
#include "common/metadata.h"
#include "common/process_choice.h"
#include "common/process_name.h"

enum column {
	PID,
	PPID,
	PARENT,
	NAME,
	EXECUTABLE,
	COMMAND_LINE,
	ORIGIN,
	EXECS,
	START,
	END,
	STATUS,
	SIGNAL,
	THREADS,
	HOST,
	SYSTEM,
	LIBC,
	TITLE,
	ATTACHED,
	SHOWN_NAME,
	KILLED_BY,
	UNKNOWN,
	COLUMNS,
};

static const struct emit_column columns[COLUMNS] = {
	[PID] = { "pid" },
	[PPID] = { "ppid" },
	[PARENT] = { "parent_pid" },
	[NAME] = { "name" },
	[EXECUTABLE] = { "executable" },
	[COMMAND_LINE] = { "command_line" },
	[ORIGIN] = { "origin" },
	[EXECS] = { "execs" },
	[START] = { "start_ns" },
	[END] = { "end_ns" },
	[STATUS] = { "status" },
	[SIGNAL] = { "signal" },
	[THREADS] = { "threads" },
	[HOST] = { "hostname" },
	[SYSTEM] = { "system" },
	[LIBC] = { "libc" },
	[TITLE] = { "title" },
	[ATTACHED] = { "attached_ns" },
	[SHOWN_NAME] = { "shown_name", EMIT_FOR_PEOPLE },
	[KILLED_BY] = { "killed_by", EMIT_FOR_PEOPLE },
	[UNKNOWN] = { "unknown", EMIT_FOR_PEOPLE },
};

static const struct emit_table processes = {
	EMIT_TABLE("processes", columns),
	.sentence = "  {pid} {shown_name:prose}, parent {ppid}, {threads:n} thread{threads:s}, from {start_ns}[ (attached {attached_ns} after it began)], "
		    "[exit status {status}][killed by {killed_by}][{unknown}][ at {end_ns}]: {command_line}\n",
};

static uint32_t threads_of(const struct capture *c, uint32_t process)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->thread_count; i++)
		n += c->threads[i].process == process && c->threads[i].tid != 0;
	return n;
}

static struct emit_value known(const char *text)
{
	return emit_words(text[0] ? text : NULL);
}

static int describe_process(const struct capture *c, struct emit *e, uint32_t index)
{
	const struct trk_process *p = &c->processes[index];
	char signal[16], name[PROCESS_NAME_ROOM];
	char *command_line = metadata_command_line(p);

	if (!command_line)
		return TRK_ERR_NOMEM;

	const struct emit_value values[COLUMNS] = {
		[PID] = emit_number(p->pid),
		[PPID] = emit_number(p->ppid),
		[PARENT] = p->parent == UINT32_MAX ? emit_null() : emit_number(c->processes[p->parent].pid),
		[NAME] = emit_words(p->name),
		[EXECUTABLE] = emit_words(p->executable),
		[COMMAND_LINE] = emit_words(command_line),
		[ORIGIN] = emit_words(p->origin == TRK_FORKED ? "fork" : p->origin == TRK_ATTACHED ? "attached" :
												     "started"),
		[EXECS] = emit_number(p->execs),
		[START] = emit_time(p->start_ns),
		[END] = p->end_ns == UINT64_MAX ? emit_null() : emit_time(p->end_ns),
		[STATUS] = metadata_status(p),
		[SIGNAL] = metadata_signal(p),
		[THREADS] = emit_number(threads_of(c, index)),
		[HOST] = known(p->host),
		[SYSTEM] = known(p->system),
		[LIBC] = known(p->libc),
		[TITLE] = known(p->title),
		[ATTACHED] = p->origin == TRK_ATTACHED ? emit_time(p->attached_ns) : emit_null(),
		[SHOWN_NAME] = emit_words(process_name(p, name)),
		[KILLED_BY] = p->ended == TRK_KILLED ? emit_words(ending_signal(p->code, signal)) : emit_absent(),
		[UNKNOWN] = p->ended == TRK_EXITED || p->ended == TRK_KILLED ? emit_absent() : emit_words("end not known"),
	};

	emit_row(e, values);
	free(command_line);
	return 0;
}

int process_table_describe(const struct report *r, struct emit *e, size_t most)
{
	struct process_choice choice = { 0 };
	int err = process_choose(&choice, r, emit_people(e) ? most : SIZE_MAX, NULL);

	emit_say(e, "Processes:\n");
	emit_table(e, &processes);
	for (uint32_t p = 0; p < r->capture->process_count && !err; p++)
		if (choice.shown[p])
			err = describe_process(r->capture, e, p);
	emit_end(e);
	if (!err)
		err = process_choice_say_rest(&choice, r, e, "  ");
	process_choice_finish(&choice);
	return err;
}
