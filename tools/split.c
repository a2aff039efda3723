/*
 * tracker-split - divides the capture of a process tree into one capture per process: FILE keeps the process that was
 * started, FILE.PID gets each other one.
 *
 * Each file is a capture of its own, newly written with the table entries that its process used. FILE is replaced
 * last. Until then, and if something fails, it stays as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy.h"
#include "format/event.h"
#include "format/mix.h"
#include "format/writer.h"
#include "replay/capture.h"
#include "replay/extract.h"
#include "replay/heap.h"
#include "replay/reader.h"
#include "replay/totals.h"
#include "ui/ui.h"

static bool force, quiet;

static const struct ui_option options[] = {
	{ 'f', "force", UI_FLAG, &force, NULL, "overwrite existing files FILE.PID", 0, 0 },
	{ 'q', "quiet", UI_FLAG, &quiet, NULL, "print nothing when it has succeeded", 0, 0 },
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-split",
	.usage = "[options] FILE",
	.summary = "Divides the capture of a process tree into one capture per process.",
	.details = "  tracker split app.bin     writes app.bin, and app.bin.4711 for process 4711\n"
		   "\n"
		   "It changes FILE, which keeps only the process that was started. tracker run\n"
		   "--split-processes does the same when the recording has ended.\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

/* The parts of a file that belong to one process. */
struct part {
	const struct capture *capture;
	uint32_t process;
	struct writer *writer;
	struct heap *heap;
	struct extract tables;
	uint32_t *threads; /* new indexes + 1, by old ones; 0: none yet */
	uint32_t thread_count;
};

/* ---- tables ---- */

static uint32_t thread_of(struct part *p, uint32_t old)
{
	if (!p->threads[old])
		p->threads[old] = ++p->thread_count;
	return p->threads[old] - 1;
}

/* ---- records ---- */

static void write_process(const struct part *p)
{
	const struct trk_process *const from = &p->capture->processes[p->process];

	const struct trk_process told = {
		.pid = from->pid,
		.ppid = from->ppid,
		.parent = UINT32_MAX,
		.origin = from->origin,
		.start_ns = from->start_ns,
		.end_ns = from->end_ns,
		.ended = from->ended,
		.code = from->code,
		.name = from->name,
		.executable = from->executable,
		.command_line = from->command_line,
		.command_line_bytes = from->command_line_bytes,
		.execs = from->execs,
		.libc = from->libc,
		.host = from->host,
		.system = from->system,
		.titled = from->titled,
		.title = from->title,
	};

	writer_process(p->writer, &told);
}

static void write_threads(struct part *p)
{
	for (uint32_t i = 0; i < p->capture->thread_count; i++) {
		const struct trk_thread *const from = &p->capture->threads[i];

		if (from->process == p->process)
			writer_thread(p->writer, &(struct trk_thread){
							 .index = thread_of(p, i), .tid = from->tid, .start_ns = from->start_ns, .end_ns = from->end_ns, .name = from->name, .main = from->main });
	}
}

static void write_mappings(struct part *p)
{
	for (uint32_t i = 0; i < p->capture->mapping_count; i++) {
		const struct trk_mapping *const from = &p->capture->mappings[i];

		if (from->process == p->process) {
			const struct trk_mapping told = {
				.module = extract_module(&p->tables, from->module),
				.bias = from->bias,
				.start = from->start,
				.end = from->end,
				.load_time_ns = from->load_time_ns,
				.unload_time_ns = from->unload_time_ns,
			};

			writer_mapping(p->writer, &told);
		}
	}
}

static void write_domains(const struct part *p)
{
	for (uint32_t i = 0; i < p->capture->domain_count; i++) {
		struct trk_domain told = p->capture->domains[i].told;

		if (told.process != p->process)
			continue;
		told.process = 0;
		writer_domain(p->writer, &told);
	}
}

/* Notices of the whole recording: something that they say is missing may be this process's. */
static void write_words(const struct part *p)
{
	const struct capture *const c = p->capture;

	for (uint32_t i = 0; i < c->notice_count; i++)
		writer_notice(p->writer, c->notices[i]);
	for (uint32_t i = 0; i < c->health_count; i++)
		writer_health(p->writer, c->health[i].key, c->health[i].value);
	extract_damage(c, p->writer);
	for (uint32_t i = 0; i < c->rss_count; i++)
		if (c->rss[i].process == p->process)
			writer_rss(p->writer, 0, c->rss[i].time_ns, c->rss[i].rss_bytes);
	totals_write_summary(p->writer, heap_totals(p->heap), 1, p->thread_count);
}

