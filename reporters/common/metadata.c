/* metadata - see metadata.h. */
#include "common/metadata.h"

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

char *metadata_command_line(const struct trk_process *p)
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

static void build_ids(struct emit *e, const struct capture *c)
{
	emit_group(e, "build_ids");
	for (uint32_t i = 1; i < c->module_count; i++) {
		const struct trk_module *m = &c->modules[i];
		char hex[2 * 64 + 1] = "";

		for (uint32_t n = 0; n < m->build_id_bytes && n < 64; n++)
			snprintf(hex + 2 * n, 3, "%02x", m->build_id[n]);
		emit_data(e, m->path, emit_words(hex[0] ? hex : NULL));
	}
	emit_end(e);
}

static struct emit_value known(const char *text)
{
	return emit_words(text[0] ? text : NULL);
}

/* Where and on what it ran; null: the capture does not say. */
static void machine(struct emit *e, const struct trk_process *p)
{
	emit_figure(e, "hostname", known(p->host));
	emit_figure(e, "system", known(p->system));
	emit_figure(e, "libc", known(p->libc));
}

struct emit_value metadata_status(const struct trk_process *p)
{
	return p->ended == TRK_EXITED ? emit_number(p->code) : emit_null();
}

struct emit_value metadata_signal(const struct trk_process *p)
{
	return p->ended == TRK_KILLED ? emit_number(p->code) : emit_null();
}

int metadata_figures(struct emit *e, const struct report *r, const struct heap_totals *totals)
{
	const struct capture *c = r->capture;
	const struct trk_process none = { .command_line = "", .libc = "", .host = "", .system = "", .title = "" };
	const uint32_t index = metadata_process(r);
	const struct trk_process *p = index < c->process_count ? &c->processes[index] : &none;
	char *command_line = metadata_command_line(p);
	char time[METADATA_TIME_ROOM];

	if (!command_line)
		return TRK_ERR_NOMEM;
	emit_figure(e, "start_time", emit_words(metadata_time(c->header.start_unix_ns, time)));
	emit_figure(e, "end_time", emit_words(metadata_time(c->header.start_unix_ns + capture_end(c), time)));
	emit_figure(e, "total_allocations", emit_number(totals->allocations));
	emit_figure(e, "total_frees", emit_number(totals->frees));
	emit_figure(e, "total_frames", emit_number(c->frame_count ? c->frame_count - 1 : 0));
	emit_figure(e, "peak_memory", emit_number(totals->peak_bytes));
	emit_figure(e, "command_line", emit_words(command_line));
	emit_figure(e, "pid", emit_number(p->pid));
	emit_figure(e, "main_thread_id", emit_number(main_thread_id(c, index)));
	emit_figure(e, "allocator", emit_words("malloc"));
	emit_figure(e, "has_native_traces", emit_flag(true));
	emit_figure(e, "file_format", emit_words(capture_is_aggregated(c) ? "AGGREGATED_ALLOCATIONS" : "ALL_ALLOCATIONS"));
	emit_figure(e, "format_version", emit_number(c->header.version));
	emit_figure(e, "page_size", emit_number(c->header.page_bytes));
	machine(e, p);
	build_ids(e, c);
	free(command_line);
	return 0;
}

void metadata_say(struct emit *e)
{
	emit_say(e, "start_time: {start_time}\nend_time: {end_time}\n"
		    "total_allocations: {total_allocations}\ntotal_frees: {total_frees}\ntotal_frames: {total_frames}\n"
		    "peak_memory: {peak_memory}\ncommand_line: {command_line}\npid: {pid}\n"
		    "format_version: {format_version}\npage_size: {page_size}\n"
		    "[hostname: {hostname}\n][system: {system}\n][libc: {libc}\n]");
}
