/* finish - see finish.h. */
#include "finish.h"
#include "bounds.h"
#include "deliver.h"
#include "module_table.h"
#include "frame_names.h"
#include "own_capture.h"
#include "titles.h"
#include "unread.h"

#include "control.h"
#include "replay/totals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

uint64_t finish_cpu_ns(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t all_truncated(const struct counters *c)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < SHM_CUTS; i++)
		sum += c->truncated[i];
	return sum;
}

/*
 * Return addresses that lay in no file, and have no name: code that was made while the program ran, or other values
 * on the stack.
 */
static uint64_t unknown_frames(const struct recorder *r)
{
	uint64_t count = 0;

	for (uint32_t i = 1; i <= writer_frame_count(r->writer); i++) {
		uint32_t module;
		uint64_t offset;

		writer_frame_get(r->writer, i, &module, &offset);
		count += module ? module_table_is_code(r, module) : offset && offset < TRK_FRAME_CUT;
	}
	return count - r->made_named;
}

static uint64_t attach_failures(const struct recorder *r)
{
	const uint64_t count = atomic_load(&r->shm->header.attach_failures);

	return recorder_believes(r, count) ? count : 0;
}

static void write_health(const struct recorder *r, struct writer *w)
{
	const struct counters *const c = &r->counters;
	struct rusage usage = { 0 };

	getrusage(RUSAGE_SELF, &usage);
	const struct {
		const char *key;
		uint64_t value;
	} health[] = {
		{ "events", c->events },
		{ "lost", c->lost },
		{ "gaps", c->gaps },
		{ "stalls", c->stalls },
		{ "stalled_ns", c->stalled_ns },
		{ "late_events", c->late },
		{ "corrupt_records", c->corrupt },
		{ "nframe", r->shm->header.nframe },
		{ "truncated_stacks", all_truncated(c) },
		{ "truncated_by_depth", c->truncated[SHM_CUT_DEPTH] },
		{ "truncated_no_unwind_info", c->truncated[SHM_CUT_NO_INFO] },
		{ "truncated_unknown_rule", c->truncated[SHM_CUT_RULE] },
		{ "truncated_off_stack", c->truncated[SHM_CUT_STACK] },
		{ "guessed_stacks", c->guessed_stacks },
		{ "python_unplaced", c->python_unplaced },
		{ "python_unknown", c->python_unknown },
		{ "verified_stacks", c->verified_stacks },
		{ "differing_stacks", c->differing_stacks },
		{ "compared_with_libunwind", c->compared[SHM_ORACLE_LIBUNWIND] },
		{ "differing_from_libunwind", c->differing[SHM_ORACLE_LIBUNWIND] },
		{ "compared_with_libgcc", c->compared[SHM_ORACLE_LIBGCC] },
		{ "differing_from_libgcc", c->differing[SHM_ORACLE_LIBGCC] },
		{ "oracles_differ", c->oracles_differ },
		{ "unknown_frames", unknown_frames(r) },
		{ "modules_lost", c->modules_lost },
		{ "shared_memory_limit_bytes", (uint64_t)atomic_load(&r->shm->header.chunk_limit) * SHM_CHUNK_BYTES },
		{ "shared_memory_refused", c->chunks_refused },
		{ "tables_refused", c->tables_refused },
		{ "unrecorded_processes", c->unrecorded },
		{ "inherited_late", c->inherited_late },
		{ "unfollowed_forks", c->unfollowed },
		{ "attach_failures", attach_failures(r) },
		{ "drain_rounds", c->rounds },
		{ "clock_interval_ns", c->rounds ? r->now_ns / c->rounds : 0 },
		{ "clock_interval_max_ns", c->clock_interval_max_ns },
		{ "keyframes", r->keyframes.count },
		{ "keyframes_cpu_ns", r->keyframes.cpu_ns },
		{ "order_changes", c->order_changes },
		{ "recorder_cpu_ns", finish_cpu_ns() + r->names_cpu_ns },
		{ "recorder_max_rss_bytes", (uint64_t)usage.ru_maxrss * 1024u },
		{ "recorder_out_of_memory", r->out_of_memory },
		{ "end_ns", r->bounds.stopped_by ? r->bounds.stopped_ns : r->now_ns },
	};

	for (size_t i = 0; i < sizeof(health) / sizeof(*health); i++)
		writer_health(w, health[i].key, health[i].value);
}

void recorder_notice(struct recorder *r, const char *sentence)
{
	writer_notice(r->writer, sentence);
	if (!r->first_notice[0])
		snprintf(r->first_notice, sizeof(r->first_notice), "%s", sentence);
}