/* ---- events ---- */

static int write_event(struct part *p, const struct trk_event *from)
{
	struct trk_event e = *from;
	int err;

	e.process = 0;
	e.thread = thread_of(p, e.thread);
	e.node = extract_node(&p->tables, e.node);
	err = e.node == UINT32_MAX ? TRK_ERR_NOMEM : heap_apply(p->heap, &e);
	if (err)
		return err;
	e.ref = heap_last_ref(p->heap);
	if (e.kind == TRK_MARK)
		writer_mark(p->writer, &e);
	writer_event(p->writer, &e);
	return 0;
}

static int write_events(struct part *p)
{
	const struct trk_event *e;
	struct cursor *k = NULL;
	size_t n;
	int err = cursor_open(&k, (struct capture *)p->capture, p->process);

	while (!err && (err = cursor_batch(k, &e, &n)) == 0)
		for (size_t i = 0; i < n && !err; i++)
			err = write_event(p, &e[i]);
	cursor_close(k);
	if (p->capture->processes[p->process].end_ns != UINT64_MAX)
		heap_end_process(p->heap, 0);
	return err == TRK_END ? 0 : err;
}

/* What looks at its memory found. What cannot be read is left out, as reports of the whole capture do, and told of. */
static int write_looks(struct part *p)
{
	const struct capture *const c = p->capture;
	struct buffer stored = { 0 }, raw = { 0 };
	uint64_t lost = 0;
	int err = 0;

	for (uint32_t i = 0; i < c->look_count && err != TRK_ERR_NOMEM; i++) {
		struct trk_block_header h;

		if (c->looks[i].process != p->process)
			continue;
		err = reader_unpack_at(c, c->looks[i].offset, &stored, &raw, &h);
		if (!err)
			writer_look_again(p->writer, 0, &h, raw.bytes);
		lost += err != 0;
	}
	free(stored.bytes);
	free(raw.bytes);
	if (lost)
		writer_notice(p->writer, "some of what looks at the memory found was damaged, and is not here");
	return err == TRK_ERR_NOMEM ? err : 0;
}

static int part_begin(struct part *p, const struct capture *c, uint32_t process, int fd)
{
	struct trk_header header = c->header;
	int err;

	header.id = trk_mix(header.id, process + 1);
	*p = (struct part){ .capture = c, .process = process };
	p->threads = calloc((size_t)c->thread_count + 1, sizeof(*p->threads));
	if (!p->threads || heap_new(&p->heap, 1, NULL) != 0)
		return TRK_ERR_NOMEM;
	heap_set_page_bytes(p->heap, header.page_bytes);
	heap_set_sampling(p->heap, header.sample_bytes);
	err = writer_new(&p->writer, fd, &header);
	return err ? err : extract_init(&p->tables, c, p->writer);
}

static void part_finish(struct part *p)
{
	writer_free(p->writer);
	heap_free(p->heap);
	extract_finish(&p->tables);
	free(p->threads);
}

/* errno says why when it is TRK_ERR_IO. */
static int write_part(const struct capture *c, uint32_t process, int fd)
{
	struct part p;
	int err = part_begin(&p, c, process, fd), error = errno;

	if (!err) {
		write_process(&p);
		write_threads(&p);
		write_mappings(&p);
		write_domains(&p);
		err = write_events(&p);
	}
	if (!err)
		err = write_looks(&p);
	if (!err) {
		extract_symbols(&p.tables);
		write_words(&p);
		err = writer_finish(p.writer);
		error = writer_error(p.writer);
	}
	part_finish(&p);
	errno = error;
	return err;
}

/* ---- files ---- */

