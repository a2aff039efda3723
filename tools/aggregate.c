/*
 * tracker-aggregate - writes the sums of a capture as a capture of their own. It holds everything that reports print
 * about the whole, in a file that is small enough to send.
 *
 * It copies the tables as they are, so that ids and names stay the same, and replays the events once.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/event.h"
#include "format/writer.h"
#include "replay/aggregation.h"
#include "replay/capture.h"
#include "replay/process_ends.h"
#include "replay/heap_keyframe.h"
#include "replay/extract.h"
#include "replay/totals.h"
#include "copy.h"
#include "ui/ui.h"

static const char *output;
static bool force;
static uint64_t threshold = 1;

static const struct ui_option options[] = {
	{ 'o', "output", UI_STRING, &output, "FILE", "write to FILE", 0, 0 },
	{ 'f', "force", UI_FLAG, &force, NULL, "overwrite FILE", 0, 0 },
	{ 0, "temporary-threshold", UI_UINT, &threshold, "N",
	  "count a block as temporary if it is freed within N other allocations (1)", 0, UINT32_MAX - 1 },
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-aggregate",
	.usage = "[options] -o FILE CAPTURE",
	.summary = "Turns a capture of events into a small capture of sums.",
	.details = "  tracker aggregate -o small.bin app.bin\n"
		   "\n"
		   "Reports print the same figures from it. It cannot answer what needs single events:\n"
		   "dump, points in time, marks, regions, another threshold of temporary allocations.\n"
		   "tracker run --aggregate records such a capture directly.\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

struct job {
	struct capture *capture;
	struct aggregation *aggregate;
	struct process_ends ends;
	struct copy copy;
	struct writer *writer;
};

/* ---- events ---- */

static int apply(struct job *j, const struct trk_event *e, size_t n)
{
	const struct process_end *end;

	heap_expect(aggregation_heap(j->aggregate), e, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		int err = 0;

		while (!err && (end = process_ends_take_before(&j->ends, e[i].time_ns)))
			err = aggregation_end_process(j->aggregate, end->process, end->time_ns);
		if (!err)
			err = aggregation_apply(j->aggregate, &e[i]);
		if (err)
			return err;
	}
	return 0;
}

#define EXPECTED 64u /* events whose blocks are fetched at once */

static int replay(struct job *j)
{
	const struct trk_event *e;
	struct ui_progress progress;
	struct cursor *k = NULL;
	uint64_t done = 0;
	size_t n, part;
	int err = cursor_open(&k, j->capture, UINT32_MAX);

	ui_progress_start(&progress, "reading events", j->capture->event_count);
	while (!err && (err = cursor_batch(k, &e, &n)) == 0) {
		for (size_t i = 0; i < n && !err; i += part) {
			part = n - i < EXPECTED ? n - i : EXPECTED;
			err = apply(j, e + i, part);
		}
		done += n;
		ui_progress_step(&progress, done);
	}
	ui_progress_end(&progress);
	cursor_close(k);
	return err == TRK_END ? 0 : err;
}

static int sum_up(struct job *j)
{
	int err = aggregation_new(&j->aggregate, (uint32_t)threshold);

	if (!err)
		err = process_ends_init(&j->ends, j->capture);
	if (err)
		return err;
	heap_keep_sums_only(aggregation_heap(j->aggregate));
	heap_set_page_bytes(aggregation_heap(j->aggregate), j->capture->header.page_bytes);
	aggregation_set_sampling(j->aggregate, j->capture->header.sample_bytes);
	err = heap_keyframe_begin(j->capture, UINT32_MAX, aggregation_heap(j->aggregate));
	return err ? err : replay(j);
}

/* ---- the new file ---- */

/* Blocks whose contents are in the events too, or that are written anew. */
static bool is_left_out(uint16_t type)
{
	return type == TRK_BLOCK_EVENTS || (type >= TRK_BLOCK_PREDICTED && type != TRK_BLOCK_DOMAINS) || type == TRK_BLOCK_SUMMARY;
}

/* TRK_ERR_CORRUPT: the block is damaged, which was counted when the capture was opened. */
static int copy_block(int in, FILE *out, const struct trk_block_header *h, uint64_t offset)
{
	static uint8_t block[TRK_BLOCK_HEADER_BYTES + TRK_BLOCK_STORED_MAX], raw[TRK_BLOCK_RAW_MAX];
	const size_t size = TRK_BLOCK_HEADER_BYTES + h->stored_bytes;
	int err;

	if (pread(in, block, size, (off_t)offset) != (ssize_t)size)
		return TRK_ERR_IO;
	err = trk_block_payload_decode(h, block + TRK_BLOCK_HEADER_BYTES, raw);
	if (err)
		return err;
	fwrite(block, 1, size, out); /* errors stay in the stream */
	return 0;
}

