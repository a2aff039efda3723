/*
 * tracker-symbolize - adds the names of functions, files and lines that a capture lacks: it was recorded with
 * --no-symbols, or some names could not be found then.
 *
 * It copies the blocks of the capture as they are and puts strings and symbols after them. Names come from the
 * programs and libraries on this machine, if their build-ids are the recorded ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/pieces.h"
#include "format/writer.h"
#include "replay/capture.h"
#include "copy.h"
#include "symbols/embed.h"
#include "symbols/stack.h"
#include "ui/ui.h"

static const char *output;
static bool force, json;

static const struct ui_option options[] = {
	{ 'o', "output", UI_STRING, &output, "FILE", "write to FILE", 0, 0 },
	{ 'f', "force", UI_FLAG, &force, NULL, "overwrite FILE; without -o: change CAPTURE itself", 0, 0 },
	{ 'j', "json", UI_FLAG, &json, NULL, "machine-readable list of modules on stdout", 0, 0 },
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-symbolize",
	.usage = "[options] CAPTURE",
	.summary = "Adds the names of functions, files and lines that a capture lacks.",
	.details = "  tracker symbolize -o named.bin app.bin     a copy with names\n"
		   "  tracker symbolize --force app.bin          change app.bin itself\n"
		   "\n"
		   "A capture lacks all names when it was recorded with --no-symbols. Otherwise it lacks\n"
		   "those that were not known then: install debug packages, or set DEBUGINFOD_URLS,\n"
		   "and run this again. Names come from the programs and libraries on this machine and\n"
		   "from their debug files. A file that was rebuilt since is skipped, and a message says so.\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

static const char *const state_names[] = {
	[RESOLVER_FULL] = "debug information",
	[RESOLVER_SYMTAB] = "symbol table",
	[RESOLVER_STRIPPED] = "exported symbols",
	[RESOLVER_MISSING] = "missing",
	[RESOLVER_CHANGED] = "changed",
	[RESOLVER_UNREADABLE] = "unreadable",
};

struct job {
	struct capture *capture;
	struct embed_module *modules; /* by module id */
	struct embed_frame *frames; /* never looked up, or not found */
	size_t frame_count;
	uint64_t *module_frames; /* how many of them each module has, by module id */
	uint64_t known_before, with_module;
	struct embed_report report;
	struct ui_progress progress;
};

static int find_frames(struct job *j)
{
	const struct capture *const c = j->capture;

	j->modules = calloc((size_t)c->module_count + 1, sizeof(*j->modules));
	j->module_frames = calloc((size_t)c->module_count + 1, sizeof(*j->module_frames));
	j->report.states = calloc((size_t)c->module_count + 1, 1);
	j->frames = calloc((size_t)c->frame_count + 1, sizeof(*j->frames));
	if (!j->modules || !j->module_frames || !j->report.states || !j->frames)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 1; i < c->module_count; i++) {
		j->modules[i] = (struct embed_module){ .record = c->modules[i], .fd = -1 };
	}
	for (uint32_t i = 1; i < c->frame_count; i++) {
		const struct cap_frame *const f = &c->frames[i];

		j->with_module += f->module != 0;
		j->known_before += stacks_knows_name(c, f);
		/* code made at run time is in no file, here or elsewhere */
		if (!f->module || stacks_knows_name(c, f) || j->modules[f->module].record.flags & TRK_MODULE_MADE)
			continue;
		j->frames[j->frame_count++] = (struct embed_frame){ f->module, i, f->offset };
		j->module_frames[f->module]++;
	}
	return 0;
}

struct sink {
	struct writer *writer;
	struct job *job;
};

static void sink_symbols(void *data, uint32_t frame, const struct trk_symbol_text *s, size_t n)
{
	const struct sink *const sink = data;
	const bool named = n && s[0].function && !symbols_is_placeholder(s[0].function);

	/* not found again: the capture says so already */
	if (named || sink->job->capture->frames[frame].symbol_count == UINT32_MAX)
		writer_symbols(sink->writer, frame, s, n);
}

static void sink_trouble(void *data, uint32_t module, const char *why)
{
	ui_warn("%s: its debug information was not used, or only in part: %s", ((struct sink *)data)->job->modules[module].record.path, why);
}

static void sink_progress(void *data, uint64_t done, uint64_t total)
{
	ui_progress_step(&((struct sink *)data)->job->progress, done);
}

/* The new blocks, behind the old ones. Write errors stay in the writer and show in *ret_errno. */
static int append(struct job *j, const struct copy *copy, int fd, int *ret_errno)
{
	const struct writer_written before = {
		.bytes = copy->bytes,
		.blocks = copy->blocks,
		.offsets = copy->offsets,
		.block_count = copy->count,
		.string_count = j->capture->string_count ? j->capture->string_count - 1 : 0,
	};
	struct sink sink = { .job = j };
	const struct embed_sink embed = { .symbols = sink_symbols, .progress = sink_progress, .trouble = sink_trouble, .data = &sink };
	int err = writer_resume(&sink.writer, fd, &before);

	if (err)
		return err;
	ui_progress_start(&j->progress, "Looking up names", j->frame_count);
	err = embed_frames(j->frames, j->frame_count, j->modules, j->capture->module_count, &embed,
			   &j->report);
	ui_progress_end(&j->progress);
	if (!err) {
		writer_health(sink.writer, "frames", j->with_module);
		writer_health(sink.writer, "frames_resolved", j->known_before + j->report.resolved);
		writer_health(sink.writer, "modules_missing", j->report.missing);
		writer_health(sink.writer, "modules_changed", j->report.changed);
		err = copy->whole ? writer_finish(sink.writer) : writer_flush(sink.writer);
	}
	*ret_errno = writer_error(sink.writer);
	writer_free(sink.writer);
	return err;
}

