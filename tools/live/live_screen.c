/* live_screen - see live_screen.h. */
#include "live_screen.h"

#include <curses.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "common/process_name.h"
#include "common/traceback.h"
#include "ui/fit.h"
#include "ui/ui.h"

#define HEAD 3 /* lines of figures */
#define CHART_FROM 16 /* lines of a screen that has a chart */
#define CHART_MOST 8

enum { PAIR_TITLE = 1,
       PAIR_CHART,
       PAIR_GROWN,
       PAIR_SHRUNK };

static SCREEN *screen;
static bool unicode, colours;

/* ---- the terminal ---- */

bool live_screen_open(void)
{
	const char *const no_colour = getenv("NO_COLOR");

	setlocale(LC_CTYPE, "");
	unicode = ui_utf8();
	set_escdelay(25);
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		ui_error("this terminal (TERM=%s) is not known here; tracker live --once prints the same as text", getenv("TERM") ? getenv("TERM") : "");
		return false;
	}
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	colours = !(no_colour && *no_colour) && has_colors();
	if (colours) {
		start_color();
		use_default_colors();
		init_pair(PAIR_TITLE, COLOR_CYAN, -1);
		init_pair(PAIR_CHART, COLOR_BLUE, -1);
		init_pair(PAIR_GROWN, COLOR_RED, -1);
		init_pair(PAIR_SHRUNK, COLOR_GREEN, -1);
	}
	return true;
}

