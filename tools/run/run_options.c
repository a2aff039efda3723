/* run_options - see run_options.h. */
#include "run_options.h"

#include "format/block.h"
#include "format/python_env.h"
#include "format/shm.h"
#include "packing.h"
#include "record/rotate.h"
#include "run/hook_options.h"
#include "run/stream_options.h"
#include "ui/config.h"
#include "ui/ui.h"

#include <stdlib.h>
#include <string.h>

#define NFRAME_DEFAULT 1024u
#define NFRAME_MAX 1000000u
#define TRACE_MAX 65535u
#define TRACK_CLASSES_MAX 64u
#define TRACK_CLASS_BYTES 500u
#define CHECKPOINT_DEFAULT_NS 10000000000ull

static const char details[] =
	"FILE may contain patterns: %p is the program's pid, %e its name, %h the host, %t the time,\n"
	"%q{VAR} an environment variable, %% a percent sign. The default is tracker.%e.%p.bin\n"
	"\n"
	"Examples:\n"
	"  tracker run ./app --its-own options\n"
	"  tracker run -o out.bin -- make -j4\n"
	"  tracker report out.bin\n"
	"\n"
	"The exit status is that of the program; a signal that kills it also kills tracker run.\n"
	"With --check it is that of tracker check if the program's is 0: 3 when a check failed.\n"
	"Exit status 125: tracker itself failed, 126: not executable, 127: not found.\n";

static int parse(const struct ui_option *options, int argc, char **argv)
{
	const struct ui_command command = {
		.name = "tracker-run",
		.usage = "[options] [--] PROGRAM [ARGUMENT...]",
		.summary = "run a program and record every allocation of it and its descendants",
		.details = details,
		.options = options,
		.min_operands = 1,
		.max_operands = -1,
		.variable = "TRACKER_OPTIONS",
	};

	return ui_parse(&command, argc, argv, true);
}

/* What happens when recording has ended. */
#define END_OPTIONS(o)                                                                                                                                                    \
	UI_OPTION(0, "report", UI_FLAG, &(o)->report, NULL, "print the report of one screen on stderr when recording has ended", 0, 0),                                   \
		UI_OPTION(0, "check", UI_STRING, &(o)->check, "OPTIONS", "hold the capture against budgets (tracker check --help): '--max-peak 64M --max-leak 0'", 0, 0), \
		UI_OPTION(0, "no-symbols", UI_FLAG, &(o)->no_symbols, NULL, "do not look up names when recording ends", 0, 0),                                            \
		UI_OPTION(0, "split-processes", UI_FLAG, &(o)->split, NULL, "at the end divide the capture into one per process: FILE for the one that was started, FILE.PID for the others", 0, 0)

