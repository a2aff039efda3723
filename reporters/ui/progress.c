/*
 * progress - "reading events: 42%" on a terminal's stderr, nothing elsewhere.
 *
 * A step costs one comparison until the next look at the clock is due.
 */
#include "ui/ui.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#define QUIET_NS 500000000ull /* shorter work shows nothing */
#define STEPS 200

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

void ui_progress_start(struct ui_progress *p, const char *what, uint64_t total)
{
	*p = (struct ui_progress){ .what = what, .total = total, .next = UINT64_MAX };
	if (total == 0 || !isatty(STDERR_FILENO))
		return;
	p->started_ns = now_ns();
	p->next = total / STEPS + 1;
}

void ui_progress_step(struct ui_progress *p, uint64_t done)
{
	if (done < p->next)
		return;
	p->next = done + p->total / STEPS + 1;
	if (!p->shown && now_ns() - p->started_ns < QUIET_NS)
		return;
	p->shown = true;
	const uint64_t percent = done < p->total ? (uint64_t)(100.0 * (double)done / (double)p->total) : 100;
	fprintf(stderr, "\r%s: %" PRIu64 "%%", p->what, percent);
	fflush(stderr);
}

void ui_progress_end(struct ui_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
	p->next = UINT64_MAX;
}
