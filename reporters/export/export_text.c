/* export_text - folded stacks, rows for spreadsheets, and the documents of speedscope (https://www.speedscope.app/file-format-schema.json). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "export/export.h"
#include "flame/flame_write.h"

/* ---- folded ---- */

/* A line a stack: "root;frame;leaf 123". Readers add up lines of the same frames. */
int export_folded(struct export *x, const struct export_options *o, FILE *f)
{
	for (size_t i = 0; i < x->row_count; i++) {
		const struct export_amount *const a = &x->rows[i].of[o->metric];
		const uint64_t weight = o->by_count ? a->count : a->bytes;
		size_t count;
		const uint32_t *const stack = weight ? export_stack(x, &x->rows[i], &count) : NULL;

		if (!weight)
			continue;
		if (!stack)
			return TRK_ERR_NOMEM;
		for (size_t k = count; k > 0; k--) {
			flame_write_folded_name(f, flame_text(&x->names, x->names.frames[stack[k - 1]].name));
			if (k > 1)
				fputc(';', f);
		}
		fprintf(f, " %" PRIu64 "\n", weight);
	}
	return 0;
}

/* ---- CSV ---- */

/*
 * The columns of memray's `transform csv`: the stack is function;file;line, the most recent frame first, with bars between the
 * frames. A | in a name becomes a slash, so that there is one way to take it apart.
 */
static char *csv_stack(const struct export *x, const uint32_t *stack, size_t count)
{
	char *text = NULL;
	size_t bytes;
	FILE *const m = open_memstream(&text, &bytes);

	for (size_t i = 0; i < count && m; i++) {
		const struct flame_frame *const f = &x->names.frames[stack[i]];

		fputs(i ? "|" : "", m);
		for (const char *s = flame_text(&x->names, f->name); *s; s++)
			fputc(*s == '|' ? '/' : *s == ';' ? ':' :
							    *s,
			      m);
		fprintf(m, ";%s;%u", flame_text(&x->names, f->file), f->line);
	}
	return m ? ui_memstream_end(m, &text) : NULL;
}

int export_csv(struct export *x, const struct export_options *o, FILE *f)
{
	const struct capture *const c = x->report->capture;

	fputs("allocator,num_allocations,size,tid,thread_name,stack_trace\n", f);
	for (size_t i = 0; i < x->row_count; i++) {
		const struct export_row *const row = &x->rows[i];
		const bool known = row->thread < c->thread_count;
		size_t count;
		const uint32_t *const stack = row->of[o->metric].count || row->of[o->metric].bytes ? export_stack(x, row, &count) : NULL;

		if (!row->of[o->metric].count && !row->of[o->metric].bytes)
			continue;
		char *const text = stack ? csv_stack(x, stack, count) : NULL;

		if (!text)
			return TRK_ERR_NOMEM;
		fprintf(f, "%s,%" PRIu64 ",%" PRIu64 ",%u,", trk_kind_name(row->kind), row->of[o->metric].count, row->of[o->metric].bytes, known ? c->threads[row->thread].tid : 0);
		emit_csv_words(f, known ? c->threads[row->thread].name : "", strlen(known ? c->threads[row->thread].name : ""));
		fputc(',', f);
		emit_csv_words(f, text, strlen(text));
		fputc('\n', f);
		free(text);
	}
	return 0;
}

/* ---- speedscope ---- */

static bool has(const struct export_row *row, enum export_metric m)
{
	return row->of[m].bytes || row->of[m].count;
}

static int speedscope_samples(struct export *x, struct ui_json *j, enum export_metric m)
{
	ui_json_array(j, "samples");
	for (size_t i = 0; i < x->row_count; i++) {
		size_t count = 0;
		const uint32_t *const stack = has(&x->rows[i], m) ? export_stack(x, &x->rows[i], &count) : NULL;

		if (!has(&x->rows[i], m))
			continue;
		if (!stack)
			return TRK_ERR_NOMEM;
		ui_json_array(j, NULL);
		for (size_t k = count; k > 0; k--)
			ui_json_uint(j, NULL, stack[k - 1]);
		ui_json_end(j);
	}
	ui_json_end(j);
	return 0;
}

static int speedscope_profile(struct export *x, struct ui_json *j, enum export_metric m, bool by_count)
{
	static const char *const names[EXPORT_METRICS][2] = {
		[EXPORT_ALLOCATED] = { "allocated bytes", "allocations" },
		[EXPORT_LIVE] = { "live bytes at the end", "live blocks at the end" },
		[EXPORT_PEAK] = { "live bytes at the peak", "live blocks at the peak" },
		[EXPORT_TEMPORARY] = { "bytes of temporary allocations", "temporary allocations" },
	};
	static const char *const at_point[2] = { "live bytes at the point", "live blocks at the point" };
	const char *const name = m == EXPORT_LIVE && x->report->has_point ? at_point[by_count] : names[m][by_count];
	int err;

	ui_json_object(j, NULL);
	ui_json_string(j, "type", "sampled");
	ui_json_string(j, "name", name);
	ui_json_string(j, "unit", by_count ? "none" : "bytes");
	ui_json_uint(j, "startValue", 0);
	ui_json_uint(j, "endValue", by_count ? x->total[m].count : x->total[m].bytes);
	err = speedscope_samples(x, j, m);
	if (err)
		return err;
	ui_json_array(j, "weights");
	for (size_t i = 0; i < x->row_count; i++)
		if (has(&x->rows[i], m))
			ui_json_uint(j, NULL, by_count ? x->rows[i].of[m].count : x->rows[i].of[m].bytes);
	ui_json_end(j);
	ui_json_end(j);
	return 0;
}

static void speedscope_frames(const struct export *x, struct ui_json *j)
{
	const struct flame_names *const n = &x->names;

	ui_json_object(j, "shared");
	ui_json_array(j, "frames");
	for (size_t i = 0; i < n->frame_count; i++) {
		const struct flame_frame *const f = &n->frames[i];

		ui_json_object(j, NULL);
		ui_json_string(j, "name", flame_text(n, f->name));
		if (f->file)
			ui_json_string(j, "file", flame_text(n, f->file));
		if (f->line)
			ui_json_uint(j, "line", f->line);
		ui_json_end(j);
	}
	ui_json_end(j);
	ui_json_end(j);
}

int export_speedscope(struct export *x, const struct export_options *o, FILE *f)
{
	static const enum export_metric order[EXPORT_METRICS] = { EXPORT_PEAK, EXPORT_LIVE, EXPORT_ALLOCATED, EXPORT_TEMPORARY };
	struct ui_json j;
	int err = 0;

	ui_json_init(&j, f, true);
	ui_json_object(&j, NULL);
	ui_json_string(&j, "$schema", "https://www.speedscope.app/file-format-schema.json");
	ui_json_string(&j, "name", x->report->capture->path);
	ui_json_string(&j, "exporter", "tracker " TRACKER_VERSION);
	ui_json_uint(&j, "activeProfileIndex", x->report->has_point ? 2 : 0);
	ui_json_array(&j, "profiles");
	for (unsigned i = 0; i < 2 * EXPORT_METRICS && !err; i++)
		err = speedscope_profile(x, &j, order[i / 2], i % 2);
	if (err)
		return err;
	ui_json_end(&j);
	speedscope_frames(x, &j); /* behind the stacks: now all are known */
	ui_json_end(&j);
	(void)o;
	return 0;
}
