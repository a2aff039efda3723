/*
 * recorder - the state of one recording, shared by the files of this folder.
 *
 * A round reads what all threads published (round.c, over chain and stream),
 * puts each process's events in their order (merge.c, over order) and writes
 * them (deliver.c, over intern and the writer). process.c keeps the table of
 * processes, proc.c looks at /proc, finish.c ends the file, main.c waits.
 */
#ifndef RECORD_RECORDER_H
#define RECORD_RECORDER_H

#include "format/shm.h"
#include "format/intern.h"
#include "format/writer.h"
#include "checkpoint.h"
#include "control.h"
#include "stack_nodes.h"
#include "modules.h"
#include "order.h"
#include "replay/aggregation.h"
#include "replay/heap.h"
#include "rotate.h"
#include "stream.h"
#include "symbols/embed.h"
#include "tools/cgroup.h"

#define NO_SLOT UINT32_MAX
#define NO_INDEX UINT32_MAX
#define DELIVER_BATCH 256u
/* The most bytes in the file: of an event, and of a pushed frame (a node, perhaps also a frame). */
#define DELIVER_EVENT_BYTES 40u
#define DELIVER_FRAME_BYTES 20u

struct process {
	uint32_t index, pid, ppid, parent; /* parent: index or NO_INDEX */
	uint32_t origin, execs;
	uint32_t slot; /* of the running program; NO_SLOT: not attached (yet) */
	uint32_t ended, code; /* as in the capture */
	bool attached; /* at least once */
	bool gone; /* it has ended, and everything that it published was read */
	bool dying; /* it has ended: it will publish nothing more */
	bool polled; /* no pidfd tells the recorder its end */
	bool foreign; /* its threads have ids of another PID namespace */
	uint32_t inner_pid; /* the pid that it has there; 0: it is `pid` */
	bool unplaced; /* it ended before the recorder saw it: `pid` is its own, in a namespace that is not known */
	int pidfd, statm;
	uint64_t first_program, last_program; /* numbers (shm.h) of the programs that it ran */
	uint64_t last_executed; /* of the last program that it executed itself after the fork */
	uint64_t over; /* programs from this number on started after it had ended; UINT64_MAX: not known */
	uint32_t left_slot; /* kept when it is gone, so that its parent can say how it ended; NO_SLOT: none */
	uint64_t start_ns, end_ns;
	char *name, *executable, *command;
	char libc[SHM_LIBC_BYTES];
	size_t command_bytes;
	char title[SHM_TITLE_BYTES], named[SHM_NAME_BYTES]; /* titles.h */
	char written_title[SHM_TITLE_BYTES]; /* the last one that the file has */
	uint64_t program_ns, next_title_ns; /* when its program began, when its title is looked at again */

	struct modules modules;
	struct jit *jit; /* NULL: it has made no code that the recorder knows of */
	bool no_jit; /* nor will we look for it */
	uint32_t code_module; /* module of the code that it made; 0: none */
	struct stream **streams;
	size_t stream_count, stream_room;
	struct order order;
	struct stream *held; /* its realloc may still become one event: no event overtakes it */
	uint64_t limit; /* events up to this epoch are final */
	uint64_t seen_limit; /* `limit` in the round before: used if there is no membarrier */
	bool waited_for; /* it has ended, and its parent stops for it, since before the present pass */
	uint64_t stop; /* events of later epochs come after the end of a child that has not ended here */
	uint64_t last_epoch, last_time_ns;
	uint32_t main_thread; /* index, NO_INDEX */
	uint32_t notices; /* the SHM_NOTICE_* that were written */
	struct trace *trace; /* NULL: it has not asked for that */
	struct releases *releases; /* NULL: they are not checked */
	struct own_capture *capture; /* the last one that it asked for, or NULL */
	struct process_domains *domains; /* NULL: it has given none of them a name */
	uint32_t python_said; /* of shm_process.python, the last one that was told to people */
	bool python_unknown_said;
	struct python_codes *python; /* NULL: it has run no functions of Python */
	struct pools *pools; /* NULL: it has not released a range of blocks */
	bool no_pools; /* ... or there was no memory for them */
	uint64_t arena_look_at; /* where the next look at its arenas goes on */
	bool arena_look_asked; /* it had asked for a look when this round began */
	struct classes *classes; /* NULL: it tracks none */
	struct look *look; /* at its memory, that is under way; NULL: none */
	uint32_t look_child; /* the pid there of the copy that it was last told to wait for, or was not; 0: none */
	uint64_t look_cut; /* events of later epochs come after the look; LOOK_NO_CUT */
};

