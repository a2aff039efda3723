/*
 * recorder - the state of one recording, shared by the files of this folder.
 *
 * A round reads what all threads published (round.c, over chain and stream),
 * puts each process's events in their order (merge.c, over order) and writes
 * them (emit.c, over intern and the writer). process.c keeps the table of
 * processes, sample.c looks at /proc, finish.c ends the file, main.c waits.
 */
#ifndef RECORD_RECORDER_H
#define RECORD_RECORDER_H

#include "format/shm.h"
#include "format/intern.h"
#include "format/writer.h"
#include "checkpoint.h"
#include "control.h"
#include "intern.h"
#include "modules.h"
#include "order.h"
#include "replay/aggregate.h"
#include "replay/heap.h"
#include "rotate.h"
#include "stream.h"
#include "symbols/embed.h"
#include "tools/cgroup.h"

#define NO_SLOT UINT32_MAX
#define NO_INDEX UINT32_MAX
#define EMIT_BATCH 256u
/* In the file at most: of an event, of a frame that is pushed (a node, perhaps a frame). */
#define EMIT_EVENT_BYTES 40u
#define EMIT_FRAME_BYTES 20u

struct process {
	uint32_t index, pid, ppid, parent; /* parent: index or NO_INDEX */
	uint32_t origin, execs;
	uint32_t slot;	    /* of the running program; NO_SLOT: not attached (yet) */
	uint32_t ended, code; /* as in the capture */
	bool attached;	      /* at least once */
	bool gone;	      /* has ended and everything of it was read */
	bool dying;	      /* has ended: what it published is all there will be */
	bool polled;	      /* no pidfd tells us its end */
	bool foreign;	      /* its threads have ids of another PID namespace */
	uint32_t inner_pid;   /* its own there; 0: it is `pid` */
	bool unplaced;	      /* it had ended before we saw it: `pid` is its own in a namespace that we do not know */
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
	struct jit *jit;      /* NULL: it has made no code that we know of */
	bool no_jit;	      /* nor will we look for it */
	uint32_t code_module; /* of the code that it made; 0: none */
	struct stream **streams;
	size_t stream_count, stream_room;
	struct order order;
	struct stream *held;  /* its realloc may still become one event: nothing overtakes it */
	uint64_t limit;	      /* events up to this epoch are final */
	uint64_t seen_limit;  /* `limit` as of the round before: used when there is no membarrier */
	bool waited_for;      /* it has ended, and its parent stops for it, since before the pass at hand */
	uint64_t stop;	      /* events of later epochs come after the end of a child that has not ended here */
	uint64_t last_epoch, last_time_ns;
	uint32_t main_thread; /* index, NO_INDEX */
	uint32_t notices;     /* SHM_NOTICE_* that were written */
	uint64_t look_at;     /* where in its arenas the next look goes on */
	bool look_asked;      /* it had asked for one when this round began */
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
	bool full;	/* it was, and may take no more: what comes is forgotten */
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
	struct aggregate *aggregate; /* NULL: events are written */
	struct checkpoint checkpoint; /* of the aggregated file */
	struct intern intern;

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

	struct trk_event batch[EMIT_BATCH]; /* neither applied nor written yet */
	uint32_t batch_count;

	struct counters counters;
	struct bounds bounds;
	struct rotation rotation;
	struct unseen unseen;
	struct births *births; /* NULL: the kernel does not tell us */
	struct watches watches;
	int segment; /* the memfd; -1: System V */
	uint64_t segment_inode; /* as /proc/PID/maps has it */
	struct keyframes keyframes;
	bool waiting;	     /* the capture begins later: only the live set is kept */
	uint64_t begin_ns;   /* ... then */
	uint64_t bound; /* all programs with smaller numbers are bound */
	bool no_membarrier;
	bool again;	   /* the round at hand has been through the segment before */
	bool discard;	/* the file cannot be written: read and forget, so that nobody stalls */
	bool out_of_memory;
	bool heap_stopped; /* ... so that the live set is not known any more */
	uint64_t discard_ns; /* since when */
	int write_error;     /* errno that began it */
	uint32_t unasked; /* processes that are gone and whose status is not known yet */
	uint32_t left_slots; /* of theirs, in which their parents may still say it */
	int epoll;
	uint64_t now_ns; /* of this round, since the capture began */
	uint64_t before_ns; /* of the round before */
	uint64_t last_time_ns; /* of the last event, or end of a process */
	uint64_t last_end_ns;  /* of the last process that ended */
	uint32_t last_process; /* whose event it was; NO_INDEX: it was an end */
	uint64_t samples; /* of memory, since the interval is what it is */
	uint64_t memory_interval_ns, next_sample_ns, next_look_ns, next_check_ns, next_flush_ns;
	char groups[CGROUP_TEXT]; /* of the last process whose groups were asked for their limits */

