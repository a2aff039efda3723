/* completeness - see completeness.h. */
#include "common/completeness.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "format/pieces.h"

/* If so large a part of the stacks lacks its outer frames, pictures of them mislead. */
#define CUT_SHARE_PERCENT 25u

/* HEALTH stopped_by: the piece was full, the recording went on. */
#define STOPPED_ROTATED 4u
/* ... it is a snapshot of the live blocks, and the recording went on. */
#define STOPPED_SNAPSHOT 5u

struct line {
	char *text;
	size_t used;
};

/* Each reason is a clause behind the capture's name: a colon comes before the first, a semicolon before the others. */
__attribute__((format(printf, 2, 3))) static void add(struct line *l, const char *format, ...)
{
	const size_t room = COMPLETENESS_ROOM - l->used;
	va_list arguments;
	int n = snprintf(l->text + l->used, room, "%s", l->used ? "; " : ": ");

	if (n >= 0 && (size_t)n < room) {
		va_start(arguments, format);
		n += vsnprintf(l->text + l->used + n, room - (size_t)n, format, arguments);
		va_end(arguments);
	}
	if (n > 0)
		l->used += (size_t)n < room ? (size_t)n : room - 1;
}

uint64_t completeness_stopped_ns(const struct capture *c)
{
	return capture_health(c, "stopped_by") ? capture_health(c, "stopped_ns") : 0;
}

/* "still being recorded by pid 24208: 12.300 s so far"; false: it is not. */
static bool add_recording(struct line *l, const struct capture *c, uint64_t until_ns)
{
	char by[32] = "";

	if (!c->recorder)
		return false;
	if (c->recorder > 0)
		snprintf(by, sizeof(by), " by pid %d", c->recorder);
	add(l, "still being recorded%s: %.3f s so far", by, (double)until_ns / 1e9);
	return true;
}

static void add_cut(struct line *l, const struct capture *c)
{
	if (!c->cut || add_recording(l, c, c->last_time_ns))
		return;
	add(l, c->torn ? "the file is cut: events up to %.3f s are in it; an incomplete copy or a full disk lost the rest, "
			 "so copy it again or record again" :
			 "the recorder was killed: events up to %.3f s are in the capture",
	    (double)c->last_time_ns / 1e9);
}

static void add_damage(struct line *l, const struct capture *c)
{
	const uint64_t damaged = c->damaged_blocks + capture_health(c, "source_damaged_blocks");

	add_cut(l, c);
	if (capture_health(c, "source_cut"))
		add(l, "it was made from a capture that is cut: events up to %.3f s are in it",
		    (double)capture_health(c, "source_cut_ns") / 1e9);
	if (damaged)
		add(l, "%" PRIu64 " damaged block%s skipped: totals are lower bounds", damaged,
		    damaged == 1 ? "" : "s");
}

static void add_stopped(struct line *l, const struct capture *c)
{
	static const char *const reasons[] = { "", " because of --duration", " because of --max-size",
					       " because the recorder was told to stop" };
	const uint64_t by = capture_health(c, "stopped_by");

	if (by == STOPPED_SNAPSHOT)
		add(l, "it is a snapshot of a recording at %.1f s: it holds the blocks that were live then", (double)completeness_stopped_ns(c) / 1e9);
	else if (by && by != STOPPED_ROTATED)
		add(l, "recording stopped after %.1f s%s; later events are not in the capture",
		    (double)completeness_stopped_ns(c) / 1e9,
		    by < sizeof(reasons) / sizeof(*reasons) ? reasons[by] : "");
}