struct counters {
	uint64_t events, late, corrupt, lost, stalls, rounds, modules_lost, guessed_stacks,
		verified_stacks, differing_stacks, compared[SHM_ORACLES], differing[SHM_ORACLES],
		oracles_differ, truncated[SHM_CUTS];
	uint64_t stalled_ns; /* the sum over all threads */
	uint64_t gaps; /* places in the events where some were lost */
	uint64_t python_unplaced, python_unknown; /* as programs count them in their slots */
	uint64_t clock_interval_max_ns; /* the longest time between two rounds: events have the time of their round */
	uint64_t unrecorded; /* processes of which nothing was seen */
	uint64_t order_changes; /* how often the order passed from one thread to another */
	uint64_t chunks_refused, tables_refused; /* as programs count them in their slots */
	uint64_t inherited_late; /* forked processes that got what their parents had later than at the fork */
	uint64_t unfollowed; /* forked processes that have no capture, although their parents' captures follow forks */
	int unfollowed_error; /* errno of the last of them */
};

struct bounds {
	uint64_t duration_ns, max_bytes; /* 0: none */
	int64_t credit; /* so many bytes may be written before the file is measured again */
	bool full; /* the file is full: later events are dropped */
	enum stopped_by stopped_by;
	uint64_t stopped_ns; /* since the capture began */
};

struct keyframes {
	uint64_t events_min; /* so many events lie between two keyframes; 0: none are written */
	uint64_t events, bytes; /* length of the capture when the last keyframe had been written */
	uint64_t bytes_per_block; /* that the last keyframe took; 0: none was written yet */
	uint64_t count, cpu_ns;
};

#define KEYFRAME_EVENTS_MIN (1u << 20)

#define UNSEEN_PIDS 64u

/* Children that may not be recorded, as of the last look. */
struct unseen {
	uint32_t pids[UNSEEN_PIDS], count;
	uint64_t number; /* how many programs had attached then */
	uint64_t next_ns; /* the next look is due */
};

#define WATCHES 1024u
#define MISSED 32u

/* A program that was executed and has not attached yet. */
struct watch {
	uint32_t pid; /* 0: unknown */
	uint32_t inner_pid; /* in a PID namespace of its own; 0: it is `pid` */
	int pidfd; /* -1: none; its pid is not known, or it had ended by then */
	uint32_t entry, serial; /* its entry in the segment, as long as the execution may fail, and that entry's serial; NO_SLOT */
	uint32_t flags; /* SHM_EXEC_* */
	uint64_t number; /* a program that was executed with that pid and has a number from this one on is this program */
	uint64_t since_ns;
	bool ended; /* before this round began */
	char path[SHM_EXECUTABLE_BYTES], starter[SHM_PROGRAM_BYTES];
};

/* Programs that were not recorded, with the same file and reason. */
struct missed {
	char *path, *why;
	char starter[SHM_PROGRAM_BYTES];
	uint32_t pid;
	uint64_t count;
};

struct watches {
	struct watch *list[WATCHES];
	uint32_t count;
	bool taken[SHM_EXECS]; /* whether the program of this entry is watched */
	uint32_t asked_inner[SHM_EXECS], asked_pid[SHM_EXECS]; /* the process that asked by this entry, in both namespaces */
	struct missed missed[MISSED];
	uint32_t missed_count;
	uint64_t missed_more; /* that found no room */
};

struct recorder {
	struct shm *shm;
	struct writer *writer;
	struct heap *heap; /* the one of `aggregate`, if there is one */
	struct aggregation *aggregate; /* NULL: events are written */
	struct checkpoint checkpoint; /* of the aggregated file */
	struct stack_nodes stack_nodes;

	struct process **processes; /* by index */
	size_t process_count, process_room;
	struct process **live; /* not gone */
	size_t live_count, live_room;
	size_t polled_count; /* of the live */
	uint64_t next_poll_ns;
	struct process *slot_process[SHM_PROCESSES];
	struct stream *slot_stream[SHM_THREADS];
	uint32_t thread_count;
	uint64_t next_serial;

	struct trk_event batch[DELIVER_BATCH]; /* events that are neither applied nor written yet */
	uint32_t batch_count;
	bool batch_marks; /* there are marks among them */

