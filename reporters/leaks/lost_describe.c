/* lost_describe - see lost_describe.h. */
#include "lost_describe.h"

#include <stdlib.h>

#include "common/group.h"

/* In the order of the report. */
static const struct {
	enum look_verdict verdict;
	const char *word, *key;
} sections[] = {
	{ LOOK_DEFINITELY, "definitely lost", "definitely_lost" },
	{ LOOK_INDIRECTLY, "indirectly lost", "indirectly_lost" },
	{ LOOK_POSSIBLY, "possibly lost", "possibly_lost" },
	{ LOOK_REACHABLE, "still reachable", "still_reachable" },
	{ LOOK_UNKNOWN, "not judged", "not_judged" },
};
#define SECTIONS (sizeof(sections) / sizeof(*sections))

void lost_share_rows(const struct lost *l, size_t most, size_t ret[LOOK_VERDICTS])
{
	for (size_t i = 0; i < SECTIONS; i++) {
		const enum look_verdict verdict = sections[i].verdict;
		const size_t rows = l->sections[verdict].row_count;

		ret[verdict] = rows < most ? rows : most;
		most -= ret[verdict];
	}
}

void lost_say_totals(const struct lost *l, struct emit *e)
{
	static const struct emit_column columns[] = {
		{ "verdict" },
		{ "size" },
		{ "count" },
		{ "stacks" },
	};
	static const struct emit_table table = {
		EMIT_TABLE("verdicts", columns),
		.sentence = "  {verdict}: {size} in {count} block{count:s} from {stacks} stack{stacks:s}\n",
	};

	emit_table(e, &table);
	for (size_t i = 0; i < SECTIONS; i++) {
		const struct lost_section *const s = &l->sections[sections[i].verdict];

		if (!s->all.count && sections[i].verdict == LOOK_UNKNOWN)
			continue;
		emit_row(e, (struct emit_value[]){ emit_words(sections[i].word), emit_size(s->all.bytes), emit_count(s->all.count),
						   emit_count(s->row_count) });
	}
	emit_end(e);
}

static void describe_row(const struct lost *l, const struct report *r, struct emit *e, const struct lost_shown *shown, size_t section,
			 const struct alike_stack *s)
{
	const enum look_verdict verdict = sections[section].verdict;
	const struct traceback_calls calls = {
		.depth = shown->frames,
		.least_frames = s->least_frames,
		.most_frames = s->frames,
		.sources = shown->sources,
		.paths = shown->paths,
		.not_after = (int64_t)(r->capture->header.start_unix_ns / 1000000000),
	};
	char *const way = lost_way(l, r, verdict, s->node); /* before the stack: it asks for other ones */
	size_t n;
	const struct source_frame *const stack = group_frames(r->stacks, s->node, &n);
	char *const folded = traceback_folded(e, stack, n);

	emit_row_begin(e, (struct emit_value[]){
				  emit_words(sections[section].word),
				  emit_size(s->bytes),
				  emit_count(s->count),
				  s->held_count ? emit_size(s->held_bytes) : emit_absent(),
				  s->held_count ? emit_count(s->held_count) : emit_absent(),
				  emit_optional(way),
				  emit_optional(folded),
			  });
	traceback_emit_calls(e, "stack", stack, n, &calls);
	emit_end(e);
	free(folded);
	free(way);
}

void lost_describe_rows(const struct lost *l, const struct report *r, struct emit *e, const struct lost_shown *s)
{
	static const struct emit_column columns[] = {
		{ "verdict" },
		{ "size" },
		{ "count" },
		{ "held_size" },
		{ "held_count" },
		{ "way" },
		{ "stack" },
	};
	static const struct emit_table table = {
		EMIT_TABLE("rows", columns),
		.sentence = "{verdict}: {size} in {count} block{count:s}[, and {held_size} in {held_count} block{held_count:s} to which only these lead][; for example {way}]\n",
	};

	emit_table(e, &table);
	for (size_t i = 0; i < SECTIONS; i++) {
		const struct lost_section *const section = &l->sections[sections[i].verdict];

		for (size_t j = 0; j < s->rows[sections[i].verdict]; j++)
			describe_row(l, r, e, s, i, &section->rows[j]);
	}
	emit_end(e);
}

void lost_say_way(const struct lost *l, struct emit *e)
{
	const struct trk_look *const h = l->other_way ? &l->other_way->head : NULL;

	emit_figure(e, "look_hindrance", h ? emit_words(h->reason) : emit_absent());
	if (!h)
		return;
	emit_aside(e, "hindered_pid", emit_number(h->pid));
	emit_say(e, h->how == LOOK_STOPPED ? "Process {hindered_pid} was not forked for the look, but read while it stood still: {look_hindrance}\n" :
					     "Process {hindered_pid} was not stopped for the look, but read while it waited: {look_hindrance}\n");
}

void lost_say_early(const struct lost *l, struct emit *e)
{
	const struct trk_look *const h = l->early ? &l->early->head : NULL;
	char *mark = NULL;

	if (!h)
		return;
	if (h->label[0] && asprintf(&mark, "at %s", h->label) < 0)
		mark = NULL;
	emit_aside(e, "look_mark", emit_optional(mark));
	emit_aside(e, "look_time", emit_time(h->time_ns));
	emit_aside(e, "look_pid", emit_number(h->pid));
	emit_say(e, "The last look at the memory of process {look_pid} was taken {look_time} after the start[, {look_mark}], not at its end: what was allocated since is not judged\n");
	free(mark);
}

void lost_say_refusal(const struct lost *l, const struct report *r, const struct endings *s, struct emit *e)
{
	if (l->refused) {
		emit_aside(e, "refused", emit_words(l->refused->head.reason));
		emit_say(e, "The memory was not looked at, so nobody knows which of these blocks can still be reached: {refused}\n");
	} else if (!r->capture->look_count && !capture_is_aggregated(r->capture) && !r->view.sample_bytes && s->of[ENDING_LEAKED].count) {
		emit_say(e, "tracker run --leak-check tells which of these blocks can still be reached\n");
	}
}
