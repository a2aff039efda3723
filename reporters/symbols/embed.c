/*
 * embed - resolves the frames of a capture module by module; see embed.h.
 */
#include "symbols/embed.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "format/trk.h"

/* The most inlined frames of one address. */
#define FRAMES_MAX 64
#define PROGRESS_EVERY 1024
/*
 * libdw keeps everything that it ever read. When it has taken so much more memory than at the start, it begins anew,
 * but not too often.
 */
#define MEMORY_MAX (512ull << 20)
#define FORGET_EVERY 16384u

static int by_module_and_offset(const void *a, const void *b)
{
	const struct embed_frame *const x = a, *const y = b;

	if (x->module != y->module)
		return x->module < y->module ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return 0;
}

static bool is_available(enum resolver_module_state state)
{
	return state <= RESOLVER_STRIPPED;
}

static void resolve_one(struct resolver_module *m, const struct embed_frame *f,
			const struct embed_sink *sink, struct embed_report *report)
{
	struct resolved_frame found[FRAMES_MAX];
	struct trk_symbol_text symbols[FRAMES_MAX];
	/* A return address, so the call is before it. */
	const size_t n = f->offset ? resolver_lookup(m, f->offset - 1, found, FRAMES_MAX) : 0;

	for (size_t i = 0; i < n; i++) {
		symbols[i] = (struct trk_symbol_text){
			.function = found[i].function,
			.file = found[i].file,
			.line = found[i].line,
			.inlined = found[i].inlined,
		};
	}
	sink->symbols(sink->data, f->frame, symbols, n);
	const bool named = n > 0 && !found[0].placeholder;

	report->resolved += named;
	report->without_symbols += !named;
}

/* The memory of this process, including the files that it has mapped. */
static uint64_t memory_in_use(void)
{
	FILE *const f = fopen("/proc/self/statm", "re");
	unsigned long all, resident = 0;

	if (f && fscanf(f, "%lu %lu", &all, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Frames come in the order of addresses, so what was read for earlier ones is not needed again. */
static void bound_memory(struct resolver *r, uint64_t before, size_t done, const struct embed_sink *sink)
{
	if (!done || done % FORGET_EVERY || memory_in_use() <= before + MEMORY_MAX)
		return;
	resolver_forget(r);
	if (sink->forgotten)
		sink->forgotten(sink->data);
}

static void count_module(const struct embed_module *module, enum resolver_module_state state,
			 size_t frames, struct embed_report *report)
{
	if (module->record.flags & TRK_MODULE_VDSO)
		return; /* it never has a file, and needs none */
	report->modules++;
	report->missing += state == RESOLVER_MISSING;
	report->changed += state == RESOLVER_CHANGED;
	report->unreadable += state == RESOLVER_UNREADABLE;
	if (!is_available(state))
		report->unavailable_frames += frames;
}

/* A frame without a name stays as it is: its code is in no file, on any machine. Those of Python have theirs in the capture. */
static void resolve_made(const struct embed_frame *frames, size_t count, struct made_code *code,
			 const struct embed_sink *sink, struct embed_report *report)
{
	for (size_t i = 0; i < count; i++, report->frames++) {
		const struct trk_symbol_text s = { .function = code ? made_code_name(code, frames[i].offset - 1) : NULL };

		if (s.function)
			sink->symbols(sink->data, frames[i].frame, &s, 1);
		report->resolved += s.function != NULL;
		report->made_resolved += s.function != NULL;
		report->without_symbols += !s.function;
	}
}

/* frames[0..count) are all in `module`. */
static int resolve_module(const struct embed_frame *frames, size_t count,
			  const struct embed_module *module, const struct embed_sink *sink,
			  uint64_t total, struct embed_report *report)
{
	const uint64_t before = memory_in_use();
	struct resolver *resolver = NULL;
	struct resolver_module *m;

	if (module->record.flags & TRK_MODULE_PYTHON) {
		report->frames += count;
		report->resolved += count;
		return 0;
	}
	if (module->record.flags & TRK_MODULE_MADE) {
		resolve_made(frames, count, module->code, sink, report);
		return 0;
	}
	const int err = resolver_new(&resolver);

	if (err)
		return err;
	m = resolver_module(resolver, module->record.path, module->record.build_id, module->record.build_id_bytes);
	if (!m) {
		resolver_free(resolver);
		return TRK_ERR_NOMEM;
	}
	resolver_module_file(m, module->fd);
	count_module(module, resolver_module_state(m), count, report);
	if (report->states)
		report->states[frames[0].module] = (uint8_t)resolver_module_state(m);
	for (size_t i = 0; i < count; i++, report->frames++) {
		bound_memory(resolver, before, i, sink);
		if (is_available(resolver_module_state(m)))
			resolve_one(m, &frames[i], sink, report);
		else
			report->without_symbols++;
		if (sink->progress && report->frames % PROGRESS_EVERY == 0)
			sink->progress(sink->data, report->frames, total);
	}
	if (sink->trouble && resolver_module_trouble(m))
		sink->trouble(sink->data, frames[0].module, resolver_module_trouble(m));
	resolver_free(resolver);
	if (sink->forgotten)
		sink->forgotten(sink->data);
	return 0;
}

static bool in_table(const struct embed_frame *f, uint32_t module_count)
{
	return f->module && f->module < module_count;
}

int embed_frames(struct embed_frame *frames, size_t count, const struct embed_module *modules,
		 uint32_t module_count, const struct embed_sink *sink, struct embed_report *ret)
{
	struct embed_report report = { .states = ret->states };
	int err = 0;

	for (uint32_t i = 0; report.states && i < module_count; i++)
		report.states[i] = EMBED_UNUSED;
	qsort(frames, count, sizeof(*frames), by_module_and_offset);
	for (size_t i = 0, end; !err && i < count; i = end) {
		for (end = i + 1; end < count && frames[end].module == frames[i].module;)
			end++;
		if (in_table(&frames[i], module_count))
			err = resolve_module(frames + i, end - i, &modules[frames[i].module], sink, count,
					     &report);
	}
	if (err)
		return err;
	if (sink->progress)
		sink->progress(sink->data, count, count);
	*ret = report;
	return 0;
}

int embed_writer_frames(const struct writer *w, const struct embed_module *modules,
			uint32_t module_count, const struct embed_sink *sink, struct embed_report *ret)
{
	const uint32_t count = writer_frame_count(w);
	struct embed_frame *const frames = calloc((size_t)count + 1, sizeof(*frames));
	int err;

	if (!frames)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < count; i++) {
		frames[i].frame = i + 1;
		writer_frame_get(w, i + 1, &frames[i].module, &frames[i].offset);
	}
	err = embed_frames(frames, count, modules, module_count, sink, ret);
	free(frames);
	return err;
}