void live_screen_close(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

int live_screen_key(int timeout_ms)
{
	static const struct {
		wint_t key;
		int is;
	} others[] = {
		{ KEY_UP, LIVE_KEY_UP },
		{ KEY_DOWN, LIVE_KEY_DOWN },
		{ KEY_PPAGE, LIVE_KEY_PAGE_UP },
		{ KEY_NPAGE, LIVE_KEY_PAGE_DOWN },
		{ KEY_HOME, LIVE_KEY_HOME },
		{ KEY_END, LIVE_KEY_END },
		{ KEY_ENTER, LIVE_KEY_ENTER },
		{ KEY_BACKSPACE, LIVE_KEY_BACKSPACE },
	};
	wint_t key;
	int kind;

	timeout(timeout_ms);
	kind = get_wch(&key);
	for (size_t i = 0; kind == KEY_CODE_YES && i < sizeof(others) / sizeof(*others); i++)
		if (others[i].key == key)
			return others[i].is;
	if (kind != OK)
		return 0;
	return key == '\n' || key == '\r' ? LIVE_KEY_ENTER : key == 27	    ? LIVE_KEY_ESCAPE :
						     key == 127 || key == 8 ? LIVE_KEY_BACKSPACE :
									      (int)key;
}

static void paint(int pair, attr_t how)
{
	attrset(how);
	if (colours && pair)
		attron(COLOR_PAIR(pair));
}

/* ---- text ---- */

/* Harmless, and not wider than that: if it is too long, it is cut in the middle. malloc'ed; NULL: no memory. */
static char *fitted(const char *text, int width)
{
	char *plain = NULL, *cut = NULL;
	size_t bytes;
	FILE *f = open_memstream(&plain, &bytes);

	if (!f)
		return NULL;
	ui_prose(f, text);
	plain = ui_memstream_end(f, &plain);
	if (!plain || ui_columns(plain) <= width)
		return plain;
	f = open_memstream(&cut, &bytes);
	if (f && fit_name(f, plain, width, unicode))
		cut = ui_memstream_end(f, &cut);
	free(plain);
	return cut;
}

/* The text, at that place, as far as there is room. */
static void put(int y, int x, const char *text)
{
	const int width = COLS - x;
	char *const s = width > 0 && y >= 0 && y < LINES ? fitted(text, width) : NULL;

	if (s)
		mvaddstr(y, x, s);
	free(s);
}

static void put_right(int y, int end, const char *text)
{
	put(y, end - ui_columns(text), text);
}

static void clear_line(int y)
{
	move(y, 0);
	clrtoeol();
}

/* ---- figures ---- */

/* Of the recording, in a few words. */
static void state_words(const struct live_view *v, char *buf, size_t room)
{
	const struct capture *const c = v->picture ? v->picture->capture : NULL;
	const struct trk_process *const p = c && c->process_count ? &c->processes[0] : NULL;
	const char *const how = p && p->ended == TRK_EXITED ? "exited with status" : p && p->ended == TRK_KILLED ? "killed by signal" :
														   NULL;

	switch (v->state) {
	case LIVE_RECORDING:
		snprintf(buf, room, "%s", v->paused ? "paused" : "recording");
		return;
	case LIVE_WAITING:
		snprintf(buf, room, "not recorded yet");
		return;
	case LIVE_BROKEN:
		snprintf(buf, room, "the recorder was killed");
		return;
	case LIVE_LEFT:
		snprintf(buf, room, "disconnected");
		return;
	default:
		if (how)
			snprintf(buf, room, "ended: %s %u", how, p->code);
		else
			snprintf(buf, room, "ended");
	}
}

/* Whose figures are shown. */
static const struct picture *figures_of(const struct live_view *v)
{
	return v->picture ? v->picture : v->coming;
}

static void draw_title(const struct live_view *v)
{
	const struct picture *const of = figures_of(v);
	const struct trk_process *const p = of ? picture_program(of) : NULL;
	const uint32_t running = of ? picture_running(of) : 0;
	char name[PROCESS_NAME_ROOM], state[128], text[512], more[64] = "";

	state_words(v, state, sizeof(state));
	if (running > 1)
		snprintf(more, sizeof(more), " and %u more", running - 1);
	snprintf(text, sizeof(text), "%s (pid %u)%s, %.1f s: %s", p ? process_name(p, name) : "no program yet", p ? p->pid : 0, more,
		 of ? (double)of->time_ns / 1e9 : 0.0, state);
	paint(PAIR_TITLE, A_BOLD);
	put(0, 0, text);
	paint(0, A_NORMAL);
	if (ui_columns(text) + 8 < COLS)
		put_right(0, COLS, "? help");
}

static void draw_figures(const struct live_view *v)
{
	const struct picture *const p = figures_of(v);
	char live[32], peak[32], rss[32], blocks[32], made[32], gone[32], text[256];

	if (!p) {
		put(1, 0, v->message[0] ? v->message : "reading what lives ...");
		return;
	}
	ui_size(live, sizeof(live), (int64_t)p->live_bytes, false);
	ui_size(peak, sizeof(peak), (int64_t)p->peak_bytes, false);
	ui_size(rss, sizeof(rss), (int64_t)p->rss_bytes, false);
	ui_count(blocks, sizeof(blocks), p->live_blocks);
	if (COLS < 64)
		snprintf(text, sizeof(text), "Heap %s, peak %s", live, peak);
	else
		snprintf(text, sizeof(text), "Heap %s in %s blocks, peak %s, RSS %s", live, blocks, peak, p->rss_bytes ? rss : "not known");
	put(1, 0, text);
	ui_count(made, sizeof(made), v->has_rates ? v->allocations_per_s : p->allocations);
	ui_count(gone, sizeof(gone), v->has_rates ? v->frees_per_s : p->frees);
	snprintf(text, sizeof(text), v->has_rates ? "Allocations %s/s, frees %s/s" : "Allocations %s, frees %s", made, gone);
	if (p->lost) {
		const size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n, "; %llu events were lost", (unsigned long long)p->lost);
	}
	put(2, 0, text);
}

/* ---- the chart ---- */

static int chart_height(void)
{
	const int height = (LINES - HEAD) / 4;

	if (LINES < CHART_FROM)
		return 0;
	return height > CHART_MOST ? CHART_MOST : height;
}

static void draw_chart(const struct live_view *v, int y, int height)
{
	const int left = 11;
	struct chart c;
	char top[32];

	if (!height || !chart_make(&c, v->past.points, v->past.point_count, COLS - left, height))
		return;
	put_right(y, left - 1, ui_size(top, sizeof(top), (int64_t)c.top, false));
	put_right(y + height - 1, left - 1, "0");
	paint(PAIR_CHART, A_NORMAL);
	for (int line = 0; line < height; line++)
		for (int column = 0; column < c.width; column++)
			mvaddstr(y + line, left + column, chart_cell(&c, line, column, unicode));
	paint(0, A_NORMAL);
	chart_finish(&c);
}

/* ---- the table ---- */