/* FILE for the first process, FILE.PID for another one, FILE.PID.2 for a process that got the pid of an earlier one. */
static bool name_of(const struct capture *c, uint32_t process, char name[PATH_MAX])
{
	const uint32_t pid = c->processes[process].pid;
	unsigned same = 1;
	int n;

	for (uint32_t i = 1; i < process; i++)
		same += c->processes[i].pid == pid;
	if (!process)
		n = snprintf(name, PATH_MAX, "%s", c->path);
	else if (same == 1)
		n = snprintf(name, PATH_MAX, "%s.%u", c->path, pid);
	else
		n = snprintf(name, PATH_MAX, "%s.%u.%u", c->path, pid, same);
	return n >= 0 && n < PATH_MAX;
}

/* An exit code. */
static int write_file(const struct capture *c, uint32_t process)
{
	struct ui_output out = { 0 };
	char name[PATH_MAX];
	int err;

	if (!name_of(c, process, name)) {
		ui_error("%s: %s", c->path, strerror(ENAMETOOLONG));
		return UI_CANNOT;
	}
	if (ui_output_open(&out, name, force || !process) != UI_OK)
		return UI_CANNOT;
	(void)fchmod(fileno(out.file), 0600); /* captures hold command lines */
	err = write_part(c, process, fileno(out.file));
	if (err) {
		ui_output_discard(&out);
		ui_error("%s: %s", name, err == TRK_ERR_NOMEM ? "out of memory" : strerror(errno));
		return UI_CANNOT;
	}
	return ui_output_close(&out);
}

/* Removes what was written before something failed. */
static void remove_files(const struct capture *c, uint32_t end)
{
	char name[PATH_MAX];

	for (uint32_t i = 1; i < end; i++)
		if (name_of(c, i, name))
			unlink(name);
}

/* All events are decoded once before. A damaged block may have been any process's, so every file has to tell of it. */
static int find_damage(struct capture *c)
{
	const struct trk_event *e;
	struct cursor *k = NULL;
	size_t n;
	int err = cursor_open(&k, c, UINT32_MAX);

	while (!err)
		err = cursor_batch(k, &e, &n);
	cursor_close(k);
	if (err == TRK_END)
		return UI_OK;
	ui_error("%s: %s", c->path, capture_why(c, err));
	return UI_CANNOT;
}

static int split(const struct capture *c)
{
	const uint32_t count = c->process_count;
	int status;

	for (uint32_t i = 1; i < count; i++) {
		status = write_file(c, i);
		if (status == UI_OK)
			continue;
		remove_files(c, i);
		return status;
	}
	status = count > 1 ? write_file(c, 0) : UI_OK;
	if (status != UI_OK)
		remove_files(c, count);
	if (status == UI_OK && !quiet) {
		fputs("tracker: ", stderr);
		ui_text(stderr, c->path);
		if (count > 1)
			fprintf(stderr, " now holds only process %u; files named after it with .PID hold the %u other%s\n",
				c->processes[0].pid, count - 1, count == 2 ? "" : "s");
		else
			fputs(" holds only one process: there is nothing to split\n", stderr);
	}
	return status;
}

/* Why the capture cannot be split; NULL: it can be. */
static const char *obstacle(const struct capture *c)
{
	struct stat st;

	if (capture_is_aggregated(c))
		return "the capture is aggregated: its sums cover all processes together; record without --aggregate";
	if (c->last_piece || capture_health(c, "piece"))
		return "the recording lies in several files, which cannot be split; record without --rotate";
	if (c->keyframe_count && c->keyframes[0].begins)
		return "the capture was recorded with --start-after and cannot be split; record without --start-after";
	if (c->recorder)
		return "the capture is still being recorded; split it when the recording has ended";
	if (stat(c->path, &st) < 0 || !S_ISREG(st.st_mode))
		return "not a regular file, so files cannot be written beside it";
	return NULL;
}

int main(int argc, char **argv)
{
	struct capture *c = NULL;
	const char *why;
	int status;

	ui_set_program(command.name);
	status = copy_open_capture(&c, argv[ui_parse(&command, argc, argv, false)]);
	if (status == UI_OK && (why = obstacle(c))) {
		ui_error("%s: %s", c->path, why);
		status = UI_CANNOT;
	}
	if (status == UI_OK) {
		c->depths_apart = true;
		status = find_damage(c);
	}
	if (status == UI_OK)
		status = split(c);
	capture_close(c);
	return status;
}
