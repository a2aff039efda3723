/* recorded - see recorded.h. */
#include "report/recorded.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

#include "common/endings.h"
#include "common/metadata.h"
#include "common/process_name.h"

/* Signals whose names do not say what happened. */
static const struct {
	int number;
	const char *verb, *why;
} signals[] = {
	{ SIGINT, "ended by", ", as Ctrl-C sends it," },
	{ SIGTERM, "ended by", "" },
	{ SIGHUP, "ended by", "" },
	{ SIGKILL, "killed by", " (kill -9, or no memory was left)" },
	{ SIGSEGV, "crashed with", " (invalid memory access)" },
	{ SIGABRT, "crashed with", " (abort)" },
	{ SIGBUS, "crashed with", "" },
	{ SIGILL, "crashed with", "" },
	{ SIGFPE, "crashed with", "" },
	{ 0, "killed by", "" },
};

static const struct trk_process *shown(const struct report *r)
{
	const uint32_t index = metadata_process(r);

	return index < r->capture->process_count ? &r->capture->processes[index] : NULL;
}

static bool has_ended(const struct trk_process *p)
{
	return p->ended == TRK_EXITED || p->ended == TRK_KILLED;
}

static uint64_t duration(const struct capture *c, const struct trk_process *p)
{
	const uint64_t end = p->end_ns == UINT64_MAX ? capture_end(c) : p->end_ns;

	return end > p->start_ns ? end - p->start_ns : 0;
}

/* ---- the end ---- */

static void killed_words(uint32_t number, double seconds, char *buf, size_t room)
{
	size_t i = 0;
	char name[16];

	while (signals[i].number && signals[i].number != (int)number)
		i++;
	snprintf(buf, room, "%s %s%s after %.3f s", signals[i].verb, ending_signal(number, name), signals[i].why, seconds);
}

/* Of a process whose end is not in the capture. */
static void unknown_words(const struct capture *c, double seconds, char *buf, size_t room)
{
	if (c->recorder)
		snprintf(buf, room, "still being recorded: %.3f s so far", seconds);
	else if (completeness_stopped_ns(c))
		snprintf(buf, room, "it still ran when recording stopped after %.3f s", seconds);
	else if (c->cut || capture_health(c, "checkpoint"))
		snprintf(buf, room, "recorded for %.3f s; its end is not in the capture", seconds);
	else
		snprintf(buf, room, "recorded for %.3f s; how it ended is not known", seconds);
}

static void end_words(const struct capture *c, const struct trk_process *p, char *buf, size_t room)
{
	const double seconds = (double)duration(c, p) / 1e9;

	if (p->ended == TRK_EXITED)
		snprintf(buf, room, "exited with status %" PRIu32 " after %.3f s", p->code, seconds);
	else if (p->ended == TRK_KILLED)
		killed_words(p->code, seconds, buf, room);
	else
		unknown_words(c, seconds, buf, room);
}

/* Of the processes beside the first. */
struct others {
	uint32_t count, failed, killed;
};

static struct others others_of(const struct report *r)
{
	struct others o = { 0 };

	for (uint32_t i = 1; i < r->capture->process_count && r->process == UINT32_MAX; i++) {
		const struct trk_process *const p = &r->capture->processes[i];

		o.count++;
		o.killed += p->ended == TRK_KILLED;
		o.failed += p->ended == TRK_EXITED && p->code != 0;
	}
	return o;
}

static void others_words(const struct others *o, char *buf, size_t room)
{
	size_t n;

	buf[0] = '\0';
	if (!o->count)
		return;
	n = (size_t)snprintf(buf, room, "; %" PRIu32 " more process%s", o->count, o->count == 1 ? "" : "es");
	if (o->killed)
		n += (size_t)snprintf(buf + n, room - n, ", %" PRIu32 " killed", o->killed);
	if (o->failed)
		snprintf(buf + n, room - n, ", %" PRIu32 " failed", o->failed);
}

/* ---- the whole ---- */