	struct embed_module *modules; /* by id in the capture */
	uint32_t module_count, module_room;
	struct {
		struct pool names;  /* what programs tell of a module: path and build-id */
		uint32_t *modules;  /* by number of the name: id in the capture */
		size_t module_room;
		uint32_t files;	    /* that are open */
		uint32_t codes;	    /* modules of code made at run time */
	} told;
	bool no_symbols;
	uint64_t made_named;   /* frames of code made at run time that have a name */
	uint64_t names_cpu_ns; /* of the child that looked them up */
	char host[65], system[200]; /* as uname says */
	char first_notice[CONTROL_NOTICE]; /* of those that tracker-run has not printed itself */
};

/* ---- recorder.c ---- */
/*
 * While we live and write the file, readers see that it is being recorded, and by which pid. Closing any
 * descriptor of the file gives up the lock.
 */
void recorder_lock(int fd);

struct recorder_setup {
	int output;	  /* the file, or its first piece; stays the caller's */
	const char *path; /* of it, absolute; NULL: none is known. Kept, not copied */
	uint32_t rotate;  /* keep so many pieces; 0: one file */
	bool aggregate;
	uint32_t temporary_threshold; /* of sums */
	uint64_t checkpoint_ns;	      /* distance of checkpoints of sums; 0: none */
	enum trk_packing packing;
};
/*
 * Begins a recording of the segment r->shm: epoll, heap, file. Of `r`, zeroed before, the caller sets what
 * concerns only rounds (bounds, intervals). TRK_ERR_IO, TRK_ERR_NOMEM; then it is to be released, too.
 */
int recorder_begin(struct recorder *r, const struct recorder_setup *setup);
/* Gives back all that the recorder holds, but for the segment and the output; writes nothing. */
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

/* ---- bounds.c ---- */
/* The file may take `bytes` more; false: it is full. What is measured is exact, calls are cheap. */
bool bounds_measure(struct recorder *r, uint32_t bytes);

static inline bool bounds_take(struct recorder *r, uint32_t bytes)
{
	r->bounds.credit -= bytes;
	return __builtin_expect(r->bounds.credit >= 0, 1) || bounds_measure(r, bytes);
}

/* Whether the time is over or the file is full. */
/* Bytes that may still be written, if the end is to fit, too. */
int64_t bounds_room(const struct recorder *r);
enum stopped_by bounds_reached(const struct recorder *r);
/* Says in the capture when and why it ends before its processes (r->bounds.stopped_*). */
void bounds_notice(struct recorder *r);

/* ---- process.c ---- */
struct process_start {
	uint32_t pid, ppid, parent, origin;
	uint64_t start_ns;
	int pidfd; /* becomes the process's; -1: none */
};
struct process *process_new(struct recorder *r, const struct process_start *start);
void process_free(struct process *p); /* NULL-safe */
/* What it runs now. The texts are copied, as far as there is memory. */
void process_set_program(struct recorder *r, struct process *p, const char *name,
			 const char *executable, const char *command, size_t command_bytes);
void process_write(struct recorder *r, const struct process *p);
/* Programs that took a slot and are not bound yet. */
struct arrival {
	uint64_t number; /* shm.h */
	uint32_t slot;
};
/* Finds those with numbers below `end`; how many, in the order in which they came. */
size_t process_arrivals(const struct recorder *r, uint64_t end, struct arrival new[SHM_PROCESSES]);
/* A new process, or a new program in a known one. */
void process_bind(struct recorder *r, const struct arrival *a);
/* Everything of its was read: gives its slot back and writes its last record. */
void process_end(struct recorder *r, struct process *p);
/* It may be another's. */
void process_free_slot(struct recorder *r, uint32_t index);
/* Notices, counts of the slot: looked at before it is given back, and at the end. */
void process_collect(struct recorder *r, struct process *p);
/* The recording is over, the process is not: what there is to say about it. */
void process_leave(struct recorder *r, struct process *p);
struct process *process_by_pid(const struct recorder *r, uint32_t pid);

/* ---- thread.c ---- */
/* The stream of thread slot `slot`, made when it is new; NULL: nothing sensible there (yet). */
struct stream *thread_stream(struct recorder *r, uint32_t slot);
/* The thread has ended and its chain was read: gives the slot back. */
void thread_detach(struct recorder *r, struct stream *s);
/* Detached and consumed streams of a process: last records, then freed. */
void thread_reap(struct recorder *r, struct process *p);
/* The recording is over, the process's threads are not: counts what they lost, names them. */
void thread_leave_all(struct recorder *r, struct process *p);
/* Threads that the kernel does not know any more, though they never said that they ended. */
void thread_find_dead(struct recorder *r);