/* Writes header and tables. The blocks of j->copy that are copied stay in it, with their new places. */
static int copy_tables(struct job *j, int in, FILE *out)
{
	struct copy *const c = &j->copy;
	struct trk_header header = j->capture->header;
	uint8_t bytes[TRK_HEADER_BYTES];
	size_t kept = 0;
	int err = 0;

	header.content = TRK_CONTENT_AGGREGATED;
	header.required |= TRK_FEATURE_RESERVED;
	header.header_bytes = TRK_HEADER_BYTES;
	trk_header_encode(&header, bytes);
	fwrite(bytes, 1, sizeof(bytes), out);
	c->bytes = sizeof(bytes);
	for (size_t i = 0; i < c->count && !err; i++) {
		const struct trk_block_header h = c->blocks[i];

		if (is_left_out(h.type))
			continue;
		err = copy_block(in, out, &h, c->offsets[i]);
		if (err == TRK_ERR_CORRUPT) {
			err = 0;
			continue;
		}
		c->blocks[kept] = h;
		c->offsets[kept++] = c->bytes;
		c->bytes += TRK_BLOCK_HEADER_BYTES + h.stored_bytes;
	}
	c->count = kept;
	return err;
}

static void write_figures(struct job *j)
{
	const struct capture *const c = j->capture;

	extract_damage(c, j->writer);
	if (c->last_piece) {
		writer_health(j->writer, "piece", 0);
		if (c->first_piece > 1)
			writer_health(j->writer, "given_up_ns", c->keyframe_count ? c->keyframes[0].time_ns : 0);
	}
	totals_write_summary(j->writer, heap_totals(aggregation_heap(j->aggregate)), c->process_count,
			     c->thread_count);
	aggregation_write(j->aggregate, j->writer);
}

static int write_sums(struct job *j, int fd, int *ret_errno)
{
	const struct writer_written before = {
		.bytes = j->copy.bytes,
		.blocks = j->copy.blocks,
		.offsets = j->copy.offsets,
		.block_count = j->copy.count,
		.string_count = j->capture->string_count ? j->capture->string_count - 1 : 0,
	};
	int err = writer_resume(&j->writer, fd, &before);

	if (err)
		return err;
	write_figures(j);
	err = writer_finish(j->writer);
	*ret_errno = writer_error(j->writer);
	return err;
}

/* Prints what went wrong. Returns an exit code. */
static int write_to(struct job *j, int in)
{
	struct trk_fault fault = { 0 };
	struct ui_output out = { 0 };
	int err = copy_scan(&j->copy, in, &fault), error = errno;

	if (err) {
		ui_error("%s: %s", j->capture->path, err == TRK_ERR_IO ? strerror(error) : fault.why);
		return UI_CANNOT;
	}
	if (ui_output_open(&out, output, force) != UI_OK)
		return UI_CANNOT;
	/* Captures hold command lines, so others may not read them. */
	if (strcmp(output, "-") != 0)
		(void)fchmod(fileno(out.file), 0600);
	err = copy_tables(j, in, out.file);
	error = errno;
	if (!err && fflush(out.file) != 0) {
		err = TRK_ERR_IO;
		error = errno;
	}
	if (!err)
		err = write_sums(j, fileno(out.file), &error);
	if (err) {
		ui_output_discard(&out);
		ui_error("%s: %s", output, err == TRK_ERR_NOMEM ? "out of memory" : strerror(error));
		return UI_CANNOT;
	}
	return ui_output_close(&out);
}

static void print_done(const struct job *j)
{
	char events[32], before[32], after[32];

	fprintf(stderr, "tracker: summed %s events (%s) into %s: ",
		ui_count(events, sizeof(events), j->capture->event_count),
		ui_size(before, sizeof(before), (int64_t)j->capture->file_bytes, false),
		ui_size(after, sizeof(after), (int64_t)writer_bytes(j->writer), false));
	ui_text(stderr, output);
	fputc('\n', stderr);
}

/* The sums would replace events that cannot be made again from them. That is refused, even with --force. */
static bool is_same_file(int in)
{
	struct stat capture, there;

	if (fstat(in, &capture) < 0 || stat(output, &there) < 0 || capture.st_dev != there.st_dev ||
	    capture.st_ino != there.st_ino)
		return false;
	ui_error("%s is the capture itself and will not be overwritten; choose another name", output);
	return true;
}

static int aggregate(struct job *j, const char *operand)
{
	const int in = copy_open_file(j->capture);
	int status = UI_CANNOT, err;

	if (in < 0 || is_same_file(in))
		status = UI_CANNOT;
	else if ((err = sum_up(j)) != 0)
		ui_error("%s: %s", operand, capture_why(j->capture, err));
	else
		status = write_to(j, in);
	if (status == UI_OK)
		print_done(j);
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
	if (!output)
		ui_usage_error("option -o FILE is missing: it names the new capture");
	status = copy_open_capture(&j.capture, operand);
	if (status == UI_OK && capture_is_aggregated(j.capture)) {
		ui_error("%s: the capture is already aggregated: use it as it is", operand);
		status = UI_CANNOT;
	}
	if (status == UI_OK)
		status = aggregate(&j, operand);
	writer_free(j.writer);
	copy_finish(&j.copy);
	process_ends_finish(&j.ends);
	aggregation_free(j.aggregate);
	capture_close(j.capture);
	return status;
}