int run_options_parse(struct run_options *o, int argc, char **argv)
{
	*o = (struct run_options){ .nframe = NFRAME_DEFAULT, .memory_interval_ms = 10, .wait = "2s", .temporary_threshold = UINT64_MAX, .fail_after = UINT64_MAX };
	const struct ui_option options[] = {
		{ 'o', "output", UI_STRING, &o->output, "FILE", "write the capture to FILE", 0, 0 },
		{ 'f', "force", UI_FLAG, &o->force, NULL, "overwrite FILE", 0, 0 },
		{ 'a', "aggregate", UI_FLAG, &o->aggregate, NULL,
		  "record sums per stack instead of events: the file stays small however long the program runs", 0, 0 },
		{ 0, "format", UI_STRING, &o->format, "all|aggregated", "the same as a word (also TRACKER_FORMAT in the environment)", 0, 0 },
		{ 0, "checkpoint", UI_STRING, &o->checkpoint, "TIME", "with --aggregate: rewrite the file every TIME (10s); 0: only at the end", 0, 0 },
		{ 0, "temporary-threshold", UI_UINT, &o->temporary_threshold, "N",
		  "with --aggregate: count a block as temporary if it is freed within N other allocations (1)", 0,
		  UINT32_MAX - 1 },
		{ 0, "compress", UI_STRING, &o->compress, "zstd|lz4|none",
		  "how to compress the capture: zstd (default; tables by LZ4), lz4, none", 0, 0 },
		{ 0, "no-compress", UI_FLAG, &o->no_compress, NULL, "the same as --compress=none", 0, 0 },
		{ 0, "buffered-file-io", UI_FLAG, &o->buffered, NULL, "no effect, accepted for command lines of memray: the capture always goes through the page cache", 0, 0 },
		{ 'q', "quiet", UI_FLAG, &o->quiet, NULL, "print no summary after the run", 0, 0 },
		{ 0, "live", UI_FLAG, &o->live, NULL, "show on the terminal what lives while the program runs; what it prints there goes to FILE.out", 0, 0 },
		{ 0, "nframe", UI_UINT, &o->nframe, "N",
		  "keep the N most recent frames of a stack (1024)", 1, NFRAME_MAX },
		{ 0, "trace", UI_OPTIONAL_INT, &o->trace, "N",
		  "trace blocks for the program's own tracker.h, with N frames (1): as TRACKER_TRACE=N does", 0, 0 },
		{ 0, "check-free", UI_FLAG, &o->check_free, NULL, "end a program that frees a block twice, or none, or by the wrong call, with the stacks on stderr", 0, 0 },
		{ 0, "release-stacks", UI_FLAG, &o->release_stacks, NULL, "record where blocks are released, too, which tracker lint shows", 0, 0 },
		{ 0, "trace-python-allocators", UI_FLAG, &o->trace_python_allocators, NULL, "record each object of Python programs instead of the arenas that objects lie in (PYTHONMALLOC=malloc)", 0, 0 },
		{ 0, "no-follow-fork", UI_FLAG, &o->no_follow_fork, NULL, "do not record forked children", 0, 0 },
		{ 0, "no-follow-exec", UI_FLAG, &o->no_follow_exec, NULL,
		  "do not record programs that the program executes", 0, 0 },
		{ 0, "unwind", UI_STRING, &o->unwind, "own|verify[=LIBRARY]|libunwind",
		  "choose the unwinder: own (default); verify: compare every 37th stack with libunwind's "
		  "and libgcc's, or with that LIBRARY's, and show the result in tracker info; libunwind: use "
		  "libunwind's stacks (verify and libunwind may hang or crash)",
		  0, 0 },
		{ 0, "sample", UI_SIZE, &o->sample_bytes, "SIZE",
		  "record a sample of the allocations, one every SIZE bytes on average; reports show "
		  "estimates with error bars",
		  1, SHM_SAMPLE_BYTES_MAX },
		{ 0, "memory-interval-ms", UI_UINT, &o->memory_interval_ms, "N", "look at resident memory every N ms (10); 0: never", 0, 3600000 },
		{ 0, "wait", UI_STRING, &o->wait, "TIME",
		  "wait at most TIME for descendants that outlive the program (2s); 0 or inf", 0, 0 },
		{ 0, "dormant", UI_FLAG, &o->dormant, NULL, "record nothing until tracker ctl PID start, which says what to record, and where to", 0, 0 },
		{ 0, "start-after", UI_STRING, &o->start_after, "TIME",
		  "begin the capture after TIME, with the blocks that are live then", 0, 0 },
		{ 0, "duration", UI_STRING, &o->duration, "TIME",
		  "stop recording after TIME (30s); the program runs on", 0, 0 },
		{ 0, "max-size", UI_SIZE, &o->max_bytes, "SIZE",
		  "stop recording before FILE becomes larger than SIZE (100M)", 1u << 20, 0 },
		{ 0, "rotate", UI_UINT, &o->rotate, "N",
		  "with --max-size: do not stop but go on in FILE.000002 and so on, and keep the newest N files",
		  1, ROTATE_MAX },
		END_OPTIONS(o),
		STREAM_OPTIONS(o),
		HOOK_OPTIONS(o),
		{ 0 },
	};
	return parse(options, argc, argv);
}

