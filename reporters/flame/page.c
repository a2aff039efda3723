/* page - see page.h. reporters/page/data.js and facts.js read what is written here. */
#include "flame/page.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/endings.h"
#include "common/process_name.h"
#include "common/selection.h"
#include "flame/columns.h"
#include "common/kept.h"
#include "page_assets.h"

#define WARNINGS_MAX 40

/* "Not freed", "Live when SIGINT ended it". */
static void name_not_freed(const struct page *p, const struct page_tab *t, char *title, size_t room)
{
	char words[ENDING_WORDS_ROOM] = "not freed";
	struct endings s;

	endings_begin(&s, p->report->capture, t->options->process);
	endings_add_view(&s, t->view);

	const enum ending only = endings_only(&s);

	if (only == ENDING_KILLED || only == ENDING_RUNNING)
		ending_words(&s, only, words);
	words[0] = (char)toupper((unsigned char)words[0]);
	snprintf(title, room, "%s", words);
}

#define TITLE_ROOM 720u

static void name_tab(const struct page *p, const struct page_tab *t, char title[TITLE_ROOM])
{
	const uint32_t threshold = t->options->threshold;
	char name[700];

	snprintf(title, TITLE_ROOM, "Heap at its peak");
	switch (t->options->what) {
	case VIEW_LIVE:
		if (p->live)
			snprintf(title, TITLE_ROOM, "Heap now");
		else if (p->report->has_point)
			snprintf(title, TITLE_ROOM, "Heap at %s", selection_name(t->options, name, sizeof(name)));
		break;
	case VIEW_LEAKS:
		name_not_freed(p, t, title, TITLE_ROOM);
		break;
	case VIEW_TEMPORARY:
		snprintf(title, TITLE_ROOM, "Temporary: freed within %" PRIu32 " allocation%s", threshold, threshold == 1 ? "" : "s");
		break;
	case VIEW_ALLOCATIONS:
		snprintf(title, TITLE_ROOM, "Everything that was allocated");
		break;
	}
	if (t->options->spanned) {
		const size_t used = strlen(title);
		const bool range = t->options->at.is_range;

		snprintf(title + used, TITLE_ROOM - used, range ? " in %s" : " until %s", selection_point(&t->options->at, name, sizeof(name)));
	}
}

static int meta_tab(const struct page *p, const struct page_tab *t, uint64_t merged_bytes, struct ui_json *j)
{
	static const char *const units[] = { "blocks", "blocks", "allocations", "allocations" };
	char title[TITLE_ROOM];
	struct kept kept;
	const int err = kept_find(p->report, t->options, t->view, &kept);

	name_tab(p, t, title);
	ui_json_object(j, NULL);
	ui_json_string(j, "name", t->name);
	ui_json_string(j, "title", title);
	ui_json_string(j, "unit", units[t->options->what]);
	if (t->options->what == VIEW_LIVE || t->options->spanned)
		ui_json_uint(j, "time_ns", t->view->time_ns);
	else
		ui_json_null(j, "time_ns");
	ui_json_uint(j, "bytes", t->view->bytes);
	ui_json_uint(j, "count", t->view->count);
	ui_json_uint(j, "kept_bytes", kept.bytes);
	ui_json_uint(j, "kept_blocks", kept.count);
	ui_json_uint(j, "merged_bytes", merged_bytes);
	ui_json_end(j);
	return err;
}

static int meta_tabs(const struct page *p, const struct flame_flat *flat, struct ui_json *j)
{
	int err = 0;

	ui_json_array(j, "views");
	for (uint32_t i = 0; i < p->tab_count; i++)
		if (meta_tab(p, &p->tabs[i], flat->merged_bytes[i], j) != 0)
			err = TRK_ERR_NOMEM;
	ui_json_end(j);
	return err;
}

/* What the reader's choices are at first. */
static void meta_first(const struct page *p, struct ui_json *j)
{
	ui_json_object(j, "first");
	ui_json_uint(j, "view", p->first);
	ui_json_bool(j, "inverted", p->options->inverted);
	ui_json_bool(j, "hide", !p->options->no_skip);
	ui_json_string(j, "metric", p->by_count ? "count" : "bytes");
	ui_json_end(j);
}

