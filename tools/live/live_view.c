/* live_view - see live_view.h. */
#include "live_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define SECOND_NS 1000000000ull

void live_view_init(struct live_view *v, const struct picture_question *q)
{
	*v = (struct live_view){ .question = *q };
	v->names = live_names_new();
}

void live_view_finish(struct live_view *v)
{
	picture_free(v->picture);
	live_names_free(v->names);
	past_finish(&v->past);
	shown_rows_finish(&v->shown);
}

/* ---- pictures ---- */

static void choose(struct live_view *v)
{
	v->short_of_memory |= !shown_rows_choose(&v->shown, v->picture, &v->past);
	v->at = shown_rows_find(&v->shown, v->chosen, v->at);
	if (v->at >= v->shown.count)
		v->at = v->shown.count ? v->shown.count - 1 : 0;
	v->chosen = v->shown.count ? v->shown.list[v->at].row->id : 0;
}

static void remember_rows(struct live_view *v)
{
	const struct picture *const p = v->picture;
	struct past_entry *const list = malloc((p->row_count + 1) * sizeof(*list));

	v->short_of_memory |= !list;
	for (size_t i = 0; list && i < p->row_count; i++)
		list[i] = (struct past_entry){ p->rows[i].id, p->rows[i].own };
	if (list)
		past_add_rows(&v->past, p->time_ns, list, p->row_count);
}

/* Another question: what rows held before is not comparable. */
static void ask_anew(struct live_view *v)
{
	if (!v->picture)
		return;
	past_forget_rows(&v->past);
	v->short_of_memory |= picture_ask(v->picture, &v->question) != 0;
	remember_rows(v);
	choose(v);
}

static void rate(struct live_view *v)
{
	const struct picture *const p = v->picture;
	const uint64_t ns = p->time_ns - v->rated_ns;

	v->has_rates = v->rated_ns && p->time_ns > v->rated_ns && p->allocations >= v->rated_allocations && p->frees >= v->rated_frees;
	if (v->has_rates) {
		v->allocations_per_s = (uint64_t)((double)(p->allocations - v->rated_allocations) * (double)SECOND_NS / (double)ns);
		v->frees_per_s = (uint64_t)((double)(p->frees - v->rated_frees) * (double)SECOND_NS / (double)ns);
	}
	v->rated_ns = p->time_ns;
	v->rated_allocations = p->allocations;
	v->rated_frees = p->frees;
}

static bool is_same(const struct picture_question *a, const struct picture_question *b)
{
	return a->by == b->by && a->pid == b->pid && a->tid == b->tid;
}

void live_view_take(struct live_view *v, struct picture *p, const struct picture_question *asked, enum live_state state)
{
	v->state = state;
	v->coming = NULL;
	picture_free(v->picture);
	v->picture = p;
	rate(v);
	past_add_point(&v->past, &(struct past_point){ p->time_ns, p->live_bytes, p->rss_bytes });
	if (!is_same(asked, &v->question)) {
		ask_anew(v);
		return;
	}
	remember_rows(v);
	choose(v);
}

/* ---- keys ---- */

static void move_to(struct live_view *v, size_t at)
{
	if (v->help) {
		const char *unused;

		while (at && !live_view_help(at, &unused))
			at = at > 64 ? 64 : at - 1;
		v->help_first = at;
		return;
	}
	if (!v->shown.count)
		return;
	v->at = at < v->shown.count ? at : v->shown.count - 1;
	v->chosen = v->shown.list[v->at].row->id;
}

/* Where the user is: in the table, or in the help. */
static size_t here(const struct live_view *v)
{
	return v->help ? v->help_first : v->at;
}

static void up(struct live_view *v) { move_to(v, here(v) ? here(v) - 1 : 0); }
static void down(struct live_view *v) { move_to(v, here(v) + 1); }
static void page_up(struct live_view *v) { move_to(v, here(v) > v->page ? here(v) - v->page : 0); }
static void page_down(struct live_view *v) { move_to(v, here(v) + (v->page ? v->page : 1)); }
static void home(struct live_view *v) { move_to(v, 0); }
static void end(struct live_view *v) { move_to(v, SIZE_MAX); }

static void order(struct live_view *v, enum shown_order order)
{
	v->shown.order = order;
	if (v->picture)
		choose(v);
	home(v);
}