	struct counters counters;
	struct bounds bounds;
	struct rotation rotation;
	struct unseen unseen;
	struct {
		const char *const *options; /* of tracker run --track-class */
		uint32_t count;
		uint64_t interval_ns; /* of --snapshot-interval; 0: none */
	} classes;
	uint32_t looks, look_number; /* under way; taken */
	bool late_threads; /* threads that were asked to stop for a look have not done so yet */
	struct births *births; /* NULL: the kernel tells the recorder nothing */
	struct watches watches;
	uint32_t traced; /* processes */
	struct {
		bool wakes; /* set before the recording begins: a thread that never ends wakes the loop when something is asked */
		bool listening;
		struct process *waiting[SHM_QUESTIONS]; /* processes that wait for an answer; NULL */
		uint32_t nodes[SHM_QUESTIONS]; /* of these: the stack that came with the question */
	} questions;
	struct snapshots *snapshots;
	struct python *python; /* NULL: no program has run functions of Python */
	struct forks *forks; /* NULL: nobody has forked */
	int segment; /* the memfd; -1: System V */
	uint64_t segment_inode; /* of the segment, as /proc/PID/maps has it */
	struct keyframes keyframes;
	bool waiting; /* the capture begins later: until then only the live set is kept */
	uint64_t begin_ns; /* ... then */
	bool attached; /* the first process ran already, ... */
	uint64_t attached_ns; /* ... for so long */
	uint64_t bound; /* all programs with smaller numbers are bound */
	bool no_membarrier;
	bool again; /* the present round has already been through the segment once */
	bool discard; /* the file cannot be written: events are read and dropped, so that no program waits */
	bool out_of_memory;
	bool heap_stopped; /* ... so that the live set is not known any more */
	uint64_t discard_ns; /* since when */
	int write_error; /* errno that began it */
	uint32_t unasked; /* processes that are gone and whose status is not known yet */
	uint32_t left_slots; /* their slots, in which their parents may still say it */
	int output; /* the file, if it is one */
	int epoll;
	uint64_t now_ns; /* time of this round, since the capture began */
	uint64_t before_ns; /* of the round before */
	uint64_t last_time_ns; /* time of the last event, or end of a process */
	uint64_t last_end_ns; /* end of the last process that ended */
	uint32_t last_process; /* index of the process of that event; NO_INDEX: it was an end */
	uint64_t samples; /* samples of memory since the interval has its present value */
	uint64_t memory_interval_ns, next_sample_ns, next_look_ns, next_titles_ns, next_check_ns, next_flush_ns;
	char groups[CGROUP_TEXT]; /* the groups of the last process whose groups were asked for their limits */

	struct embed_module *modules; /* by id in the capture */
	uint32_t module_count, module_room;
	struct {
		struct pool names; /* the modules that programs tell of: path and build-id */
		uint32_t *modules; /* id in the capture, by number of the name */
		size_t module_room;
		uint32_t files; /* that are open */
		uint32_t codes; /* modules of code made at run time */
	} told;
	bool no_symbols;
	uint64_t made_named; /* frames of code made at run time that have a name */
	uint64_t names_cpu_ns; /* CPU time of the child that looked them up */
	char host[65], system[200]; /* as uname says */
	char first_notice[CONTROL_NOTICE]; /* the first notice of those that tracker-run has not printed itself */
};

/*
 * As long as the recorder lives and writes the file, readers see that it is being recorded, and by which pid. Closing
 * any descriptor of the file gives up the lock.
 */
void recorder_lock(int fd);

/*
 * Whether all bytes of the file are there and stay. Of a spool without a name, from which a capture is sent, the beginning
 * may be gone.
 */
bool recorder_keeps_file(const struct recorder *r);

struct recorder_setup {
	int output; /* the file, or its first piece; stays the caller's */
	const char *path; /* its absolute path; NULL: not known. Kept, not copied */
	uint32_t rotate; /* how many pieces are kept; 0: one file */
	bool aggregate;
	uint32_t temporary_threshold; /* of sums */
	uint64_t checkpoint_ns; /* distance of checkpoints of sums; 0: none */
	enum trk_packing packing;
};
/*
 * Begins a recording of the segment r->shm: epoll, heap, file. `r` must be zeros. The caller sets only fields for
 * rounds (bounds, intervals) before. TRK_ERR_IO, TRK_ERR_NOMEM; then `r` must be released, too.
 */
int recorder_begin(struct recorder *r, const struct recorder_setup *setup);
/* Releases everything that the recorder holds, except the segment and the output; writes nothing. */
void recorder_release(struct recorder *r);

/* Nanoseconds since the capture began. The program that drives the recorder defines it. */
uint64_t recorder_clock(const struct recorder *r);
/*
 * A figure that a program keeps in the segment. Nothing happens more often than once a nanosecond, so a larger figure
 * was overwritten: it counts as a corrupt record, and as 0.
 */
bool recorder_believes(const struct recorder *r, uint64_t figure);
uint64_t recorder_figure(struct recorder *r, uint64_t figure);
/* When something began, by the word of a program: not later than now, whatever the program wrote. The round began earlier. */
uint64_t recorder_began(const struct recorder *r, uint64_t start_ns);
/* A sentence for the capture, and for the user when the recording ends. */
void recorder_notice(struct recorder *r, const char *sentence);

#endif
