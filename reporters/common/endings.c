/* endings - see endings.h. */
#include "common/endings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/completeness.h"
#include "common/sampled.h"

/* The end of a process is missing in a whole capture only if it was not told: then it exited all the same. */
static enum ending ending_of(const struct capture *c, uint32_t process)
{
	const struct trk_process *const p = process < c->process_count ? &c->processes[process] : NULL;

	if (p && p->ended == TRK_KILLED)
		return ENDING_KILLED;
	if (p && p->ended == TRK_EXITED)
		return ENDING_LEAKED;
	return c->recorder || c->cut || capture_health(c, "checkpoint") || completeness_stopped_ns(c) ? ENDING_RUNNING : ENDING_LEAKED;
}

char *ending_signal(uint32_t number, char buf[16])
{
	const char *const name = sigabbrev_np((int)number);

	if (name)
		snprintf(buf, 16, "SIG%.12s", name);
	else
		snprintf(buf, 16, "signal %" PRIu32, number < 1000 ? number : 0);
	return buf;
}

void endings_begin(struct endings *s, const struct capture *c, uint32_t process)
{
	*s = (struct endings){ .capture = c, .sample_bytes = c->header.sample_bytes, .process = process };
}

void endings_add(struct endings *s, uint32_t process, const struct ending_sum *sum)
{
	struct ending_sum *const to = &s->of[ending_of(s->capture, process)];

	to->bytes += sum->bytes;
	to->count += sum->count;
	sampling_join(&to->error, &sum->error);
}

void endings_add_view(struct endings *s, const struct view *v)
{
	for (size_t i = 0; i < v->row_count; i++) {
		const struct view_row *const r = &v->rows[i];

		endings_add(s, r->process, &(struct ending_sum){ r->bytes, r->count, view_error(v, r) });
	}
}

void endings_add_totals(struct endings *s, const struct process_totals *t)
{
	for (uint32_t p = 0; p < t->count; p++) {
		const struct heap_totals *const of = process_totals_get(t, p);

		endings_add(s, p, &(struct ending_sum){ of->live_bytes, of->live_blocks, of->live_error });
	}
}

static bool is_asked(const struct endings *s, uint32_t process)
{
	return s->process == UINT32_MAX || s->process == process;
}

enum ending endings_only(const struct endings *s)
{
	enum ending found = ENDINGS;

	for (enum ending e = 0; e < ENDINGS; e++) {
		if (!s->of[e].count && !s->of[e].bytes)
			continue;
		if (found != ENDINGS)
			return ENDINGS;
		found = e;
	}
	for (uint32_t p = 0; p < s->capture->process_count && found == ENDINGS; p++)
		if (is_asked(s, p))
			found = ending_of(s->capture, p);
	return found == ENDINGS ? ENDING_LEAKED : found;
}

/* How many processes a signal ended, and the signal; 0: it was not the same for all. */
static uint32_t killed(const struct endings *s, uint32_t *ret_signal)
{
	uint32_t n = 0;

	*ret_signal = 0;
	for (uint32_t i = 0; i < s->capture->process_count; i++) {
		const struct trk_process *const p = &s->capture->processes[i];

		if (p->ended != TRK_KILLED || !is_asked(s, i))
			continue;
		*ret_signal = n++ == 0 || *ret_signal == p->code ? p->code : 0;
	}
	return n;
}

static const char *running_words(const struct capture *c)
{
	if (c->recorder)
		return "live so far";
	if (completeness_stopped_ns(c))
		return c->process_count && c->processes[0].origin == TRK_ATTACHED ? "not freed while recorded" : "not freed when recording stopped";
	return "live when the recording broke off";
}

char *ending_words(const struct endings *s, enum ending which, char buf[ENDING_WORDS_ROOM])
{
	uint32_t signal;
	const uint32_t n = which == ENDING_KILLED ? killed(s, &signal) : 0;
	char name[16], whom[32] = "it";

	if (n > 1)
		snprintf(whom, sizeof(whom), "%" PRIu32 " processes", n);
	if (which == ENDING_KILLED)
		snprintf(buf, ENDING_WORDS_ROOM, "live when %s ended %s", signal ? ending_signal(signal, name) : "signals", whom);
	else
		snprintf(buf, ENDING_WORDS_ROOM, "%s", which == ENDING_LEAKED ? "leaked" : running_words(s->capture));
	return buf;
}

char *endings_sentence(const struct endings *s)
{
	char *text = NULL, size[32], count[32], words[ENDING_WORDS_ROOM];
	const char *before = "";
	size_t room;
	FILE *const f = open_memstream(&text, &room);

	if (!f)
		return NULL;
	for (enum ending e = 0; e < ENDINGS; e++) {
		const struct ending_sum *const sum = &s->of[e];

		if (!sum->count && !sum->bytes)
			continue;
		fprintf(f, "%s%s in %s block%s %s", before, ui_size(size, sizeof(size), (int64_t)sum->bytes, false),
			ui_count(count, sizeof(count), sum->count), sum->count == 1 ? "" : "s", ending_words(s, e, words));
		before = ", ";
	}
	return ui_memstream_end(f, &text);
}

void endings_warn(const char *which, const struct capture *c, const struct view_options *o, const struct view *v)
{
	struct endings s;

	if (o->what != VIEW_LEAKS)
		return;
	endings_begin(&s, c, o->process);
	endings_add_view(&s, v);
	if (!s.of[ENDING_KILLED].count && !s.of[ENDING_RUNNING].count)
		return;

	char *const sentence = endings_sentence(&s);

	if (sentence)
		ui_warn("%s%s: %s", which, c->path, sentence);
	free(sentence);
}

void endings_figures(struct emit *e, const struct endings *s)
{
	static const char *const size_keys[ENDINGS] = { "leaked_size", "killed_size", "running_size" };
	static const char *const count_keys[ENDINGS] = { "leaked_count", "killed_count", "running_count" };
	uint32_t signal;

	killed(s, &signal);
	emit_group(e, "not_freed");
	for (enum ending i = 0; i < ENDINGS; i++) {
		const struct sampled_margin m = sampled_margin(s->sample_bytes, &s->of[i].error);

		emit_figure(e, size_keys[i], emit_about(emit_size(s->of[i].bytes), s->sample_bytes, m.bytes));
		emit_figure(e, count_keys[i], emit_about(emit_count(s->of[i].count), s->sample_bytes, m.count));
	}
	emit_figure(e, "signal", signal ? emit_number(signal) : emit_null());
	emit_end(e);
}