static void by_own(struct live_view *v) { order(v, SHOWN_BY_OWN); }
static void by_total(struct live_view *v) { order(v, SHOWN_BY_TOTAL); }
static void by_blocks(struct live_view *v) { order(v, SHOWN_BY_BLOCKS); }
static void by_change(struct live_view *v) { order(v, SHOWN_BY_CHANGE); }
static void by_minute(struct live_view *v) { order(v, SHOWN_BY_MINUTE); }

static void growing(struct live_view *v)
{
	v->shown.growing = !v->shown.growing;
	order(v, v->shown.growing ? SHOWN_BY_MINUTE : SHOWN_BY_OWN);
}

/* By what rows are counted: only what sums can tell. */
static void next_key(struct live_view *v)
{
	static const enum group_by keys[] = { GROUP_FUNCTION, GROUP_LINENO, GROUP_FILENAME, GROUP_MODULE, GROUP_THREAD };
	const size_t count = sizeof(keys) / sizeof(*keys);
	size_t i = 0;

	while (i < count && keys[i] != v->question.by)
		i++;
	v->question.by = keys[(i + 1) % count];
	ask_anew(v);
}

static void step_thread(struct live_view *v, int step)
{
	if (!v->picture)
		return;
	v->question.tid = picture_next_tid(v->picture, v->question.pid, v->question.tid, step);
	ask_anew(v);
}

static void step_process(struct live_view *v, int step)
{
	if (!v->picture)
		return;
	v->question.pid = picture_next_pid(v->picture, v->question.pid, step);
	v->question.tid = 0;
	ask_anew(v);
}

static void next_thread(struct live_view *v) { step_thread(v, 1); }
static void previous_thread(struct live_view *v) { step_thread(v, -1); }
static void next_process(struct live_view *v) { step_process(v, 1); }
static void previous_process(struct live_view *v) { step_process(v, -1); }

static void all_threads(struct live_view *v)
{
	v->question.pid = v->question.tid = 0;
	ask_anew(v);
}

static void stack(struct live_view *v) { v->stack = !v->stack; }
static void help(struct live_view *v)
{
	v->help = !v->help;
	v->help_first = 0;
}

static void pause_view(struct live_view *v) { v->paused = !v->paused; }

static void prompt(struct live_view *v, enum live_prompt what, const char *text)
{
	v->prompt = what;
	snprintf(v->input, sizeof(v->input), "%s", text);
}

static void filter(struct live_view *v) { prompt(v, LIVE_PROMPT_FILTER, v->shown.filter); }

/* Only a recorder can do that. */
static void prompt_recorder(struct live_view *v, enum live_prompt what, const char *text)
{
	if (v->state == LIVE_RECORDING)
		prompt(v, what, text);
	else
		snprintf(v->message, sizeof(v->message), v->state == LIVE_WAITING ? "the recording has not begun yet" : "nothing is recorded any more");
}

static void mark(struct live_view *v) { prompt_recorder(v, LIVE_PROMPT_MARK, ""); }

static void snapshot(struct live_view *v)
{
	const struct trk_process *const program = v->picture ? picture_program(v->picture) : NULL;
	char name[64];

	snprintf(name, sizeof(name), "tracker.%u.%llu.bin", program ? program->pid : 0, (unsigned long long)(v->rated_ns / 1000000));
	prompt_recorder(v, LIVE_PROMPT_SNAPSHOT, name);
}

static void escape(struct live_view *v)
{
	if (v->help || v->stack) {
		v->help = v->stack = false;
		return;
	}
	v->shown.filter[0] = 0;
	v->shown.growing = false;
	if (v->picture)
		choose(v);
}