static const char *own_cell(const struct shown_row *r, char buf[32]) { return ui_size(buf, 32, (int64_t)r->row->own, false); }
static const char *total_cell(const struct shown_row *r, char buf[32]) { return ui_size(buf, 32, (int64_t)r->row->total, false); }
static const char *blocks_cell(const struct shown_row *r, char buf[32]) { return ui_count(buf, 32, r->row->blocks); }
static const char *change_cell(const struct shown_row *r, char buf[32])
{
	return r->has_change && r->change ? ui_size(buf, 32, r->change, true) : "";
}
static const char *minute_cell(const struct shown_row *r, char buf[32])
{
	return r->has_minute && r->minute ? ui_size(buf, 32, r->minute, true) : "";
}

/* Columns, in order; a screen has those for which it is wide enough, and the one by which it is sorted. */
static const struct column {
	const char *heading;
	enum shown_order order;
	int width, from;
	const char *(*cell)(const struct shown_row *r, char buf[32]);
} columns[] = {
	{ "own", SHOWN_BY_OWN, 10, 0, own_cell },
	{ "total", SHOWN_BY_TOTAL, 11, 70, total_cell },
	{ "blocks", SHOWN_BY_BLOCKS, 11, 52, blocks_cell },
	{ "change", SHOWN_BY_CHANGE, 12, 84, change_cell },
	{ "in 1 min", SHOWN_BY_MINUTE, 12, 98, minute_cell },
};

#define COLUMNS_ALL (sizeof(columns) / sizeof(*columns))

static bool is_shown(const struct live_view *v, const struct column *c)
{
	/* on a narrow screen the one by which it is sorted stands alone */
	if (c->order == v->shown.order)
		return true;
	return COLS >= c->from && (c->from || COLS >= 52 || v->shown.order == SHOWN_BY_OWN);
}

static void draw_headings(const struct live_view *v, int y)
{
	char by[64];
	int x = 0;

	paint(0, A_REVERSE);
	clear_line(y);
	for (int i = 0; i < COLS; i++)
		mvaddch(y, i, ' ');
	for (size_t i = 0; i < COLUMNS_ALL; i++) {
		char heading[32];

		if (!is_shown(v, &columns[i]))
			continue;
		x += columns[i].width;
		snprintf(heading, sizeof(heading), "%s%s", columns[i].order == v->shown.order ? "*" : "", columns[i].heading);
		put_right(y, x, heading);
	}
	snprintf(by, sizeof(by), "  %s", group_by_name(v->question.by));
	put(y, x, by);
	paint(0, A_NORMAL);
}

static void draw_row(const struct live_view *v, int y, const struct shown_row *r, bool chosen)
{
	int x = 0;

	for (size_t i = 0; i < COLUMNS_ALL; i++) {
		const struct column *const c = &columns[i];
		const int64_t sign = c->order == SHOWN_BY_CHANGE ? r->change : c->order == SHOWN_BY_MINUTE ? r->minute :
													     0;
		char buf[32];

		if (!is_shown(v, c))
			continue;
		x += c->width;
		paint(sign > 0 ? PAIR_GROWN : sign < 0 ? PAIR_SHRUNK :
							 0,
		      chosen ? A_REVERSE : A_NORMAL);
		put_right(y, x, c->cell(r, buf));
	}
	paint(0, chosen ? A_REVERSE : A_NORMAL);
	put(y, x + 2, r->row->key);
	paint(0, A_NORMAL);
}

static void draw_table(struct live_view *v, int y, int height)
{
	draw_headings(v, y);
	v->page = height > 1 ? (size_t)height - 1 : 1;
	if (v->at < v->first)
		v->first = v->at;
	if (v->at >= v->first + v->page)
		v->first = v->at - v->page + 1;
	for (size_t i = 0; i < v->page && v->first + i < v->shown.count && (int)i + 1 < height; i++)
		draw_row(v, y + 1 + (int)i, &v->shown.list[v->first + i], v->first + i == v->at);
	if (!v->picture && v->coming && height > 1)
		put(y + 1, 0, "reading names ...");
	if (!v->shown.count && v->picture && height > 1)
		put(y + 1, 0, v->shown.filter[0] ? "no such row; Esc shows all" : v->shown.growing ? "nothing has grown in the last minute; Esc shows all" :
												     "nothing lives here");
}

/* ---- the stack of a row ---- */

