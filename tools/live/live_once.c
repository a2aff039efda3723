/* live_once - see live_once.h. */
#include "live_once.h"

#include <string.h>

#include "common/group.h"
#include "common/process_name.h"
#include "common/sampled.h"

enum column { KEY,
	      FILE_NAME,
	      LINE,
	      SIZE,
	      COUNT,
	      TOTAL,
	      COLUMNS };

static const struct emit_column columns[COLUMNS] = {
	[KEY] = { "key" },
	[FILE_NAME] = { "file" },
	[LINE] = { "line" },
	[SIZE] = { "size" },
	[COUNT] = { "count" },
	[TOTAL] = { "total_size" },
};

static void describe_row(const struct live_once *o, struct emit *e, const struct picture_row *row)
{
	const struct picture *const p = o->picture;
	const bool has_file = o->question.by <= GROUP_TRACEBACK;
	const uint64_t every = p->view.sample_bytes;
	const struct group_value own = row->stat->value[GROUP_NEW];
	const struct sampled_margin own_margin = sampled_margin(every, &own.error), total_margin = sampled_margin(every, &row->stat->value[GROUP_OLD].error);
	uint64_t number;
	const char *const text = group_text(p->groups, row->stat, &number);
	const struct emit_value values[COLUMNS] = {
		[KEY] = emit_words(row->key),
		[FILE_NAME] = has_file ? emit_words(text) : emit_absent(),
		[LINE] = has_file ? emit_number(number) : emit_absent(),
		[SIZE] = emit_about(emit_size(row->own), every, own_margin.bytes),
		[COUNT] = emit_about(emit_number(row->blocks), every, own_margin.count),
		[TOTAL] = emit_about(emit_size(row->total), every, total_margin.bytes),
	};

	emit_row(e, values);
}

static void describe_rows(const struct live_once *o, struct emit *e)
{
	static const struct emit_table table = { EMIT_TABLE("rows", columns), .sentence = "{key}: size={size}, count={count}, total={total_size}\n" };
	const size_t shown = o->limit && o->limit < o->picture->own_count ? o->limit : o->picture->own_count;

	emit_table(e, &table);
	for (size_t i = 0; i < shown; i++)
		describe_row(o, e, &o->picture->rows[i]);
	emit_end(e);
	emit_aside(e, "hidden", emit_count(o->picture->own_count - shown));
	if (shown < o->picture->own_count)
		emit_say(e, "{hidden} more row{hidden:s}; -n 0 shows all\n");
}

static const char *sentence(enum live_state state)
{
	switch (state) {
	case LIVE_RECORDING:
		return "{program} (pid {pid}), recorded for {time_ns}:\n";
	case LIVE_WAITING:
		return "{program} (pid {pid}), for {time_ns}; the recording has not begun yet:\n";
	case LIVE_BROKEN:
		return "{program} (pid {pid}); the recorder was killed at {time_ns}:\n";
	case LIVE_LEFT:
		return "{program} (pid {pid}); Remote has disconnected at {time_ns}:\n";
	default:
		return "{program} (pid {pid}); the recording has ended, this is its end at {time_ns}:\n";
	}
}

static void describe_program(const struct live_once *o, struct emit *e)
{
	const struct trk_process *const program = picture_program(o->picture);
	const struct contact_status *const s = &o->source->contact.answer.status;
	const bool recorded = live_source_has_recorder(o->source) && !o->source->stream;
	char name[PROCESS_NAME_ROOM];

	emit_figure(e, "state", emit_words(live_state_name(o->source->state)));
	emit_figure(e, "capture", emit_optional(o->source->file[0] ? o->source->file : NULL));
	emit_figure(e, "recorder", recorded ? emit_number(s->recorder) : emit_null());
	emit_figure(e, "program", emit_words(program ? process_name(program, name) : "no program"));
	emit_figure(e, "pid", emit_number(program ? program->pid : 0));
	emit_figure(e, "processes", emit_count(picture_running(o->picture)));
	emit_figure(e, "time_ns", emit_time(o->picture->time_ns));
	emit_say(e, sentence(o->source->state));
}

static void describe_figures(const struct live_once *o, struct emit *e)
{
	const struct picture *const p = o->picture;
	const uint64_t every = p->view.sample_bytes;
	const struct sampled_margin margin = sampled_margin(every, &p->view.error);

	sampled_figure(e, every);
	emit_figure(e, "live_bytes", emit_about(emit_size(p->live_bytes), every, margin.bytes));
	emit_figure(e, "live_blocks", emit_about(emit_count(p->live_blocks), every, margin.count));
	emit_figure(e, "peak_bytes", emit_size(p->peak_bytes));
	emit_figure(e, "rss_bytes", p->rss_bytes ? emit_size(p->rss_bytes) : emit_null());
	emit_figure(e, "allocations", emit_count(p->allocations));
	emit_figure(e, "frees", emit_count(p->frees));
	emit_figure(e, "lost", emit_count(p->lost));
	emit_say(e, "Heap: {live_bytes} in {live_blocks} block{live_blocks:s}, peak {peak_bytes}[; RSS {rss_bytes}]\n"
		    "{allocations} allocation{allocations:s}, {frees} free{frees:s}\n");
	if (p->lost)
		emit_say(e, "{lost} event{lost:s} were lost because the recorder could not keep up\n");
	emit_figure(e, "group_by", emit_words(group_by_name(o->question.by)));
	emit_figure(e, "total_size", emit_size(p->groups->total[GROUP_NEW].size));
	emit_figure(e, "total_count", emit_count(p->groups->total[GROUP_NEW].count));
	emit_figure(e, "row_count", emit_count(p->own_count));
}

int live_once_write(const struct live_once *o, enum emit_form form, FILE *f)
{
	struct emit *const e = emit_new(form, f, NULL);

	if (!e)
		return TRK_ERR_NOMEM;
	emit_document(e, "tracker.live", 1);
	describe_program(o, e);
	describe_figures(o, e);
	describe_rows(o, e);
	return emit_end_all(e);
}