static const struct {
	const char *keys, *what; /* NULL: another line names it */
	int key, other;
	void (*function)(struct live_view *v);
	enum live_wish wish;
} keys[] = {
	{ "q", "quit; the program runs on", 'q', 'Q', NULL, LIVE_WISH_QUIT },
	{ "o", "sort by own bytes", 'o', 'O', by_own, LIVE_WISH_NOTHING },
	{ "t", "sort by total: with what it calls", 't', 'T', by_total, LIVE_WISH_NOTHING },
	{ "a", "sort by blocks that live", 'a', 'A', by_blocks, LIVE_WISH_NOTHING },
	{ "d", "sort by change since the last one", 'd', 'D', by_change, LIVE_WISH_NOTHING },
	{ "i", "sort by change in the last minute", 'i', 'I', by_minute, LIVE_WISH_NOTHING },
	{ "g", "only what grew in the last minute", 'g', 'G', growing, LIVE_WISH_NOTHING },
	{ "b", "rows by function, line, file ...", 'b', 'B', next_key, LIVE_WISH_NOTHING },
	{ "< >", "one thread: previous, next", '>', '.', next_thread, LIVE_WISH_NOTHING },
	{ NULL, NULL, '<', ',', previous_thread, LIVE_WISH_NOTHING },
	{ "{ }", "one process: previous, next", '}', ']', next_process, LIVE_WISH_NOTHING },
	{ NULL, NULL, '{', '[', previous_process, LIVE_WISH_NOTHING },
	{ "m", "all threads and processes", 'm', 'M', all_threads, LIVE_WISH_NOTHING },
	{ "/", "only rows that contain a text", '/', '/', filter, LIVE_WISH_NOTHING },
	{ "Enter", "the biggest stack of the row", LIVE_KEY_ENTER, LIVE_KEY_ENTER, stack, LIVE_WISH_NOTHING },
	{ "space", "pause, and go on", ' ', ' ', pause_view, LIVE_WISH_NOTHING },
	{ "k", "put a mark into the recording", 'k', 'K', mark, LIVE_WISH_NOTHING },
	{ "s", "write a snapshot into a file", 's', 'S', snapshot, LIVE_WISH_NOTHING },
	{ "up down", "choose a row; PgUp, PgDn, Home, End", LIVE_KEY_UP, LIVE_KEY_UP, up, LIVE_WISH_NOTHING },
	{ NULL, NULL, LIVE_KEY_DOWN, LIVE_KEY_DOWN, down, LIVE_WISH_NOTHING },
	{ NULL, NULL, LIVE_KEY_PAGE_UP, LIVE_KEY_PAGE_UP, page_up, LIVE_WISH_NOTHING },
	{ NULL, NULL, LIVE_KEY_PAGE_DOWN, LIVE_KEY_PAGE_DOWN, page_down, LIVE_WISH_NOTHING },
	{ NULL, NULL, LIVE_KEY_HOME, LIVE_KEY_HOME, home, LIVE_WISH_NOTHING },
	{ NULL, NULL, LIVE_KEY_END, LIVE_KEY_END, end, LIVE_WISH_NOTHING },
	{ "Esc", "close; then: no filter", LIVE_KEY_ESCAPE, LIVE_KEY_ESCAPE, escape, LIVE_WISH_NOTHING },
	{ "?", "this help", '?', 'h', help, LIVE_WISH_NOTHING },
};

const char *live_view_help(size_t i, const char **ret_keys)
{
	for (size_t j = 0; j < sizeof(keys) / sizeof(*keys); j++) {
		if (!keys[j].keys || i--)
			continue;
		*ret_keys = keys[j].keys;
		return keys[j].what;
	}
	return NULL;
}

/* ---- typing ---- */

static void take_filter(struct live_view *v)
{
	snprintf(v->shown.filter, sizeof(v->shown.filter), "%s", v->input);
	if (v->picture)
		choose(v);
}

static enum live_wish typed(struct live_view *v)
{
	const enum live_prompt what = v->prompt;

	v->prompt = LIVE_PROMPT_NONE;
	if (what == LIVE_PROMPT_FILTER || !v->input[0])
		return LIVE_WISH_NOTHING;
	return what == LIVE_PROMPT_MARK ? LIVE_WISH_MARK : LIVE_WISH_SNAPSHOT;
}

/* Takes the last character away, all its bytes. */
static void shorten(char *text)
{
	size_t n = strlen(text);

	while (n && ((unsigned char)text[--n] & 0xc0) == 0x80)
		;
	text[n] = 0;
}

static enum live_wish type(struct live_view *v, int key)
{
	const size_t n = strlen(v->input);

	if (key == LIVE_KEY_ENTER)
		return typed(v);
	if (key == LIVE_KEY_ESCAPE) {
		v->prompt = LIVE_PROMPT_NONE;
		return LIVE_WISH_NOTHING;
	}
	if (key == LIVE_KEY_BACKSPACE)
		shorten(v->input);
	else if (key >= ' ' && key < LIVE_KEY_UP && n + 5 < sizeof(v->input))
		snprintf(v->input + n, sizeof(v->input) - n, "%lc", (wint_t)key);
	if (v->prompt == LIVE_PROMPT_FILTER)
		take_filter(v);
	return LIVE_WISH_NOTHING;
}

enum live_wish live_view_key(struct live_view *v, int key)
{
	if (v->prompt)
		return type(v, key);
	v->message[0] = 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (key != keys[i].key && key != keys[i].other)
			continue;
		if (keys[i].function)
			keys[i].function(v);
		return keys[i].wish;
	}
	return LIVE_WISH_NOTHING;
}