/* ---- look.c ---- */
/* Looks which pages of arenas are in memory, when it is time. */
void look_now_and_then(struct recorder *r);
/* Notes who asks for a last look; after a round, when all that those published is known, it is taken. */
void look_asked(struct recorder *r);
void look_answer(struct recorder *r);

/* ---- unseen.c ---- */
/* Now and then: watches programs that recorded processes started, or became, and that have not come to us. */
void unseen_look(struct recorder *r);
enum segment_there { THERE, NOT_THERE, DENIED, NOBODY_KNOWS };
enum segment_there unseen_segment(const struct recorder *r, uint32_t pid);

/* ---- births.c ---- */
struct births;
/* Listens to what the kernel tells of executions. The socket becomes the recorder's. */
void births_begin(struct recorder *r, int connector);
/* Before it is looked who has attached; and after that. */
void births_read(struct recorder *r);
void births_judge(struct recorder *r);
/* Whether the kernel has told of more than was read. */
bool births_behind(const struct recorder *r);
/* Whether all is known of every process below the recorded ones, and none of them is left. */
bool births_rule_out(const struct recorder *r);
void births_end(struct births *b); /* NULL-safe */

/* ---- watch.c ---- */
/* Once a round, when new processes are known: requests, executions, those that attached, those that ended. */
void watch_round(struct recorder *r);
/* `pid` runs a program that has not attached; `number`: programs that had attached when it was looked at. */
void watch_add(struct recorder *r, uint32_t pid, const char *starter, uint64_t number);
/*
 * The kernel has told that `pid` executed the file `path` (NULL: nobody knows which), when at least `number` programs had
 * attached; `starter`: the name of who started it, or NULL.
 */
void watch_executed(struct recorder *r, uint32_t pid, const char *path, const char *starter, uint64_t number);
/* Executions that may still attach. */
bool watch_waits(const struct recorder *r);
/* The recording is over: notices for all that were missed. */
void watch_finish(struct recorder *r);
void watch_release(struct recorder *r);

/* ---- unread.c ---- */
/* Notices for modules whose unwind information could not be read by the program that they are mapped in. */
void unread_finish(struct recorder *r);

/* ---- request.c ---- */
/* Sends the segment to whoever asked for it with this entry, or refuses. */
void request_answer(struct recorder *r, uint32_t entry);

/* ---- pidspace.c ---- */
/* The pid that `pid` has in its innermost namespace; 0: it has none but ours, or it is gone. */
uint32_t pidspace_inner(uint32_t pid);
/* The pid of its parent as we see it; 0: it is gone. */
uint32_t pidspace_parent(uint32_t pid);
/* Whether it is one of those that we record, or of those that they started. */
bool pidspace_is_ours(const struct recorder *r, uint32_t pid);
/* The process, as we see it, that calls itself by the pid `name`, in whatever namespace it lives, and is_it; 0: none. */
uint32_t pidspace_find(uint32_t name, bool (*is_it)(void *context, uint32_t pid), void *context);

/* ---- ends.c ---- */
struct epoll_event;
/* Marks the processes of the events as dying; true: there was an event of somebody else, too. */
bool ends_mark(struct recorder *r, const struct epoll_event *events, int count);
/* Looks who has ended by now. */
void ends_look(struct recorder *r);
/* From now on it is seen when the new process ends; perhaps it has. */
void ends_watch(struct recorder *r, struct process *p);
/*
 * Sets `dying` of those that ended unnoticed: kernels before 5.3, sandboxes and full tables of
 * descriptors have no pidfd for us.
 */
void ends_poll(struct recorder *r);
/* Sets `dying` of `p`, whose last event may still be to come. */
void ends_set(struct recorder *r, struct process *p);
/* Whether one has ended that was over before the program `number` started. */
bool ends_due(struct recorder *r, uint64_t number);
/* Ends those, in their order; what all others had published was merged already. */
void ends_apply(struct recorder *r, uint64_t number);
/*
 * Sets `waited_for` of all that live. Before a pass reads: what ran beside those that are seen to
 * be over by then has been published.
 */
void ends_find_waited(struct recorder *r);
/* Sets `stop` of all that live; their events behind it are not merged. */
void ends_find_stops(struct recorder *r);
/* When all are merged up to their stops: ends one that a parent stops for. That parent, who goes on; NULL: none. */
struct process *ends_waited(struct recorder *r);

/* ---- ending.c ---- */
/* The process is gone: its status if it can be had, otherwise its pidfd and its slot are kept for a while. Takes its slot away. */
void ending_begin(struct recorder *r, struct process *p);
/* Asks again for those that were not known. */
void ending_ask(struct recorder *r);