int recorded_figures(struct emit *e, const struct report *r)
{
	const struct trk_process *const p = shown(r);
	const struct others o = others_of(r);
	char *const command_line = p ? metadata_command_line(p) : NULL;
	char end[128];

	if (p && !command_line)
		return TRK_ERR_NOMEM;
	emit_group(e, "program");
	if (p) {
		end_words(r->capture, p, end, sizeof(end));
		emit_figure(e, "pid", emit_number(p->pid));
		emit_figure(e, "name", emit_words(p->name));
		emit_figure(e, "title", emit_words(p->title[0] ? p->title : NULL));
		emit_figure(e, "command_line", emit_words(command_line));
		emit_figure(e, "end", emit_words(end));
		emit_figure(e, "status", metadata_status(p));
		emit_figure(e, "signal", metadata_signal(p));
		emit_figure(e, "ended", emit_flag(has_ended(p)));
		emit_figure(e, "duration_ns", emit_time(duration(r->capture, p)));
	}
	emit_figure(e, "processes", emit_count(o.count + (p != NULL)));
	emit_figure(e, "others_killed", emit_count(o.killed));
	emit_figure(e, "others_failed", emit_count(o.failed));
	emit_end(e);
	free(command_line);
	return 0;
}

int recorded_say(struct sheet *s, const struct report *r)
{
	const struct trk_process *const p = shown(r);
	const struct others o = others_of(r);
	char *const command_line = p ? metadata_command_line(p) : NULL;
	char end[128], others[96], pid[24], name[PROCESS_NAME_ROOM];

	if (!p) {
		sheet_line(s, "No process is in ", r->capture->path, "");
		return 0;
	}
	if (!command_line)
		return TRK_ERR_NOMEM;
	end_words(r->capture, p, end, sizeof(end));
	others_words(&o, others, sizeof(others));
	snprintf(pid, sizeof(pid), " (pid %" PRIu32 ")", p->pid);
	/* a forked process has the arguments of its parent; its title tells it from others */
	sheet_line(s, "", command_line[0] && !(p->title[0] && p->origin == TRK_FORKED) ? command_line : process_name(p, name), pid);
	sheet_line(s, end, "", others);
	free(command_line);
	return 0;
}

/* ---- resident memory ---- */

/* Of one process, the last measurement before a time, and the first behind it. */
struct measured {
	const struct cap_rss *before, *after;
};

static void measure(struct measured *m, const struct cap_rss *rss, uint64_t time_ns)
{
	if (rss->time_ns <= time_ns && (!m->before || rss->time_ns >= m->before->time_ns))
		m->before = rss;
	if (rss->time_ns > time_ns && (!m->after || rss->time_ns < m->after->time_ns))
		m->after = rss;
}

static const struct cap_rss *nearest(const struct measured *m, uint64_t time_ns)
{
	if (!m->before || !m->after)
		return m->before ? m->before : m->after;
	return time_ns - m->before->time_ns <= m->after->time_ns - time_ns ? m->before : m->after;
}

static bool lived(const struct report *r, uint32_t process, uint64_t time_ns)
{
	const struct trk_process *const p = &r->capture->processes[process];

	return (r->process == UINT32_MAX || r->process == process) && p->start_ns <= time_ns && time_ns <= p->end_ns;
}

int recorded_rss(const struct report *r, uint64_t time_ns, uint64_t *ret)
{
	const struct capture *const c = r->capture;
	struct measured *const all = calloc((size_t)c->process_count + 1, sizeof(*all));

	*ret = 0;
	if (!all)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < c->rss_count; i++)
		if (c->rss[i].process < c->process_count)
			measure(&all[c->rss[i].process], &c->rss[i], time_ns);
	for (uint32_t i = 0; i < c->process_count; i++) {
		const struct cap_rss *const rss = nearest(&all[i], time_ns);

		if (rss && lived(r, i, time_ns))
			*ret += rss->rss_bytes;
	}
	free(all);
	return 0;
}