static void meta_totals(const struct page *p, struct ui_json *j)
{
	const struct heap_totals *const t = &p->view->totals;

	ui_json_object(j, "totals");
	ui_json_uint(j, "peak_bytes", p->live ? p->live->peak_bytes : t->peak_bytes);
	ui_json_uint(j, "peak_time_ns", t->peak_time_ns);
	ui_json_uint(j, "allocations", p->live ? p->live->allocations : t->allocations);
	ui_json_uint(j, "bytes_allocated", t->bytes_allocated);
	ui_json_uint(j, "temporary", t->temporary);
	ui_json_uint(j, "live_bytes", t->live_bytes);
	ui_json_uint(j, "live_blocks", t->live_blocks);
	ui_json_uint(j, "reserved_bytes", t->most_reserved_bytes);
	ui_json_uint(j, "reserved_mappings", t->most_reserved_mappings);
	ui_json_end(j);
}

/* Arguments with spaces between them; at most as many bytes as the room has. */
static void meta_command(const struct trk_process *process, struct ui_json *j)
{
	char line[2000];
	size_t n = 0;

	for (; process && n < process->command_line_bytes && n < sizeof(line); n++)
		line[n] = process->command_line[n] ? process->command_line[n] : ' ';
	while (n && line[n - 1] == ' ')
		n--;
	ui_json_string_n(j, "command_line", line, n);
}

static void meta_processes(const struct page *p, struct ui_json *j)
{
	const struct capture *const c = p->report->capture;
	const uint32_t shown = p->report->process < c->process_count ? p->report->process : 0;

	ui_json_uint(j, "process", shown);
	ui_json_bool(j, "all_processes", p->report->process == UINT32_MAX);
	meta_command(shown < c->process_count ? &c->processes[shown] : NULL, j);
	ui_json_array(j, "processes");
	for (uint32_t i = 0; i < c->process_count; i++) {
		char buf[PROCESS_NAME_ROOM];
		const char *const name = process_name(&c->processes[i], buf);

		ui_json_object(j, NULL);
		ui_json_uint(j, "pid", c->processes[i].pid);
		ui_json_string_n(j, "name", name, strnlen(name, 64));
		ui_json_end(j);
	}
	ui_json_end(j);
}

static void meta_groups(const struct page *p, struct ui_json *j)
{
	char label[160];

	ui_json_array(j, "groups");
	for (size_t i = 0; i < p->tree->group_count; i++) {
		const struct flame_group *const g = &p->tree->groups[i];
		ui_json_object(j, NULL);
		ui_json_uint(j, "process", g->process);
		ui_json_string(j, "thread",
			       p->options->threads ? flame_thread_label(p->report->capture, g->thread, label,
									sizeof(label)) :
						     NULL);
		ui_json_end(j);
	}
	ui_json_end(j);
}

static void meta_nodes(const struct page *p, const struct flame_flat *flat, struct ui_json *j)
{
	ui_json_object(j, "nodes");
	ui_json_uint(j, "total", p->tree->tree.count);
	ui_json_uint(j, "merged", flat->merged_nodes);
	ui_json_end(j);
}

static void meta_marks(const struct page *p, struct ui_json *j)
{
	ui_json_array(j, "marks");
	for (uint32_t i = 0; i < p->history->mark_count; i++) {
		ui_json_object(j, NULL);
		ui_json_uint(j, "time_ns", p->history->marks[i].time_ns);
		ui_json_string(j, "label", p->history->marks[i].label);
		ui_json_end(j);
	}
	ui_json_end(j);
}

static void meta_live(const struct page_live *l, struct ui_json *j)
{
	if (!l)
		return;
	ui_json_object(j, "live");
	ui_json_string(j, "state", l->state);
	ui_json_uint(j, "interval_ms", l->interval_ms);
	ui_json_uint(j, "rss_bytes", l->rss_bytes);
	ui_json_uint(j, "from_ns", l->from_ns);
	ui_json_end(j);
}

static void meta_killed(const struct capture *c, struct ui_json *j)
{
	char line[200], signal[16], name[PROCESS_NAME_ROOM];

	for (uint32_t i = 0; i < c->process_count && i < WARNINGS_MAX; i++) {
		const struct trk_process *const p = &c->processes[i];
		if (p->ended != TRK_KILLED)
			continue;
		snprintf(line, sizeof(line),
			 "Process %" PRIu32 " (%.64s) was killed by %s at %.1f s.", p->pid, process_name(p, name),
			 ending_signal(p->code, signal), (double)p->end_ns / 1e9);
		ui_json_string(j, NULL, line);
	}
}