static const struct {
	const char *name;
	uint32_t flag;
} unwinders[] = {
	{ "own", 0 },
	{ "verify", SHM_VERIFY_LIBUNWIND | SHM_VERIFY_LIBGCC },
	{ "verify=libunwind", SHM_VERIFY_LIBUNWIND },
	{ "verify=libgcc", SHM_VERIFY_LIBGCC },
	{ "libunwind", SHM_UNWIND_LIBUNWIND },
};

/* A wrong value would end the program, too, but the message would not name the option. */
static bool check_trace(struct run_options *o)
{
	char *end;

	if (!o->trace)
		return true;
	if (!*o->trace)
		o->trace = "1";
	const long frames = strtol(o->trace, &end, 10);

	if (!*end && frames >= 0 && frames <= TRACE_MAX)
		return true;
	ui_error("argument --trace: '%s' is an invalid number of frames; use 1 to 65535, or 0 for none", o->trace);
	return false;
}

static bool find_unwinder(struct run_options *o)
{
	if (!o->unwind)
		return true;
	for (size_t i = 0; i < sizeof(unwinders) / sizeof(*unwinders); i++)
		if (!strcmp(o->unwind, unwinders[i].name)) {
			o->unwind_flag = unwinders[i].flag;
			return true;
		}
	ui_error("argument --unwind: invalid choice '%s'; use own, verify, verify=libgcc, verify=libunwind or libunwind", o->unwind);
	return false;
}

/* False: printed. */
static bool find_packing(struct run_options *o)
{
	if (o->no_compress && o->compress) {
		ui_error("argument --no-compress: not allowed with argument --compress");
		return false;
	}
	if (o->no_compress)
		o->packing = TRK_PACK_NONE;
	return !o->compress || packing_parse(o->compress, &o->packing);
}

/* The option, or the environment. False: printed. */
static bool find_format(struct run_options *o)
{
	const char *const from_environment = getenv("TRACKER_FORMAT");
	const bool asked = o->format || o->aggregate;
	const char *const word = asked || !from_environment ? o->format : from_environment;

	if (!word || !*word)
		return true;
	if (!strcmp(word, "aggregated")) {
		o->aggregate = true;
		return true;
	}
	if (strcmp(word, "all")) {
		ui_error("%s: invalid choice '%s'; use all or aggregated",
			 asked ? "argument --format" : "TRACKER_FORMAT", word);
		return false;
	}
	if (o->aggregate)
		ui_error("argument --aggregate: not allowed with argument --format all");
	return !o->aggregate;
}

/* Options that only sums have. False: printed. */
static bool check_aggregate(struct run_options *o)
{
	if (!o->aggregate && (o->checkpoint || o->temporary_threshold != UINT64_MAX)) {
		ui_error("argument --%s: only allowed with --aggregate",
			 o->checkpoint ? "checkpoint" : "temporary-threshold");
		return false;
	}
	if (o->aggregate && o->max_bytes) {
		ui_error("argument --max-size: not allowed with argument --aggregate: an aggregated "
			 "capture does not grow with events");
		return false;
	}
	if (o->check_free && (o->aggregate || o->sample_bytes)) {
		ui_error("argument --check-free: not allowed with argument --%s: every block must be known", o->aggregate ? "aggregate" : "sample");
		return false;
	}
	if (o->release_stacks && (o->aggregate || o->sample_bytes)) {
		ui_error("argument --release-stacks: not allowed with argument --%s: every release must be known", o->aggregate ? "aggregate" : "sample");
		return false;
	}
	o->checkpoint_ns = CHECKPOINT_DEFAULT_NS;
	if (o->checkpoint && !ui_parse_duration(o->checkpoint, &o->checkpoint_ns)) {
		ui_error("argument --checkpoint: '%s' is an invalid duration; use 500ms, 10s, 1m or 0",
			 o->checkpoint);
		return false;
	}
	return true;
}

/* False: printed. */
static bool check_start(struct run_options *o)
{
	if (!o->start_after)
		return true;
	if (!ui_parse_duration(o->start_after, &o->start_after_ns)) {
		ui_error("argument --start-after: '%s' is an invalid duration; use 500ms, 30s or 5m",
			 o->start_after);
		return false;
	}
	if (o->aggregate || o->sample_bytes)
		ui_error("argument --start-after: not allowed with argument %s",
			 o->aggregate ? "--aggregate" : "--sample");
	return !o->aggregate && !o->sample_bytes;
}

