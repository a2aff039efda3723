/* ctl_start - see ctl_start.h. */
#include "tools/ctl_start.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "format/shm.h"
#include "tools/run/hook_options.h"
#include "tools/run/name.h"
#include "tools/run/packing.h"
#include "ui/ui.h"

#define PATTERN "tracker.%e.%p.%t.bin"
#define MAX_SIZE_LEAST (1ull << 20)

/* False: printed. */
static bool take_numbers(const struct ctl_start *o, struct contact_start *s)
{
	if (o->sample && (!ui_parse_size(o->sample, &s->sample_bytes) || !s->sample_bytes || s->sample_bytes > SHM_SAMPLE_BYTES_MAX))
		ui_error("argument --sample: '%s' is an invalid size; use 512K or 1M", o->sample);
	else if (o->duration && (!ui_parse_duration(o->duration, &s->duration_ns) || !s->duration_ns))
		ui_error("argument --duration: '%s' is an invalid duration; use 500ms, 30s or 5m", o->duration);
	else if (o->max_size && (!ui_parse_size(o->max_size, &s->max_bytes) || s->max_bytes < MAX_SIZE_LEAST))
		ui_error("argument --max-size: '%s' is an invalid size; use 1M or more", o->max_size);
	else if (o->max_size && o->aggregate)
		ui_error("argument --max-size: not allowed with argument --aggregate: an aggregated capture does not grow with events");
	else if (o->pointer_mask && !o->leak_check && !o->look_at_marks)
		ui_error("argument --pointer-mask: nothing is looked at without --leak-check or --look-at-marks");
	else if (o->rotate && !o->max_size)
		ui_error("argument --rotate: only allowed with --max-size, which sets the size of each file");
	else if (o->rotate && o->sample)
		ui_error("argument --rotate: not allowed with argument --sample");
	else if (o->compress && !packing_parse(o->compress, &s->packing))
		return false;
	else
		return !o->pointer_mask || hook_options_pointer_mask(o->pointer_mask, &s->pointer_mask);
	return false;
}

static void take_program(const struct contact_status *status, char *ret, size_t room)
{
	const size_t n = strcspn(status->command, " ");
	size_t from = n;

	while (from && status->command[from - 1] != '/')
		from--;
	snprintf(ret, room, "%.*s", (int)(n - from), status->command + from);
}

/* The recorder makes files beside it, from any directory. */
static bool take_path(const char *path, struct contact_start *s)
{
	char *const folder = path[0] == '/' ? NULL : getcwd(NULL, 0);
	const int n = path[0] == '/' ? snprintf(s->file, sizeof(s->file), "%s", path) :
		      folder	     ? snprintf(s->file, sizeof(s->file), "%s/%s", folder, path) :
				       -1;

	free(folder);
	if (n > 0 && (size_t)n < sizeof(s->file))
		return true;
	ui_error("Could not create output file %s: %s", path, strerror(n < 0 ? errno : ENAMETOOLONG));
	return false;
}

int ctl_start_prepare(const struct ctl_start *o, const char *file, bool force, const struct contact_status *status, struct contact_request *q, struct capture_file *ret)
{
	struct contact_start s = {
		.nframe = (uint32_t)o->nframe,
		.rotate = (uint32_t)o->rotate,
		.aggregate = o->aggregate,
		.no_symbols = o->no_symbols,
		.trace_python_allocators = o->trace_python_allocators,
		.looks = hook_options_looks(o->leak_check, o->look_at_marks, o->memory, o->look_contents),
		.memory_interval_ms = (uint32_t)o->memory_interval_ms,
	};
	char program[256], name[PATH_MAX];
	const struct name_facts facts = { program, status->program, (long long)time(NULL) };

	_Static_assert(sizeof(s) <= CONTACT_TEXT, "it fits a request");
	if (!take_numbers(o, &s))
		return UI_USAGE;
	take_program(status, program, sizeof(program));
	if (!name_expand(file ? file : PATTERN, &facts, name, sizeof(name))) {
		ui_error("argument --output: %s", name);
		return UI_USAGE;
	}
	if (o->rotate && status->uid != geteuid()) {
		ui_error("argument --rotate: the recorder makes the files itself, as the program's user, whose id is %u: call tracker ctl as that user", status->uid);
		return UI_CANNOT;
	}
	if (!take_path(name, &s) || !(o->rotate ? capture_file_open_pieces : capture_file_open)(ret, name, force))
		return UI_CANNOT;
	q->text_bytes = sizeof(s);
	memcpy(q->text, &s, sizeof(s));
	return UI_OK;
}