/* Losses are sentences, too: somebody who reads a report should not have to know the keys. */
static void write_notices(struct recorder *r)
{
	const struct counters *const c = &r->counters;
	char text[256];

	if (c->lost) {
		snprintf(text, sizeof(text),
			 "%llu events were lost because the recorder could not keep up or had stopped",
			 (unsigned long long)c->lost);
		writer_notice(r->writer, text);
	}
	if (c->chunks_refused || c->tables_refused) {
		snprintf(text, sizeof(text), "the program's limits, or its sandbox, left no room for more shared "
					     "memory or larger tables: %s, and the program waited more often or ran slower",
			 c->lost ? "events may have been lost because of that" : "no event was lost because of that");
		writer_notice(r->writer, text);
	}
	r->counters.corrupt += !recorder_believes(r, atomic_load(&r->shm->header.attach_failures));
	if (c->corrupt)
		recorder_notice(r, "a process overwrote the recorder's shared memory: some threads are "
				   "recorded only in part");
	if (attach_failures(r))
		recorder_notice(r, "some processes or threads were not recorded: there were too many "
				   "at one time, or memory ran out");
	if (r->out_of_memory)
		recorder_notice(r, "the recorder ran out of memory: figures of the summary are "
				   "too low");
	if (c->inherited_late) {
		snprintf(text, sizeof(text),
			 "forked processes that began with the traces that their parents had when the recorder saw them, not with those "
			 "of the fork: %llu (they came too late, or too much was kept for others)",
			 (unsigned long long)c->inherited_late);
		writer_notice(r->writer, text);
	}
	own_capture_tell_unfollowed(r, r->writer);
	unread_finish(r);
	if (r->checkpoint.error) {
		snprintf(text, sizeof(text), "checkpoints could not be written (%s): until the recording ended, "
					     "the file held figures of %.1f s",
			 strerror(r->checkpoint.error),
			 (double)r->checkpoint.last_ns / 1e9);
		recorder_notice(r, text);
	}
}

static void report(const struct recorder *r, struct control_message *ret)
{
	const struct heap_totals *const t = heap_totals(r->heap);

	memcpy(ret->notice, r->first_notice, sizeof(ret->notice));
	if (r->checkpoint.elsewhere)
		snprintf(ret->elsewhere, sizeof(ret->elsewhere), "%s", r->checkpoint.elsewhere);
	ret->processes = 0;
	for (size_t i = 0; i < r->process_count; i++)
		ret->processes += r->processes[i]->attached;
	ret->error = (uint32_t)(r->write_error ? r->write_error : writer_error(r->writer));
	ret->error_ns = r->discard_ns;
	ret->allocations = t->allocations;
	ret->bytes_allocated = t->bytes_allocated;
	ret->peak_bytes = t->peak_bytes;
	ret->leaked_blocks = t->live_blocks;
	ret->leaked_bytes = t->live_bytes;
	ret->reserved_bytes = t->most_reserved_bytes;
	ret->reserved_mappings = t->most_reserved_mappings;
	ret->lost = r->counters.lost;
	ret->unrecorded = r->counters.unrecorded;
	ret->stopped_by = r->bounds.stopped_by;
	ret->stopped_ns = r->bounds.stopped_ns;
	ret->running = (uint32_t)r->live_count;
	ret->file_bytes = writer_bytes(r->writer) + rotate_bytes(&r->rotation);
	if (r->rotation.keep) {
		ret->first_piece = rotate_first(&r->rotation);
		ret->last_piece = r->rotation.number;
		ret->began_ns = r->rotation.files[ret->first_piece % r->rotation.keep].began_ns;
	}
}

void finish_write_figures(const struct recorder *r, struct writer *w)
{
	totals_write_summary(w, heap_totals(r->heap), r->process_count, r->thread_count);
	write_health(r, w);
	if (r->aggregate)
		aggregation_write(r->aggregate, w);
}

void finish_file(struct recorder *r, struct control_message *ret)
{
	write_notices(r);
	frame_names_write(r);
	finish_write_figures(r, r->writer);
	writer_finish(r->writer);
	if (r->aggregate)
		checkpoint_finish(r);
	report(r, ret);
}

int finish_copy(struct recorder *r, enum stopped_by why)
{
	struct control_message unused = { 0 };

	r->rotation.keep_on = false;
	r->bounds.credit = INT64_MAX; /* the end has its reserve */
	for (size_t i = 0; i < r->live_count; i++) {
		struct deliver_context context = { r, r->live[i], UINT64_MAX };

		titles_write(r, r->live[i]);
		modules_clear(&r->live[i]->modules, deliver_mapping_gone, &context);
	}
	r->bounds.stopped_by = why;
	r->bounds.stopped_ns = r->now_ns;
	bounds_notice(r);
	finish_file(r, &unused);
	return writer_error(r->writer);
}