/* False: printed. */
static bool check_rotate(const struct run_options *o)
{
	if (!o->rotate)
		return true;
	if (!o->max_bytes)
		ui_error("argument --rotate: only allowed with --max-size, which sets the size of each file");
	else if (o->sample_bytes)
		ui_error("argument --rotate: not allowed with argument --sample");
	return o->max_bytes && !o->sample_bytes;
}

/* Options for which the result is not one file with the events of several processes. False: printed. */
static bool check_split(const struct run_options *o)
{
	const char *const against = o->aggregate      ? "--aggregate" :
				    o->rotate	      ? "--rotate" :
				    o->start_after    ? "--start-after" :
				    o->no_follow_fork ? "--no-follow-fork" :
							NULL;

	if (!o->split || !against)
		return true;
	ui_error("argument --split-processes: not allowed with argument %s", against);
	return false;
}

/* One word behind the pattern. */
static bool is_class_option(const char *word, size_t n)
{
	char *end;

	if (n > 5 && !strncmp(word, "name=", 5))
		return true;
	if (n > 6 && !strncmp(word, "level=", 6))
		return strtoul(word + 6, &end, 10) <= 255 && end == word + n && word[6] != '-';
	return (n == 4 && !strncmp(word, "keep", n)) || (n == 5 && !strncmp(word, "trace", n));
}

/* False: printed. */
static bool check_keep_limit(struct run_options *o)
{
	if (o->keep_limit && (!ui_parse_size(o->keep_limit, &o->asked.keep_limit) || !o->asked.keep_limit)) {
		ui_error("argument --keep-limit: '%s' is an invalid size; use 1000, 64K or 1.5G", o->keep_limit);
		return false;
	}
	return true;
}

/* False: printed. */
static bool check_classes(struct run_options *o)
{
	for (size_t i = 0; i < o->track_class.count; i++) {
		const char *const text = o->track_class.items[i], *at = text + strcspn(text, ",");
		bool fine = at != text && strlen(text) < TRACK_CLASS_BYTES;

		while (fine && *at) {
			const size_t n = strcspn(++at, ",");

			fine = is_class_option(at, n);
			o->keeps |= n == strlen("keep") && !strncmp(at, "keep", n);
			at += n;
		}
		if (!fine) {
			ui_error("argument --track-class: '%s' is not PATTERN[,level=N,keep,trace,name=NAME], with a level up to 255", text);
			return false;
		}
	}
	if (o->track_class.count > TRACK_CLASSES_MAX)
		ui_error("argument --track-class: more than %u of them", TRACK_CLASSES_MAX);
	else if (o->snapshot_interval && (!ui_parse_duration(o->snapshot_interval, &o->snapshot_ns) || o->snapshot_ns < 1000000))
		ui_error("argument --snapshot-interval: '%s' is an invalid duration; use 100ms, 1s or 1m", o->snapshot_interval);
	else if ((o->track_class.count || o->snapshot_interval) && (o->aggregate || o->sample_bytes))
		ui_error("argument --%s: not allowed with argument --%s: single objects must be known", o->track_class.count ? "track-class" : "snapshot-interval", o->aggregate ? "aggregate" : "sample");
	else
		return true;
	return false;
}

/* False: printed. */
static bool find_asked(struct run_options *o)
{
	o->asked.fail_ends = o->fail_after != UINT64_MAX;
	o->asked.fail_after = o->asked.fail_ends ? o->fail_after : 0;
	if (o->pointer_mask && !o->leak_check && !o->look_at_marks) {
		ui_error("argument --pointer-mask: nothing is looked at without --leak-check or --look-at-marks");
		return false;
	}
	return (!o->alarm || hook_options_alarm(o->alarm, &o->asked)) &&
	       (!o->fail_random || hook_options_fail_random(o->fail_random, &o->asked)) &&
	       (!o->pointer_mask || hook_options_pointer_mask(o->pointer_mask, &o->pointer_bits));
}

