/* metadata - see metadata.h. */
#include "metadata.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

char *metadata_time(uint64_t unix_ns, char buf[METADATA_TIME_ROOM])
{
	const time_t seconds = (time_t)(unix_ns / 1000000000u);
	char day[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, METADATA_TIME_ROOM, "%s.%06u+00:00", day,
		 (unsigned)(unix_ns % 1000000000u / 1000));
	return buf;
}

static bool is_plain(const char *arg)
{
	return arg[0] && arg[strspn(arg, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789@%+=:,./-_")] == '\0';
}

static void put_argument(FILE *f, const char *arg)
{
	if (is_plain(arg)) {
		fputs(arg, f);
		return;
	}
	fputc('\'', f);
	for (; *arg; arg++)
		fputs(*arg == '\'' ? "'\\''" : (const char[]){ *arg, '\0' }, f);
	fputc('\'', f);
}

char *metadata_command_line(const struct cap_process *p)
{
	const char *end = p->command_line + p->command_line_bytes;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	/* The copy in memory ends with a NUL, whether the last argument did or not. */
	for (const char *arg = p->command_line; arg < end; arg += strlen(arg) + 1) {
		if (arg > p->command_line)
			fputc(' ', f);
		put_argument(f, arg);
	}
	return ui_memstream_end(f, &text);
}

uint32_t metadata_process(const struct report *r)
{
	return r->process == UINT32_MAX ? 0 : r->process;
}

static uint32_t main_thread_id(const struct capture *c, uint32_t process)
{
	for (uint32_t i = 0; i < c->thread_count; i++) {
		if (c->threads[i].process == process && c->threads[i].main)
			return c->threads[i].tid;
	}
	return 0;
}

static void json_build_ids(struct ui_json *j, const struct capture *c)
{
	ui_json_object(j, "build_ids");
	for (uint32_t i = 1; i < c->module_count; i++) {
		const struct cap_module *m = &c->modules[i];
		char hex[2 * 64 + 1] = "";

		for (uint32_t n = 0; n < m->build_id_bytes && n < 64; n++)
			snprintf(hex + 2 * n, 3, "%02x", m->build_id[n]);
		ui_json_string(j, m->path, hex[0] ? hex : NULL);
	}
	ui_json_end(j);
}

void metadata_machine(struct ui_json *j, const struct cap_process *p)
{
	ui_json_string(j, "hostname", p->host[0] ? p->host : NULL);
	ui_json_string(j, "system", p->system[0] ? p->system : NULL);
	ui_json_string(j, "libc", p->libc[0] ? p->libc : NULL);
}

void metadata_ended(struct ui_json *j, const struct cap_process *p)
{
	if (p->ended == 1)
		ui_json_uint(j, "status", p->code);
	else
		ui_json_null(j, "status");
	if (p->ended == 2)
		ui_json_uint(j, "signal", p->code);
	else
		ui_json_null(j, "signal");
}

int metadata_json(struct ui_json *j, const char *key, const struct report *r,
		  const struct heap_totals *totals)
{
	const struct capture *c = r->capture;
	const struct cap_process none = { .command_line = "", .libc = "", .host = "", .system = "" };
	const uint32_t index = metadata_process(r);
	const struct cap_process *p = index < c->process_count ? &c->processes[index] : &none;
	char *command_line = metadata_command_line(p);
	char time[METADATA_TIME_ROOM];

	if (!command_line)
		return TRK_ERR_NOMEM;
	if (key)
		ui_json_object(j, key);
	ui_json_string(j, "start_time", metadata_time(c->header.start_unix_ns, time));
	ui_json_string(j, "end_time",
		       metadata_time(c->header.start_unix_ns + capture_end(c), time));
	ui_json_uint(j, "total_allocations", totals->allocations);
	ui_json_uint(j, "total_frees", totals->frees);
	ui_json_uint(j, "total_frames", c->frame_count ? c->frame_count - 1 : 0);
	ui_json_uint(j, "peak_memory", totals->peak_bytes);
	ui_json_string(j, "command_line", command_line);
	ui_json_uint(j, "pid", p->pid);
	ui_json_uint(j, "main_thread_id", main_thread_id(c, index));
	ui_json_string(j, "allocator", "malloc");
	ui_json_bool(j, "has_native_traces", true);
	ui_json_string(j, "file_format", capture_is_aggregated(c) ? "AGGREGATED_ALLOCATIONS"
								  : "ALL_ALLOCATIONS");
	ui_json_uint(j, "format_version", c->header.version);
	ui_json_uint(j, "page_size", c->header.page_bytes);
	metadata_machine(j, p);
	json_build_ids(j, c);
	if (key)
		ui_json_end(j);
	free(command_line);
	return 0;
}

/* Only what the capture says. */
static void put_line(FILE *f, const char *key, const char *value)
{
	if (!value[0])
		return;
	fprintf(f, "%s: ", key);
	ui_text(f, value);
	fputc('\n', f);
}

void metadata_text(FILE *f, const struct report *r, const struct heap_totals *totals)
{
	const struct capture *c = r->capture;
	const uint32_t index = metadata_process(r);
	const struct cap_process *p = index < c->process_count ? &c->processes[index] : NULL;
	char start[METADATA_TIME_ROOM], end[METADATA_TIME_ROOM];
	char *command_line = p ? metadata_command_line(p) : NULL;

	fprintf(f, "start_time: %s\nend_time: %s\n", metadata_time(c->header.start_unix_ns, start),
		metadata_time(c->header.start_unix_ns + capture_end(c), end));
	fprintf(f,
		"total_allocations: %" PRIu64 "\ntotal_frees: %" PRIu64 "\ntotal_frames: %" PRIu32
		"\npeak_memory: %" PRIu64 "\ncommand_line: ",
		totals->allocations, totals->frees, c->frame_count ? c->frame_count - 1 : 0,
		totals->peak_bytes);
	ui_text(f, command_line ? command_line : "");
	fprintf(f, "\npid: %" PRIu32 "\nformat_version: %u\npage_size: %" PRIu32 "\n",
		p ? p->pid : 0, c->header.version, c->header.page_bytes);
	put_line(f, "hostname", p ? p->host : "");
	put_line(f, "system", p ? p->system : "");
	put_line(f, "libc", p ? p->libc : "");
	free(command_line);
}
