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
/* The most bytes in the file: of an event, and of a pushed frame (a node, perhaps a frame). */
#define DELIVER_EVENT_BYTES 40u
#define DELIVER_FRAME_BYTES 20u

struct process {
	uint32_t index, pid, ppid, parent; /* parent: index or NO_INDEX */
	uint32_t origin, execs;
	uint32_t slot; /* of the running program; NO_SLOT: not attached (yet) */
	uint32_t ended, code; /* as in the capture */
	bool attached; /* at least once */
	bool gone; /* has ended and everything of it was read */
	bool dying; /* has ended: what it published is all there will be */
	bool polled; /* no pidfd tells us its end */
	bool foreign; /* its threads have ids of another PID namespace */
	uint32_t inner_pid; /* its own there; 0: it is `pid` */
	bool unplaced; /* it had ended before we saw it: `pid` is its own in a namespace that we do not know */
	int pidfd, statm;
	uint64_t first_program, last_program; /* numbers (shm.h) of those that it ran */
	uint64_t last_executed; /* of the last one that it executed, and was not forked with */
	uint64_t over; /* programs from this number on started when it had ended; UINT64_MAX: not known */
	uint32_t left_slot; /* kept when it is gone, for its parent to say how it ended; NO_SLOT: none */
	uint64_t start_ns, end_ns;
	char *name, *executable, *command;
	char libc[SHM_LIBC_BYTES];
	size_t command_bytes;

	struct modules modules;
	struct jit *jit; /* NULL: it has made no code that we know of */
	bool no_jit; /* nor will we look for it */
	uint32_t code_module; /* of the code that it made; 0: none */
	struct stream **streams;
	size_t stream_count, stream_room;
	struct order order;
	struct stream *held; /* its realloc may still become one event: nothing overtakes it */
	uint64_t limit; /* events up to this epoch are final */
	uint64_t seen_limit; /* `limit` as of the round before: used when there is no membarrier */
	bool waited_for; /* it has ended, and its parent stops for it, since before the pass at hand */
	uint64_t stop; /* events of later epochs come after the end of a child that has not ended here */
	uint64_t last_epoch, last_time_ns;
	uint32_t main_thread; /* index, NO_INDEX */
	uint32_t notices; /* SHM_NOTICE_* that were written */
	struct trace *trace; /* NULL: it has not asked for that */
	struct own_capture *capture; /* the last one that it asked for, or NULL */
	uint64_t look_at; /* where in its arenas the next look goes on */
	bool look_asked; /* it had asked for one when this round began */
};

struct counters {
	uint64_t events, late, corrupt, lost, stalls, rounds, modules_lost, guessed_stacks,
		verified_stacks, differing_stacks, compared[SHM_ORACLES], differing[SHM_ORACLES],
		oracles_differ, truncated[SHM_CUTS];
	uint64_t stalled_ns; /* the sum over all threads */
	uint64_t gaps; /* places in the events where some were lost */
	uint64_t clock_interval_max_ns; /* between two rounds: events have the time of theirs */
	uint64_t unrecorded; /* processes that nothing was seen of */
	uint64_t order_changes; /* how often the order passed from one thread to another */
	uint64_t chunks_refused, tables_refused; /* as programs count them in their slots */
};

struct bounds {
	uint64_t duration_ns, max_bytes; /* 0: none */
	int64_t credit; /* bytes that may be written before the file is measured again */
	bool full; /* it was, and may take no more: what comes is forgotten */
	enum stopped_by stopped_by;
	uint64_t stopped_ns; /* since the capture began */
};

struct keyframes {
	uint64_t events_min; /* so many stand between two; 0: none are written */
	uint64_t events, bytes; /* of the capture when the last one had been written */
	uint64_t bytes_per_block; /* that it took; 0: none yet */
	uint64_t count, cpu_ns;
};

#define KEYFRAME_EVENTS_MIN (1u << 20)

#define UNSEEN_PIDS 64u

/* Children that are not recorded, perhaps: as of the last look. */
struct unseen {
	uint32_t pids[UNSEEN_PIDS], count;
	uint64_t number; /* of programs that had attached then */
	uint64_t next_ns; /* the next look is due */
};

#define WATCHES 1024u
#define MISSED 32u

/* A program that was executed and has not attached yet. */
struct watch {
	uint32_t pid; /* 0: unknown */
	uint32_t inner_pid; /* in a PID namespace of its own; 0: it is `pid` */
	int pidfd; /* -1: none; its pid is not known, or it had ended by then */
	uint32_t entry, serial; /* of the segment, as long as the execution may fail; NO_SLOT */
	uint32_t flags; /* SHM_EXEC_* */
	uint64_t number; /* a program that was executed with that pid and has a number from this one on is it */
	uint64_t since_ns;
	bool ended; /* before this round began */
	char path[SHM_EXECUTABLE_BYTES], starter[SHM_PROGRAM_BYTES];
};