/* ---- emit.c ---- */
/* Takes the event; emit_flush sees to it that heap and writer have it, too. */
void emit(struct recorder *r, struct process *p, const struct trk_event *e);
void emit_flush(struct recorder *r);
/* The event at s->head, anything but the parts of a realloc. */
void emit_head(struct recorder *r, struct process *p, struct stream *s);
/*
 * The records behind the head that say what nearly all do, in its epoch: straight from the bytes into the
 * batch. What is anything else, or might not fit the file, is left to who looks at every case.
 */
void emit_alike(struct recorder *r, struct process *p, struct stream *s);
/* WIRE_REALLOC_BEGIN or WIRE_MREMAP_BEGIN at s->head: takes note of it; nothing is written. */
void emit_begin(struct recorder *r, struct process *p, struct stream *s);
/* The realloc that began is not followed by its end: first of two parts. */
void emit_release(struct recorder *r, struct process *p, struct stream *s);
/* WIRE_REALLOC_END or TRK_MREMAP at s->head, right behind its begin (one event) or not (second part). */
void emit_end(struct recorder *r, struct process *p, struct stream *s);
/* Nothing more of the thread can be had (TRK_ERR_*): its rest is dropped, a gap stands in its place. */
void emit_broken(struct recorder *r, struct process *p, struct stream *s, int err);
void emit_mapping_gone(void *emit_context, const struct module_range *range);
struct emit_context {
	struct recorder *r;
	const struct process *p;
	uint64_t unload_time_ns;
};

/* Everything of the process was applied and it has ended, at p->end_ns (or a little later). */
void emit_end_process(struct recorder *r, struct process *p);

/* ---- module_table.c ---- */
/* The number in the capture of the module that `p` tells of; 0: there was no memory. Opens its file. */
uint32_t module_table_find(struct recorder *r, const struct process *p, const struct wire_record *told);
/* A new module, of code that a program makes while it runs. `code` becomes the table's. 0: there was no memory; then it is freed. */
uint32_t module_table_code(struct recorder *r, struct made_code *code);
bool module_table_is_code(const struct recorder *r, uint32_t id);
void module_table_finish(struct recorder *r);

/* ---- finish.c ---- */
uint64_t finish_cpu_ns(void); /* that the recorder took so far */
/*
 * The recording is over: health, summary, symbols, index. What the processes
 * published was read already. Fills the figures of `ret`.
 */
struct control_message;
/* Health and summary as of now, into `w`. */
void finish_write_figures(const struct recorder *r, struct writer *w);
void finish_file(struct recorder *r, struct control_message *ret);

/* ---- keyframe.c ---- */
/* Between two rounds: writes a keyframe if it is worth it, or the one that the capture begins with. */
void keyframe_maybe(struct recorder *r);
/* The recording ends while it was still to begin: says so; nothing is in it. */
void keyframe_missed(struct recorder *r);
/* A new piece of the capture begins with what lives now; when that is. The batch is empty. */
uint64_t keyframe_begin_piece(struct recorder *r);

/* ---- names.c ---- */
/* Looks up the names of all frames and writes them, with what there is to say of that. */
void names_write(struct recorder *r);

/* ---- merge.c ---- */
/* Writes the events of `p` up to p->limit; all of them when `final`. */
void merge_process(struct recorder *r, struct process *p, bool final);

/* ---- round.c ---- */
/* One round. True: there is more to read right now. *ret_events: how many were read. */
bool round_run(struct recorder *r, uint64_t *ret_events);
/* Reads and writes everything of the program that runs in `p`, which runs no more. */
void round_drain(struct recorder *r, struct process *p);
/*
 * Closes the segment: no process publishes more than one event a thread from now on. Reads and
 * writes what they have published, as far as its order is known.
 */
void round_close(struct recorder *r);

/* ---- sandbox.c ---- */
/* enum shm_sandbox: what the kernel says of that thread. */
uint32_t sandbox_of(uint32_t pid, uint32_t tid);

/* ---- sample.c ---- */
void sample_memory(struct recorder *r);
/* comm of the thread as the kernel has it; "" when it is gone. */
void sample_thread_name(uint32_t pid, uint32_t tid, char name[SHM_NAME_BYTES]);
/* Gives the memory of chunks that are free back to the system. */
void sample_trim(struct recorder *r);
/*
 * Processes that were started with our environment since `pid` was and never
 * attached: between fork and exec, or not recordable. At most `max` pids.
 */
size_t sample_strangers(struct recorder *r, const char *environment, uint32_t pid, uint32_t *pids,
			size_t max);

#endif
