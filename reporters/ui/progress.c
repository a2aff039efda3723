/*
 * progress - "reading events: 42%, 1,200,000 a second, 8 s left" on a terminal's stderr, nothing elsewhere.
 *
 * A step costs one comparison until the next look at the clock is due.
 */
#include "ui/ui_private.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#define QUIET_NS 1000000000ull /* shorter work shows nothing */
#define BETWEEN_NS 100000000ull /* two lines */
#define STEPS 1000

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

void ui_progress_start(struct ui_progress *p, const char *what, uint64_t total)
{
	*p = (struct ui_progress){ .what = what, .total = total, .next = UINT64_MAX };
	if (total == 0 || !isatty(STDERR_FILENO) || ui_pager())
		return;
	p->started_ns = p->looked_ns = now_ns();
	p->next = total / STEPS + 1;
}

/* It never wraps: what does not fit into a narrow terminal is left out. */
static void print(const struct ui_progress *p, uint64_t done, uint64_t ns)
{
	char text[160], count[32];
	const double seconds = (double)ns / 1e9, rate = (double)done / seconds;
	const double share = done < p->total ? (double)done / (double)p->total : 1;
	const int width = ui_terminal_width(stderr, NULL);

	snprintf(text, sizeof(text), "%s: %.0f%%, %s a second, %.0f s left", p->what, 100 * share,
		 ui_count(count, sizeof(count), (uint64_t)rate), share > 0 ? seconds / share - seconds : 0);
	fprintf(stderr, "\r%.*s\033[K", width > 1 ? width - 1 : 0, text);
	fflush(stderr);
}

void ui_progress_step(struct ui_progress *p, uint64_t done)
{
	if (done < p->next)
		return;
	p->next = done + p->total / STEPS + 1;

	const uint64_t now = now_ns();

	if (now - p->started_ns < QUIET_NS || now - p->looked_ns < BETWEEN_NS || ui_pager())
		return;
	p->looked_ns = now;
	p->shown = true;
	print(p, done, now - p->started_ns);
}

void ui_progress_end(struct ui_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
	p->next = UINT64_MAX;
}
