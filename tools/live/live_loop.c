/*
 * live_loop - see live_loop.h. A thread makes pictures, because the recorder, and the first look at a program's names, may take
 * their time; everything else happens in the first thread, which draws and listens to keys meanwhile.
 */
#include "live_loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "live_screen.h"
#include "ui/ui.h"

#define KEY_MS 50
#define SHARE 4u /* of the time at most one in so many parts is spent on pictures */

struct fetching {
	struct live_source *source;
	pthread_t thread;
	struct live_names *names;
	struct picture_question question;
	bool runs;
	_Atomic(struct picture *) figures; /* its figures are known, and its rows are being made */
	atomic_bool done;
	struct picture *picture; /* the result; NULL: why */
	char why[LIVE_WHY_ROOM];
	uint64_t begun_ns, next_ns;
};

static volatile sig_atomic_t told_to_end;

static void on_end(int signal)
{
	(void)signal;
	told_to_end = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void set_signals(bool of_run)
{
	struct sigaction action = { .sa_handler = on_end };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	if (of_run)
		action.sa_handler = SIG_IGN;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGQUIT, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

/* ---- pictures ---- */

static void *fetch(void *data)
{
	struct fetching *const f = data;
	struct trk_fault fault;
	struct capture *c;

	if (live_source_fetch(f->source, &c, f->why) == 0) {
		if (picture_new(&f->picture, c, f->names, &fault) != 0)
			snprintf(f->why, sizeof(f->why), "%s", fault.why);
		else
			atomic_store(&f->figures, f->picture);
	}
	if (f->picture && picture_ask(f->picture, &f->question) != 0)
		snprintf(f->why, sizeof(f->why), "out of memory: rows are missing");
	atomic_store(&f->done, true);
	return NULL;
}

static void begin(struct fetching *f, struct live_view *v)
{
	f->begun_ns = now_ns();
	f->names = v->names;
	f->question = v->question;
	f->picture = NULL;
	f->why[0] = 0;
	atomic_store(&f->figures, NULL);
	atomic_store(&f->done, false);
	f->runs = pthread_create(&f->thread, NULL, fetch, f) == 0;
	if (!f->runs)
		snprintf(v->message, sizeof(v->message), "no thread could be started for the next picture");
}

/* The next one is due after the interval, and not before three times as long has passed as this one took. */
static void plan(struct fetching *f, uint64_t interval_ns)
{
	const uint64_t took = now_ns() - f->begun_ns;

	f->next_ns = f->begun_ns + (took * SHARE > interval_ns ? took * SHARE : interval_ns);
}

static void take(struct fetching *f, struct live_view *v)
{
	pthread_join(f->thread, NULL);
	f->runs = false;
	if (f->picture)
		live_view_take(v, f->picture, &f->question, f->source->state);
	v->state = f->source->state;
	if (f->why[0] && (f->picture || f->source->state != LIVE_WAITING)) /* that it waits, the first line says */
		snprintf(v->message, sizeof(v->message), "%s", f->why);
}

/* Whether another picture is wanted: the last one is that of the end. */
static bool is_due(const struct fetching *f, const struct live_view *v)
{
	if (f->runs || (v->picture && v->paused))
		return false;
	if (!v->picture && f->begun_ns && !live_source_has_recorder(f->source))
		return false;
	return (!v->picture || live_source_has_recorder(f->source)) && now_ns() >= f->next_ns;
}

/* ---- what the user wants ---- */

static void obey(struct live_view *v, const struct live_source *s, enum live_wish wish)
{
	char why[LIVE_WHY_ROOM] = "";
	bool done;

	if (wish == LIVE_WISH_MARK) {
		done = live_source_mark(s, v->input, why);
		snprintf(v->message, sizeof(v->message), done ? "marked: reports show this moment as CAPTURE@%.200s" : "no mark: %.800s", done ? v->input : why);
	} else if (wish == LIVE_WISH_SNAPSHOT) {
		done = live_source_snapshot(s, v->input, why);
		snprintf(v->message, sizeof(v->message), done ? "the live blocks are in %.200s" : "no snapshot: %.800s", done ? v->input : why);
	}
}

int live_loop(struct live_source *s, const struct picture_question *q, const struct live_loop_options *o)
{
	struct fetching f = { .source = s };
	struct live_view v;
	enum live_wish wish = LIVE_WISH_NOTHING;

	live_view_init(&v, q);
	v.state = s->state;
	if (!live_screen_open())
		return UI_CANNOT;
	set_signals(o->of_run);
	while (wish != LIVE_WISH_QUIT && !told_to_end) {
		if (f.runs && atomic_load(&f.done)) {
			take(&f, &v);
			plan(&f, o->interval_ns);
		}
		if (is_due(&f, &v))
			begin(&f, &v);
		if (f.runs && !v.picture)
			v.coming = atomic_load(&f.figures);
		live_screen_draw(&v);

		const int key = live_screen_key(f.runs ? KEY_MS / 5 : KEY_MS);

		wish = key ? live_view_key(&v, key) : LIVE_WISH_NOTHING;
		obey(&v, s, wish);
	}
	live_screen_close();
	if (!f.runs) /* otherwise the thread may still wait for the recorder, and uses the view's memory */
		live_view_finish(&v);
	return UI_OK;
}