/* Prints what went wrong. Returns an exit code. */
static int write_to(struct job *j, int in, const char *path)
{
	struct trk_fault fault = { 0 };
	struct ui_output out = { 0 };
	struct copy copy = { 0 };
	struct stat st;
	int err, error = 0;
	bool fresh;

	err = copy_scan(&copy, in, &fault);
	if (err) {
		ui_error("%s: %s", j->capture->path, err == TRK_ERR_IO ? strerror(errno) : fault.why);
		return UI_CANNOT;
	}
	fresh = strcmp(path, "-") != 0 && access(path, F_OK) != 0;
	if (ui_output_open(&out, path, force) != UI_OK) {
		copy_finish(&copy);
		return UI_CANNOT;
	}
	/* Captures hold command lines, so others may read a copy no more than the original. */
	if (fresh && fstat(in, &st) == 0)
		(void)fchmod(fileno(out.file), st.st_mode & 0777);
	err = copy_write(&copy, in, out.file);
	if (err)
		error = errno;
	else if (fflush(out.file) == 0)
		err = append(j, &copy, fileno(out.file), &error);
	copy_finish(&copy);
	if (err) {
		ui_output_discard(&out);
		ui_error("%s: %s", path, err == TRK_ERR_NOMEM ? "out of memory" : strerror(error));
		return UI_CANNOT;
	}
	return ui_output_close(&out);
}

static void print_json(const struct job *j, const char *path)
{
	struct ui_json w;

	ui_json_init(&w, stdout, false);
	ui_json_begin_report(&w, "tracker.symbolize", 1);
	ui_json_string(&w, "capture", j->capture->path);
	ui_json_string(&w, "output", path);
	ui_json_uint(&w, "locations", j->frame_count);
	ui_json_uint(&w, "resolved", j->report.resolved);
	ui_json_array(&w, "modules");
	for (uint32_t i = 1; i < j->capture->module_count; i++) {
		if (!j->module_frames[i])
			continue;
		ui_json_object(&w, NULL);
		ui_json_string(&w, "path", j->modules[i].record.path);
		ui_json_string(&w, "state", state_names[j->report.states[i]]);
		ui_json_uint(&w, "locations", j->module_frames[i]);
		ui_json_end(&w);
	}
	ui_json_end(&w);
	ui_json_end(&w);
}

static const char *trouble(enum resolver_module_state state)
{
	switch (state) {
	case RESOLVER_MISSING:
		return "No such file";
	case RESOLVER_CHANGED:
		return "binary changed since capture (its build-id differs)";
	case RESOLVER_UNREADABLE:
		return "not a readable ELF file";
	default:
		return NULL;
	}
}

static void print_text(const struct job *j, const char *path)
{
	char resolved[32], frames[32];

	if (!j->frame_count) {
		fputs("tracker: the capture already has all names: they are copied to ", stderr);
		ui_text(stderr, path);
		fputc('\n', stderr);
		return;
	}
	fprintf(stderr, "tracker: named %s of %s locations: ",
		ui_count(resolved, sizeof(resolved), j->report.resolved),
		ui_count(frames, sizeof(frames), j->frame_count));
	ui_text(stderr, path);
	fputc('\n', stderr);
	for (uint32_t i = 1; i < j->capture->module_count; i++) {
		const char *const why = j->module_frames[i] ? trouble(j->report.states[i]) : NULL;

		if (!why || (j->modules[i].record.flags & TRK_MODULE_VDSO)) /* the vdso has no file */
			continue;
		fputs("  ", stderr);
		ui_text(stderr, j->modules[i].record.path);
		fprintf(stderr, ": %s; %s locations have no names\n", why,
			ui_count(frames, sizeof(frames), j->module_frames[i]));
	}
}

static int symbolize(struct job *j, const char *operand)
{
	const char *const path = output ? output : operand;
	const int in = copy_open_file(j->capture);
	int status = UI_CANNOT;

	if (in < 0) {
		status = UI_CANNOT;
	} else if (j->capture->last_piece) {
		ui_error("%s: the recording lies in several files; symbolize one of them, such as %s.%0*u, which has all names",
			 operand, operand, PIECES_DIGITS, j->capture->last_piece);
	} else if (j->capture->recorder && !output) {
		ui_error("%s: the capture is still being recorded; symbolize it when the recording has ended, or write a copy with -o FILE",
			 operand);
	} else if (find_frames(j) != 0) {
		ui_error("%s: out of memory", operand);
	} else if (!output && j->frame_count == 0) {
		fprintf(stderr, "tracker: the capture already has all names: there is nothing to do\n");
		status = UI_OK;
	} else {
		status = write_to(j, in, path);
	}
	if (status == UI_OK && json)
		print_json(j, path);
	else if (status == UI_OK && (j->frame_count || output))
		print_text(j, path);
	if (in >= 0)
		close(in);
	return status;
}

int main(int argc, char **argv)
{
	struct job j = { 0 };
	const char *operand;
	int status;

	ui_set_program(command.name);
	operand = argv[ui_parse(&command, argc, argv, false)];
	if (!output && !force)
		ui_usage_error("option -o FILE or --force is missing: -o FILE writes a copy, --force changes %s itself", operand);
	if (json && output && strcmp(output, "-") == 0)
		ui_usage_error("argument --json: not allowed with argument -o -");
	status = copy_open_capture(&j.capture, operand);
	if (status == UI_OK)
		status = symbolize(&j, operand);
	free(j.modules);
	free(j.module_frames);
	free(j.frames);
	free(j.report.states);
	capture_close(j.capture);
	if (fflush(stdout) != 0 && status == UI_OK) {
		ui_error("cannot write standard output: %s", strerror(errno));
		status = UI_CANNOT;
	}
	return status;
}