/* One piece of a rotated recording, or what is left of all of them. */
static void add_pieces(struct line *l, const struct capture *c)
{
	const uint64_t given_up_ns = capture_health(c, "given_up_ns");
	const double began = c->keyframe_count && c->keyframes[0].begins ?
				     (double)c->keyframes[0].time_ns / 1e9 :
				     0;
	const uint64_t piece = capture_health(c, "piece");
	const bool goes_on = capture_health(c, "stopped_by") == STOPPED_ROTATED;

	if (c->last_piece && goes_on)
		add(l, "the recording was interrupted: its newest file is empty, or its beginning is missing");
	if (c->pieces_left_out)
		add(l, "%" PRIu32 " older files are left out because the files between them and %.*s.%0*" PRIu32 " are missing",
		    c->pieces_left_out, 200, c->path, PIECES_DIGITS, c->first_piece);
	else if (c->first_piece > 1 || given_up_ns)
		add(l, "events before %.1f s were dropped because of --rotate",
		    given_up_ns ? (double)given_up_ns / 1e9 : began);
	else if (!c->first_piece && piece > 1 && goes_on)
		add(l, "it is one piece of a recording, from %.1f s to %.1f s", began,
		    (double)completeness_stopped_ns(c) / 1e9);
	else if (!c->first_piece && piece > 1)
		add(l, "it is the last piece of a recording, from %.1f s on", began);
	else if (!c->first_piece && goes_on)
		add(l, "it is the first piece of a recording, up to %.1f s",
		    (double)completeness_stopped_ns(c) / 1e9);
}

/* Events are written all the same. Only sums, and the live set at a beginning, need the memory that was missing. */
static void add_no_memory(struct line *l, const struct capture *c)
{
	const bool begins = c->keyframe_count && c->keyframes[0].begins;

	if (capture_health(c, "recorder_out_of_memory") && (capture_is_aggregated(c) || begins))
		add(l, "the recorder ran out of memory: %s",
		    begins ? "some blocks that were live when it began are missing" : "figures are too low");
}

static void add_checkpoint(struct line *l, const struct capture *c)
{
	const uint64_t end_ns = capture_health(c, "end_ns");

	if (capture_health(c, "checkpoint") && !add_recording(l, c, end_ns))
		add(l, "it is a checkpoint: the recorder was killed; figures are those at %.1f s",
		    (double)end_ns / 1e9);
}

static void add_unrecorded(struct line *l, const struct capture *c)
{
	const uint64_t refused = capture_health(c, "attach_failures");
	const uint64_t unseen = capture_health(c, "unrecorded_processes");
	char count[32], words[UI_UNRECORDED_ROOM];

	if (refused)
		add(l, "%s processes or threads were not recorded: there were too many at one time, or memory ran out",
		    ui_count(count, sizeof(count), refused));
	if (unseen)
		add(l, "%s", ui_unrecorded(words, unseen));
}

/* Stacks that are deeper than --nframe asks for do not count as incomplete. */
static void add_cut_stacks(struct line *l, const struct capture *c)
{
	const uint64_t all = capture_health(c, "truncated_stacks");
	const uint64_t asked = capture_health(c, "truncated_by_depth");
	const uint64_t made = capture_summary(c, "allocations");

	if (all <= asked || !made || (all - asked) / (double)made < CUT_SHARE_PERCENT / 100.0)
		return;
	add(l, "%.0f %% of stacks lack their oldest frames: tracker info says why",
	    100.0 * (double)(all - asked < made ? all - asked : made) / (double)made);
}

char *completeness_describe(const struct capture *c, uint64_t lost, char buf[COMPLETENESS_ROOM])
{
	const uint64_t told = capture_health(c, "lost");
	struct line l = { .text = buf };
	char count[32];

	buf[0] = '\0';
	add_damage(&l, c);
	if (lost < told)
		lost = told;
	if (lost)
		add(&l, "%s events were lost: totals are lower bounds",
		    ui_count(count, sizeof(count), lost));
	add_no_memory(&l, c);
	add_checkpoint(&l, c);
	add_stopped(&l, c);
	add_pieces(&l, c);
	add_unrecorded(&l, c);
	add_cut_stacks(&l, c);
	return buf;
}

void completeness_figures(struct emit *e, const struct capture *c, uint64_t lost)
{
	char text[COMPLETENESS_ROOM];
	const char *words = completeness_describe(c, lost, text);

	const char *const why = c->complete ? NULL : c->damage.why;

	words += strspn(words, ": ");
	emit_figure(e, "complete", emit_flag(c->complete && !*words));
	emit_figure(e, "incomplete", emit_words(*words ? words : why));
}