/* False: printed. */
static bool check_dormant(const struct run_options *o)
{
	const struct {
		const char *name;
		bool given;
	} others[] = {
		{ "output", o->output },
		{ "force", o->force },
		{ "aggregate", o->aggregate },
		{ "format", o->format },
		{ "checkpoint", o->checkpoint },
		{ "temporary-threshold", o->temporary_threshold != UINT64_MAX },
		{ "compress", o->compress },
		{ "no-compress", o->no_compress },
		{ "report", o->report },
		{ "check", o->check },
		{ "live", o->live },
		{ "live-remote", o->live_remote },
		{ "send-to", o->send_to },
		{ "no-symbols", o->no_symbols },
		{ "nframe", o->nframe != NFRAME_DEFAULT },
		{ "check-free", o->check_free },
		{ "release-stacks", o->release_stacks },
		{ "no-follow-fork", o->no_follow_fork },
		{ "no-follow-exec", o->no_follow_exec },
		{ "split-processes", o->split },
		{ "unwind", o->unwind },
		{ "sample", o->sample_bytes },
		{ "start-after", o->start_after },
		{ "duration", o->duration },
		{ "max-size", o->max_bytes },
		{ "rotate", o->rotate },
		{ "leak-check", o->leak_check },
		{ "memory", o->memory },
		{ "look-at-marks", o->look_at_marks },
		{ "look-contents", o->look_contents },
		{ "track-class", o->track_class.count },
		{ "snapshot-interval", o->snapshot_interval },
		{ "keep-limit", o->keep_limit },
		{ "alarm", o->alarm },
		{ "fail-random", o->fail_random },
		{ "fail-after", o->fail_after != UINT64_MAX },
	};

	for (size_t i = 0; o->dormant && i < sizeof(others) / sizeof(*others); i++)
		if (others[i].given) {
			ui_error("argument --%s: not allowed with argument --dormant: tracker ctl PID start says what to record", others[i].name);
			return false;
		}
	return true;
}

static bool check_words(const struct run_options *o)
{
	char **const words = o->check ? config_words(o->check) : NULL;

	if (o->check && !words)
		ui_error("argument --check: a quote is not closed: %s", o->check);
	free(words);
	return !o->check || words;
}

/* The user's own choice of an allocator stays. */
static void find_python_malloc(struct run_options *o)
{
	const char *const chosen = getenv(PYTHON_ENV);

	if (!o->trace_python_allocators)
		return;
	o->python_malloc = !chosen || !*chosen;
	if (!o->python_malloc && strncmp(chosen, PYTHON_ENV_VALUE, strlen(PYTHON_ENV_VALUE)) != 0)
		ui_warn("--trace-python-allocators has no effect on programs of Python, because the environment has %s=%s: "
			"they keep small objects in arenas, which are recorded; unset it to record each object",
			PYTHON_ENV, chosen);
}

bool run_options_check(struct run_options *o)
{
	if (!check_dormant(o))
		return false;
	if (!check_trace(o) || !check_words(o) || !find_unwinder(o) || !find_packing(o) || !find_format(o) || !check_aggregate(o) || !check_classes(o) || !check_keep_limit(o) || !find_asked(o))
		return false;
	if (!strcmp(o->wait, "inf")) {
		o->wait_ns = UINT64_MAX;
	} else if (!ui_parse_duration(o->wait, &o->wait_ns)) {
		ui_error("argument --wait: '%s' is an invalid duration; use 500ms, 2s, 1m or inf", o->wait);
		return false;
	}
	if (!check_start(o) || !check_rotate(o) || !check_split(o) || !stream_options_check(o))
		return false;
	if (o->duration && (!ui_parse_duration(o->duration, &o->duration_ns) || !o->duration_ns)) {
		ui_error("argument --duration: '%s' is an invalid duration; use 500ms, 30s or 5m", o->duration);
		return false;
	}
	find_python_malloc(o);
	return true;
}