/* How many lines it took. */
static int draw_frame(const struct source_frame *f, int y, int lines)
{
	char *const source = lines > 1 && f->has_source ? traceback_source(f->file, f->line, SOURCES_DEFAULT) : NULL;
	char *text = NULL;

	if (f->cut ? asprintf(&text, "  ... older frames were cut off") < 0 : f->has_source ? asprintf(&text, "  %s (%s:%u)", f->function, f->file, f->line) < 0 :
											      asprintf(&text, "  %s (%s)", *f->function ? f->function : "<unknown>", f->module) < 0)
		text = NULL;
	if (text)
		put(y, 0, text);
	if (source) {
		paint(0, A_BOLD);
		put(y + 1, 6, source);
		paint(0, A_NORMAL);
	}
	free(text);
	const int used = source ? 2 : 1;

	free(source);
	return used;
}

static void draw_stack(struct live_view *v, int y, int height)
{
	size_t count, i;
	int line = y + 1;

	paint(PAIR_TITLE, A_BOLD);
	put(y, 0, "The biggest stack of this row, most recent call first (Enter closes):");
	paint(0, A_NORMAL);
	if (!v->shown.count)
		return;
	const struct source_frame *const frames = picture_stack(v->picture, v->shown.list[v->at].row, &count);

	for (i = 0; i < count && line < y + height; i++)
		line += draw_frame(&frames[i], line, y + height - line);
	if (i < count) {
		char text[64];

		clear_line(y + height - 1);
		snprintf(text, sizeof(text), "  ... %zu more", count - i + 1);
		put(y + height - 1, 0, text);
	}
}

/* ---- the last line ---- */

static void draw_prompt(const struct live_view *v, int y)
{
	static const char *const what[] = {
		[LIVE_PROMPT_FILTER] = "Filter: ",
		[LIVE_PROMPT_MARK] = "Label of the mark: ",
		[LIVE_PROMPT_SNAPSHOT] = "File of the snapshot: ",
	};
	char text[LIVE_INPUT_ROOM + 32];

	snprintf(text, sizeof(text), "%s%s_", what[v->prompt], v->input);
	paint(0, A_BOLD);
	put(y, 0, text);
	paint(0, A_NORMAL);
}

static void draw_chosen(const struct live_view *v, int y)
{
	char thread[96] = "all threads", process[48] = "", filter[160] = "", text[512];

	if (v->question.tid)
		snprintf(thread, sizeof(thread), "thread 0x%x (%.64s)", v->question.tid, v->picture ? picture_thread_name(v->picture, v->question.pid, v->question.tid) : "");
	if (v->question.pid)
		snprintf(process, sizeof(process), ", process %u", v->question.pid);
	if (v->shown.filter[0])
		snprintf(filter, sizeof(filter), ", filter '%s'", v->shown.filter);
	snprintf(text, sizeof(text), "%s%s%s%s%s%s", thread, process, filter, v->shown.growing ? ", growing only" : "", v->paused ? ", paused" : "",
		 v->short_of_memory ? ", out of memory: rows are missing" : "");
	put(y, 0, text);
}

static void draw_last(const struct live_view *v, int y)
{
	if (v->prompt)
		draw_prompt(v, y);
	else if (v->message[0] && v->picture)
		put(y, 0, v->message);
	else if (v->picture && v->state != LIVE_RECORDING && v->state != LIVE_WAITING)
		put(y, 0, v->state == LIVE_BROKEN ? "Remote has disconnected: the recorder was killed; q quits" : v->state == LIVE_FILE ? "This file is finished: the view shows how it ended; q quits" :
																	  "Remote has disconnected: the recording has ended; q quits");
	else
		draw_chosen(v, y);
}

/* ---- the whole ---- */

static void draw_help(struct live_view *v, int y, int height)
{
	const char *keys, *what;
	char text[160];

	v->page = height > 0 ? (size_t)height : 1;
	for (size_t i = 0; (int)i < height && (what = live_view_help(v->help_first + i, &keys)); i++) {
		snprintf(text, sizeof(text), "%-7s %s", keys, what);
		put(y + (int)i, 0, text);
	}
}

void live_screen_draw(struct live_view *v)
{
	const int chart = chart_height(), top = HEAD + chart, left = LINES - top - 1, stack = v->stack && v->picture && !v->help ? left / 2 : 0;

	erase();
	draw_title(v);
	if (v->help) {
		draw_help(v, 1, LINES - 2);
	} else {
		draw_figures(v);
		draw_chart(v, HEAD, chart);
		draw_table(v, top, left - stack);
		if (stack)
			draw_stack(v, LINES - 1 - stack, stack);
	}
	draw_last(v, LINES - 1);
	refresh();
}