/* A line for each tab. */
static void warn_sampled(const struct page *p, struct ui_json *j)
{
	char line[TITLE_ROOM + 200], title[TITLE_ROOM], every[32], size[32], margin[32];

	for (uint32_t i = 0; i < p->tab_count; i++) {
		const struct view *const v = p->tabs[i].view;
		const struct sampled_margin m = sampled_view_margin(v, p->tabs[i].options);

		name_tab(p, &p->tabs[i], title);
		snprintf(line, sizeof(line), "%s: sampled every %s: figures are estimates, total %s \xc2\xb1 %s (99 %%).", title,
			 ui_size(every, sizeof(every), (int64_t)v->sample_bytes, false),
			 ui_size(size, sizeof(size), (int64_t)v->bytes, false),
			 ui_size(margin, sizeof(margin), (int64_t)m.bytes, false));
		ui_json_string(j, NULL, line);
	}
}

static void meta_warnings(const struct page *p, struct ui_json *j)
{
	const struct capture *const c = p->report->capture;
	char line[400], unnamed[UNNAMED_ROOM];

	ui_json_array(j, "warnings");
	if (p->view->sample_bytes)
		warn_sampled(p, j);
	if (!p->live && c->recorder) {
		snprintf(line, sizeof(line), "The capture is still being recorded: %.3f s so far.", (double)capture_end(c) / 1e9);
		ui_json_string(j, NULL, line);
	} else if (!p->live && !c->complete) {
		snprintf(line, sizeof(line),
			 "The capture is incomplete (%s).",
			 c->damage.why[0] ? c->damage.why : "its end is missing");
		ui_json_string(j, NULL, line);
	}
	if (p->view->totals.lost) {
		snprintf(line, sizeof(line), "%" PRIu64 " events were lost while recording.",
			 p->view->totals.lost);
		ui_json_string(j, NULL, line);
	}
	const uint64_t truncated = capture_health(c, "truncated_stacks");
	if (truncated) {
		snprintf(line, sizeof(line),
			 "%" PRIu64 " stacks were cut: their oldest frames are missing.", truncated);
		ui_json_string(j, NULL, line);
	}
	if (*unnamed_describe(&p->report->unnamed, c, unnamed))
		ui_json_string(j, NULL, unnamed);
	meta_killed(c, j);
	for (uint32_t i = 0; i < c->notice_count && i < WARNINGS_MAX; i++)
		ui_json_string_n(j, NULL, c->notices[i], strnlen(c->notices[i], 500));
	ui_json_end(j);
}

static int write_meta(const struct page *p, const struct flame_flat *flat,
		      const struct columns *columns, FILE *f)
{
	const struct capture *const c = p->report->capture;
	const char *const path = p->live ? p->live->capture : c->path, *const slash = strrchr(path, '/');
	struct ui_json j;

	ui_json_init(&j, f, true);
	ui_json_object(&j, NULL);
	ui_json_string(&j, "program", "tracker " TRACKER_VERSION);
	ui_json_string(&j, "capture", slash ? slash + 1 : path);
	ui_json_uint(&j, "start_unix_ns", c->header.start_unix_ns);
	ui_json_uint(&j, "duration_ns", p->history->duration_ns);
	meta_live(p->live, &j);
	const int err = meta_tabs(p, flat, &j);

	meta_first(p, &j);
	meta_totals(p, &j);
	meta_processes(p, &j);
	meta_groups(p, &j);
	meta_nodes(p, flat, &j);
	meta_marks(p, &j);
	meta_warnings(p, &j);
	columns_describe(columns, &j, "columns");
	ui_json_end(&j);
	return err;
}

/* ---- the file ---- */
int page_write(const struct page *p, const struct flame_flat *flat, FILE *f)
{
	struct columns columns = { 0 };
	const char *at = page_html, *mark;
	int err = 0;

	err = page_columns(p, flat, &columns);
	for (; (mark = strstr(at, "@@")); at = strstr(mark + 2, "@@") + 2) {
		fwrite(at, 1, (size_t)(mark - at), f);
		if (strncmp(mark, "@@STYLE@@", 9) == 0)
			fputs(page_style, f);
		else if (strncmp(mark, "@@SCRIPT@@", 10) == 0)
			fputs(page_script, f);
		else if (strncmp(mark, "@@META@@", 8) == 0)
			err = err ? err : write_meta(p, flat, &columns, f);
		else if (strncmp(mark, "@@CONNECT@@", 11) == 0)
			fputs(p->live ? "; connect-src 'self'" : "", f);
		else if (strncmp(mark, "@@COLUMNS@@", 11) == 0)
			err = err ? err : columns_write(&columns, f);
	}
	fputs(at, f);
	columns_finish(&columns);
	return err;
}