/* Programs that were not recorded, all of one file and for one reason. */
struct missed {
	char *path, *why;
	char starter[SHM_PROGRAM_BYTES];
	uint32_t pid;
	uint64_t count;
};

struct watches {
	struct watch *list[WATCHES];
	uint32_t count;
	bool taken[SHM_EXECS]; /* what this entry says is watched */
	uint32_t asked_inner[SHM_EXECS], asked_pid[SHM_EXECS]; /* who asked by it, in both namespaces */
	struct missed missed[MISSED];
	uint32_t missed_count;
	uint64_t missed_more; /* that found no room */
};

struct recorder {
	struct shm *shm;
	struct writer *writer;
	struct heap *heap; /* of `aggregate`, if there is one */
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

	struct trk_event batch[DELIVER_BATCH]; /* neither applied nor written yet */
	uint32_t batch_count;

	struct counters counters;
	struct bounds bounds;
	struct rotation rotation;
	struct unseen unseen;
	struct births *births; /* NULL: the kernel does not tell us */
	struct watches watches;
	uint32_t traced; /* processes */
	struct {
		bool listening;
		int event; /* ... where it is heard */
		struct process *waiting[SHM_QUESTIONS]; /* who asked what has no answer yet; NULL */
	} questions;
	struct snapshots *snapshots;
	int segment; /* the memfd; -1: System V */
	uint64_t segment_inode; /* as /proc/PID/maps has it */
	struct keyframes keyframes;
	bool waiting; /* the capture begins later: only the live set is kept */
	uint64_t begin_ns; /* ... then */
	uint64_t bound; /* all programs with smaller numbers are bound */
	bool no_membarrier;
	bool again; /* the round at hand has been through the segment before */
	bool discard; /* the file cannot be written: read and forget, so that nobody stalls */
	bool out_of_memory;
	bool heap_stopped; /* ... so that the live set is not known any more */
	uint64_t discard_ns; /* since when */
	int write_error; /* errno that began it */
	uint32_t unasked; /* processes that are gone and whose status is not known yet */
	uint32_t left_slots; /* of theirs, in which their parents may still say it */
	int epoll;
	uint64_t now_ns; /* of this round, since the capture began */
	uint64_t before_ns; /* of the round before */
	uint64_t last_time_ns; /* of the last event, or end of a process */
	uint64_t last_end_ns; /* of the last process that ended */
	uint32_t last_process; /* whose event it was; NO_INDEX: it was an end */
	uint64_t samples; /* of memory, since the interval is what it is */
	uint64_t memory_interval_ns, next_sample_ns, next_look_ns, next_check_ns, next_flush_ns;
	char groups[CGROUP_TEXT]; /* of the last process whose groups were asked for their limits */

	struct embed_module *modules; /* by id in the capture */
	uint32_t module_count, module_room;
	struct {
		struct pool names; /* what programs tell of a module: path and build-id */
		uint32_t *modules; /* by number of the name: id in the capture */
		size_t module_room;
		uint32_t files; /* that are open */
		uint32_t codes; /* modules of code made at run time */
	} told;
	bool no_symbols;
	uint64_t made_named; /* frames of code made at run time that have a name */
	uint64_t names_cpu_ns; /* of the child that looked them up */
	char host[65], system[200]; /* as uname says */
	char first_notice[CONTROL_NOTICE]; /* of those that tracker-run has not printed itself */
};

/*
 * While we live and write the file, readers see that it is being recorded, and by which pid. Closing any
 * descriptor of the file gives up the lock.
 */
void recorder_lock(int fd);

struct recorder_setup {
	int output; /* the file, or its first piece; stays the caller's */
	const char *path; /* of it, absolute; NULL: none is known. Kept, not copied */
	uint32_t rotate; /* keep so many pieces; 0: one file */
	bool aggregate;
	uint32_t temporary_threshold; /* of sums */
	uint64_t checkpoint_ns; /* distance of checkpoints of sums; 0: none */
	enum trk_packing packing;
};
/*
 * Begins a recording of the segment r->shm: epoll, heap, file. Of `r`, zeroed before, the caller sets what
 * concerns only rounds (bounds, intervals). TRK_ERR_IO, TRK_ERR_NOMEM; then it is to be released, too.
 */
int recorder_begin(struct recorder *r, const struct recorder_setup *setup);
/* Releases everything that the recorder holds, except the segment and the output; writes nothing. */
void recorder_release(struct recorder *r);

/* Since the capture began; of the program that drives the recorder. */
uint64_t recorder_clock(const struct recorder *r);
/*
 * A figure that a program keeps in the segment: nothing happens more often than once a nanosecond. One that
 * says otherwise was written over: it counts as a corrupt record, and as 0.
 */
bool recorder_believes(const struct recorder *r, uint64_t figure);
uint64_t recorder_figure(struct recorder *r, uint64_t figure);
/* A sentence for the capture, and for whoever waits for the recording to end. */
void recorder_notice(struct recorder *r, const char *sentence);

#endif
