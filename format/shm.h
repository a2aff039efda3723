/*
 * shm - the shared memory between a target and its recorder.
 *
 * One sealed memfd per recording, mapped by the recorder and by every process
 * of the tree. The target only adds: it claims slots and chunks with atomics,
 * fills chunks and publishes how far it got. The recorder takes away: it reads
 * what was published and gives slots and chunks back. To the recorder all of it
 * is untrusted input: it copies before it looks and checks every index.
 *
 *   header, states of slots, chunk bitmap, executions, lives, questions | process slots | thread slots | chunks
 *
 * A target maps the first part, which is small, the page of its own process slot, the thread slots that it
 * uses and the first chunks; more chunks, piece by piece, when those are all in use: programs limit
 * their address space and lock their memory. What a target looks for among all slots lies in the
 * first part, therefore.
 *
 * Life of a thread slot:  FREE -(target, CAS)-> CLAIMED -(target fills it)-> LIVE
 *   -(target, thread ends)-> EXITED -(recorder, when drained)-> FREE.
 * A process slot likewise; when a process is gone the recorder ends its threads. A
 * program that takes a process slot numbers itself: slots are reused, so only
 * the numbers tell in which order programs came.
 *
 * Chunks of a thread form a chain: slot.first_chunk, then chunk.next. Numbers of
 * chunks are stored + 1, so that 0 means none. The target sets `next` of a full
 * chunk after it has claimed the next one; the recorder, when it has read a
 * chunk to its committed end and next is set, clears its bit in the bitmap.
 */
#ifndef TRK_SHM_H
#define TRK_SHM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define SHM_MAGIC 0x6d68732d6b7274ull /* "trk-shm" */
#define SHM_VERSION 23u
#define SHM_PAGE_MOST 65536u /* bytes of a page of a processor with large pages: each part that is mapped by itself begins on one */

/* 70 MiB of addresses in the recorder, of which only the used part is ever touched. A live thread holds a chunk. */
#define SHM_CHUNK_BYTES 4096u
#define SHM_CHUNKS 16384u
#define SHM_THREADS 16384u
#define SHM_PROCESSES 1024u
#define SHM_COMMAND_BYTES 2800u
#define SHM_PROGRAM_BYTES 64u
#define SHM_EXECUTABLE_BYTES 768u
#define SHM_NAME_BYTES 16u
#define SHM_LIBC_BYTES 16u
#define SHM_TITLE_BYTES 128u

/*
 * Environment of a recorded program: "/proc/PID/fd/N" of the recorder's memfd, or,
 * where a limit on file sizes forbids one, "sysv:ID" of System V shared memory. A program
 * that cannot get there (another /proc, another user) is executed with a descriptor of the
 * memfd and "fd:N:RECORDING:PID": header.recording in 16 hexadecimal digits, and its own pid as
 * the recorder sees it, 0 if nobody knows. It closes N and goes on with the usual name.
 */
#define SHM_ENV "TRACKER_SHM"
#define SHM_SYSTEM_V "sysv:"
#define SHM_DESCRIPTOR "fd:"
/* In front of the name of a control page: the program is dormant (control_page.h). */
#define SHM_DORMANT "dormant:"

enum shm_state { SHM_FREE = 0,
		 SHM_CLAIMED = 1,
		 SHM_LIVE = 2,
		 SHM_EXITED = 3 };

/*
 * Whether a thread may make libtracker's system calls: a program may have closed a sandbox that kills it for one.
 * Asking the kernel would itself be one, so the thread asks the recorder, which looks into /proc.
 */
enum shm_sandbox { SHM_SANDBOX_UNKNOWN = 0,
		   SHM_SANDBOX_ASKED = 1 /* by the target */,
		   SHM_SANDBOX_NONE = 2,
		   SHM_SANDBOX_CLOSED = 3 };

enum shm_origin { SHM_ATTACHED = 0 /* started or exec'd: constructor ran */,
		  SHM_FORKED = 1 };

/* Ids in a PID namespace that is not the recorder's. */
enum shm_inner { SHM_INNER_NONE,
		 SHM_INNER_ALL,
		 SHM_INNER_TIDS /* of all threads but the first; the pid was told */ };

/* Options of the recording, fixed before the target starts. */
#define SHM_NO_FOLLOW_FORK 0x1u
#define SHM_NO_FOLLOW_EXEC 0x2u
#define SHM_UNWIND_LIBUNWIND 0x4u /* a reference backend instead of libtracker's walk */
#define SHM_VERIFY_LIBUNWIND 0x8u /* libtracker's walk, and every 37th stack by this or the next, too: counts differences */
#define SHM_VERIFY_LIBGCC 0x10u
#define SHM_OWN 0x20u /* the program has started the recorder itself: its environment has nothing of tracker */
#define SHM_CHECK_FREE 0x40u /* every release asks first whether it may be: SHM_ASK_FREE */
#define SHM_RELEASE_STACKS 0x80u /* every release tells first where it was called: TRK_RELEASING */
#define SHM_LOOKS 0x100u /* the recorder may look at the program's memory (docs/LOOK.md) */
#define SHM_LOOK_AT_END 0x200u /* ... and does, when the program ends: SHM_ASK_LOOK */
#define SHM_LOOK_AT_MARKS 0x400u /* ... and at every mark */
#define SHM_LOOK_UNJUDGED 0x800u /* ... but nobody asks which blocks can be reached, only what the memory consists of */
#define SHM_LOOK_CONTENTS 0x1000u /* ... and which blocks are equal */
#define SHM_KEEPS 0x2000u /* annotations ask whether the object stays when it is released: SHM_CLASS_KEPT */
#define SHM_PYTHON_MALLOC 0x4000u /* PYTHONMALLOC=malloc is tracker's, in the environment of every program that had none */
#define SHM_PYTHON_OBJECTS 0x8000u /* in a program that runs already, CPython's own functions are replaced (python_objects.c) */

#define SHM_KEEP_LIMIT (64ull << 20)
#define SHM_SAMPLE_BYTES_MAX (1ull << 40)

/* What `tracker run` asks of the hooks, fixed before the target starts; all 0: nothing. */
struct shm_asked {
	uint64_t alarm_blocks; /* the smallest allocation that sets it off; 0: no alarm */
	uint64_t alarm_ignore;
	uint64_t fail_after, fail_seed, fail_rate; /* rate: of 2^64 */
	uint64_t keep_limit; /* bytes of objects that stay when they are released, in each process; 0: SHM_KEEP_LIMIT */
	uint8_t alarm_action, alarm_scope, alarm_repeat; /* the first two: enums of tracker.h */
	uint8_t fail_ends; /* after fail_after allocations all fail */
	uint8_t pad[12];
};

struct shm_header {
	uint64_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t nframe; /* so many of the most recent frames are kept of a stack */
	uint32_t stall_ms; /* longest wait for a free chunk while the recorder makes no progress */
	uint64_t start_mono_ns; /* CLOCK_MONOTONIC when the capture began */
	uint64_t sample_bytes; /* mean distance of sampled allocations; 0: all are recorded */
	uint64_t recording; /* a random number, by which the segment of one recording is not taken for another's */
	/* The program that was started, as the recorder sees it; 0: it has ended, its pid may be another's. */
	_Atomic uint32_t program_pid;
	uint8_t pad0[4];
	uint64_t pointer_mask; /* of looks: the bits of a word that are part of an address; 0: all */

	/* Written by the recorder only. */
	_Alignas(64) _Atomic uint64_t clock_ns; /* coarse time since start; events read it with one load */
	_Atomic uint32_t progress; /* moves in each round, and during long ones; if it stands still, the recorder is stopped or dead */
	_Atomic uint32_t closed; /* 1: recording is over, record nothing; clock_ns moves once more after it */
	uint64_t mount_namespace, root_inode; /* of the recorder, fixed: where it finds files; 0: unknown */
	/* At most so many may be in use, and one more for each thread, which holds one; 0: all. It never rises. */
	_Atomic uint32_t chunk_limit;
	uint32_t chunks_used; /* for the recorder: no chunk at or above was given back since it gave memory back */
	_Atomic uint32_t rounds; /* counts those that look for chunks to give back */
	uint8_t pad1[20];

	/* Written by targets. */
	_Alignas(64) _Atomic uint32_t chunks_freed; /* futex: the recorder adds 1 and wakes when somebody waits */
	_Atomic uint32_t chunk_waiters;
	_Atomic uint32_t thread_high; /* slots at and above were never claimed */
	_Atomic uint32_t process_high;
	_Atomic uint64_t attach_failures; /* processes or threads that found no slot */
	_Atomic uint64_t programs; /* how many took a process slot: the next one's number */
	_Atomic uint32_t forks; /* that a child inherits from: the last one's number */
	uint32_t pad2;
	_Atomic uint64_t stood_still; /* the recorder's progress when somebody waited for it in vain, with bit 32 set; 0: nobody has */
	uint8_t pad3[16];

	_Alignas(64) struct shm_asked asked;
};

/*
 * Executions that are under way. A process that is about to execute a program takes an entry, FREE -(CAS)-> CLAIMED
 * -> LIVE, and gives it back if that fails. The recorder gives back entries whose process attached; a process that
 * ends instead was not recorded. Until it is LIVE, an entry may carry a request for the segment: the recorder fetches
 * `fd`, a socket, from the process, and sends the memfd and the process's pid there.
 */
#define SHM_EXECS 256u
#define SHM_EXEC_PATH_BYTES 200u
#define SHM_WAY_BYTES 64u

enum shm_request { SHM_REQUEST_NONE,
		   SHM_REQUEST_MADE,
		   SHM_REQUEST_REFUSED };

#define SHM_EXEC_INNER_PID 0x1u /* the pid is of a PID namespace that is not the recorder's */
#define SHM_EXEC_NO_WAY 0x2u /* the recorder cannot be found from there, and has not answered */
#define SHM_EXEC_NO_LIBRARY 0x4u /* libtracker.so cannot be found from there */

struct shm_exec {
	_Alignas(64) _Atomic uint32_t state; /* enum shm_state */
	uint32_t pid; /* of the process that executes; while a request is made, of the one that asks */
	uint32_t flags; /* SHM_EXEC_* */
	uint32_t process; /* slot of the program that executes or starts it */
	uint64_t number; /* so many programs had taken a slot before it */
	uint32_t serial; /* counts the executions for which this entry was taken */
	_Atomic uint32_t request; /* enum shm_request */
	int32_t fd; /* of the request */
	uint64_t inode; /* of the socket there */
	char path[SHM_EXEC_PATH_BYTES]; /* NUL-terminated */
};

struct shm_execs {
	char way[SHM_WAY_BYTES]; /* the usual value of SHM_ENV */
	_Atomic uint32_t high; /* entries at and above were never claimed */
	_Atomic uint32_t untold; /* executions that found no entry */
	struct shm_exec entries[SHM_EXECS];
};

/* Why a stack lacks its oldest frames. */
enum shm_cut {
	SHM_CUT_DEPTH, /* deeper than nframe */
	SHM_CUT_NO_INFO, /* code without unwind information: JIT, assembly */
	SHM_CUT_RULE, /* unwind information that libtracker cannot follow */
	SHM_CUT_STACK, /* it led out of the stack */
	SHM_CUTS,
};

/* The unwinders with which libtracker's is compared. */
enum shm_oracle { SHM_ORACLE_LIBUNWIND,
		  SHM_ORACLE_LIBGCC,
		  SHM_ORACLES };

struct shm_process {
	/*
	 * Order of events: a biased epoch, (epoch << 16 | owner thread slot). A
	 * thread that finds itself the owner is ordered by (epoch, its program
	 * order) without a write; otherwise it takes over with a compare-and-swap
	 * to (epoch + 1, itself). So every epoch belongs to one thread, epochs
	 * are dense, and (epoch, program order) is a total order consistent with
	 * happens-before, on any processor.
	 */
	_Alignas(64) _Atomic uint64_t order;
	_Alignas(64) uint32_t pid;
	uint32_t ppid;
	uint32_t parent_pid; /* of the forking process; 0: attached */
	uint32_t origin; /* enum shm_origin */
	uint32_t inner; /* enum shm_inner */
	uint32_t command_bytes;
	uint64_t number; /* so many programs took a slot before this one */
	uint64_t parent_number; /* of the program that forked */
	/*
	 * Of the fork that made the process (WIRE_FORK): it inherits what was kept there. 0: it inherits nothing; SHM_FORK_UNSEEN: it does,
	 * but no hook saw the fork.
	 */
	uint32_t fork;
	uint64_t start_ns; /* since the capture began */
	_Atomic uint64_t modules_lost; /* module records that found no room */
	_Atomic uint64_t guessed_stacks; /* walks that went on by a frame pointer where there was no unwind information */
	_Atomic uint64_t truncated_stacks[SHM_CUTS]; /* by why their walk was not finished */
	/*
	 * How often the program's limits left no room for more chunks; and how many larger tables found no room
	 * because of them or of its sandbox.
	 */
	_Atomic uint32_t chunks_refused, tables_refused;
	/* SHM_VERIFY_*: stacks that an oracle walked, too; stacks that equal no oracle's; stacks by oracle. */
	_Atomic uint32_t verified_stacks, differing_stacks;
	_Atomic uint32_t compared[SHM_ORACLES], differing[SHM_ORACLES];
	_Atomic uint32_t oracles_differ; /* from each other */
	_Atomic uint32_t notices; /* SHM_NOTICE_* */
	_Atomic uint32_t python; /* of CPython, enum trk_python, and from bit 8 on the minor version; 0: none was met */
	_Atomic uint32_t python_unplaced; /* stacks of which functions of Python were left out, because it is not proved where they stand */
	_Atomic uint32_t python_unknown; /* places in functions of Python that could not be told */
	_Atomic uint32_t arena_look; /* 1: it waits for the recorder to look at its arenas, which sets 0 */
	_Atomic uint32_t modules_seen; /* counted by the recorder, of those that the program told */
	_Atomic uint32_t code_seen; /* the recorder knows of code in no file, and has looked for the program's description of it */
	/* For looks; 0: none is taken. Addresses in the program: look_mark.c, a system call, the end of a stack for the two. */
	uint64_t look_code, look_call, look_stack;
	uint64_t own_start; /* libtracker's own mappings lie in the SHM_OWN_SPAN bytes from there; 0: anywhere */
	uint32_t foreign_allocator; /* 1: the malloc behind the hooks is not the C library's */
	/*
	 * What it calls itself: the name that its first thread gave itself; and its first argument as it stands in memory when the
	 * process ends, because programs write their titles there. "": it did not; it has not ended.
	 */
	char named[SHM_NAME_BYTES], title[SHM_TITLE_BYTES];
	char libc[SHM_LIBC_BYTES]; /* "glibc 2.36" */
	char program[SHM_PROGRAM_BYTES]; /* base name of what was executed: sh, where that is a link to dash */
	char executable[SHM_EXECUTABLE_BYTES]; /* path of the file; all NUL-terminated */
	char command[SHM_COMMAND_BYTES]; /* arguments, each ended by a NUL; command_bytes of it */
};

#define SHM_FORK_UNSEEN UINT32_MAX
#define SHM_OWN_SPAN (1ull << 37)

#define SHM_NOTICE_OWN_MALLOC 0x1u /* the executable's own malloc bypasses the hooks */
#define SHM_NOTICE_NO_MEMORY 0x2u /* could not map private memory: threads unrecorded */
#define SHM_NOTICE_OTHER_SCOPE 0x4u /* dlmopen or RTLD_DEEPBIND: some modules may bypass the hooks */
#define SHM_NOTICE_SANITIZER 0x8u /* its malloc is a sanitizer's: nothing is recorded */
#define SHM_NOTICE_PYTHON_ARENAS 0x10u /* SHM_PYTHON_OBJECTS, and objects are not recorded */

#define SHM_IDLE UINT64_MAX

struct shm_thread {
	_Alignas(64) _Atomic uint32_t sandbox; /* enum shm_sandbox */
	uint32_t process; /* slot */
	uint32_t tid;
	_Atomic uint32_t first_chunk; /* + 1; 0: none yet */
	/*
	 * SHM_IDLE, or the epoch that the order word had when this thread began
	 * to publish an event: its stamp will not be smaller. A store and a load
	 * (no fence): the recorder issues the heavy side of the fence (membarrier).
	 */
	_Atomic uint64_t busy;
	_Atomic uint64_t lost; /* events dropped so far */
	_Atomic uint64_t stalls; /* times it had to wait for a chunk */
	_Atomic uint64_t stalled_ns; /* how long, by the recorder's clock, or by the number of waits while that stands still */
	uint64_t start_ns;
	_Atomic uint32_t name_version; /* odd while name is being written */
	char name[SHM_NAME_BYTES];
	uint64_t bases[2]; /* of the pcs in its records: wire.h */
	_Atomic uint64_t moving; /* where looks may be taken: the block that its realloc is moving; 0: none */
};

/*
 * How a process ended: its pid (because slots are reused), who told it, and a status as wait has it. A process tells
 * how it is about to end; its parent knows how it ended.
 */
#define SHM_END_SAID 0x10000u
#define SHM_END_WAITED 0x20000u
#define SHM_END(pid, said, status) ((uint64_t)(pid) << 32 | (said) | ((status)&0xffffu))

/*
 * The slot of a process that has waited for another one, and the epoch of its order word, which belongs to nobody from
 * then on.
 */
#define SHM_WAITED(epoch, slot) ((uint64_t)(epoch) << 16 | 0x8000u | (slot))
#define SHM_WAITED_SLOT(waited) ((uint32_t)(waited)&0x7fffu)
#define SHM_WAITED_EPOCH(waited) ((waited) >> 16)
#define SHM_NOBODY 0xffffu /* no thread's slot, in the order word */

/* What other processes know about the process in a slot. */
struct shm_life {
	_Atomic uint32_t pid; /* as in the slot; 0: none is there */
	uint32_t inner_pid; /* 1: that is not the recorder's number */
	uint32_t own_pid, own_parent; /* as the process itself sees them: different in a PID namespace */
	/*
	 * Programs with this number less 1, and greater ones, started after the process was over; 0: nobody has
	 * noticed yet. The first to know writes it: the process itself, its parent, or a program that starts.
	 */
	_Atomic uint64_t over;
	_Atomic uint64_t end; /* SHM_END of how it ended; 0: nobody has told */
	_Atomic uint64_t waited; /* SHM_WAITED: the parent's events of later epochs came after the end; 0: nobody has waited */
};

/*
 * The greeting of a recorder that a program has started for itself, over the socket that it was started with. The
 * descriptor of the memfd comes with it.
 */
struct shm_hello {
	int32_t error; /* errno; 0: all is well */
	uint64_t recording; /* as in the header */
	char name[SHM_WAY_BYTES]; /* the usual value of SHM_ENV */
};

/*
 * A question of a thread to the recorder (tracker.h). The thread takes an entry, FREE -(CAS)-> CLAIMED, which names its process in the same
 * word: if that ends, the recorder gives the entry back, whatever else was written by then. It writes the
 * question, and sends a record (WIRE_QUESTION) that names the entry. That record has its place in the order of
 * events, so the answer counts everything before it and nothing after it. The recorder writes the answer and sets
 * ANSWERED; the thread reads it and sets FREE. A thread that gives up sets LEFT, and the recorder sets FREE when the
 * record comes.
 */
#define SHM_QUESTIONS 16u
#define SHM_ANSWER_BYTES 3936u
#define SHM_TEXT_BYTES 1024u /* of a question */

enum shm_question_state { SHM_QUESTION_FREE,
			  SHM_QUESTION_CLAIMED,
			  SHM_QUESTION_ANSWERED,
			  SHM_QUESTION_LEFT };
#define SHM_QUESTION(state, slot) ((uint32_t)(slot) << 2 | (state)) /* slot: of the asker; FREE is 0, of nobody */
#define SHM_QUESTION_STATE(word) ((word)&3u)
#define SHM_QUESTION_SLOT(word) ((word) >> 2)

enum shm_what {
	SHM_ASK_START, /* given: frames. figures: frames that are kept. Begins to trace the process, or goes on */
	SHM_ASK_STOP, /* ... and forgets all traces */
	SHM_ASK_RESET_PEAK,
	SHM_ASK_MEMORY, /* given: domain, or SHM_ALL_DOMAINS. figures: bytes now, at the peak */
	SHM_ASK_COST, /* figures: bytes of memory that the recorder needs for it */
	SHM_ASK_LOST, /* figures: events that were lost since START */
	SHM_ASK_BLOCK, /* given: domain, address. figures: address, size, node, frames kept, frames in all */
	SHM_ASK_FRAMES, /* given: node, how many to skip. answer: count times struct shm_frame, most recent first */
	SHM_ASK_MODULE, /* given: module. answer: its path. figures: bytes of its build-id, and these, if they are at most SHM_BUILD_ID_BYTES */
	SHM_ASK_SNAPSHOT, /* figures: its number */
	SHM_ASK_SNAPSHOT_FILE, /* given: its number. answer: the path of a capture that can be opened until ... */
	SHM_ASK_SNAPSHOT_DONE, /* given: its number */
	SHM_ASK_CAPTURE, /* given: descriptor in the program, frames, SHM_CAPTURE_*, ns between samples. figures: an errno, if it is not begun */
	SHM_ASK_CAPTURE_END, /* figures: an errno, if its file is not whole */
	/*
	 * given: address, enum trk_kind of the call that is about to release it. figures: size, then nodes: of this call, of the
	 * allocation, of the earlier release, each 0 where it is not known; frames to show; enum shm_bad_free. TRACKER_OK: it may be.
	 */
	SHM_ASK_FREE,
	SHM_ASK_SURVIVORS, /* of the capture that ended last. figures: number of a snapshot of them */
	SHM_ASK_MODULE_FILE, /* given: module. answer: the path of the file that was mapped, in the recorder's part of /proc */
	/*
	 * given: enum shm_why; the answer's bytes hold a label of `count` bytes. figures: pid of a child that is to be waited for,
	 * 0: none; 1: the memory was looked at; bytes and blocks that are definitely lost; the same for indirectly lost ones.
	 */
	SHM_ASK_LOOK,
	/*
	 * given: enum trk_class_op with its options, or enum shm_class; the block's address. Of a snapshot: bytes that malloc has in use,
	 * free, mapped singly. The answer's bytes hold the label. figures: pid of a child that is to be waited for, 0: none.
	 */
	SHM_ASK_CLASS,
	SHM_ASK_FUNCTION, /* given: module, offset. answer: name and file of a function of Python, with a 0 between. figures: line. TRACKER_ENOENT: it is none */
	SHM_ASKS,
};

#define SHM_ALL_DOMAINS UINT64_MAX
/*
 * So many frames more than a program asks for are kept of the stacks of its traces and captures. Readers count the
 * frames that were asked for behind those of allocators, which can be told only by their names.
 */
#define SHM_FRAMES_MORE 32u
#define SHM_FRAMES_PYTHON 8u /* native frames, at most, for a function of Python and with it: readers leave them out */
#define SHM_BUILD_ID_BYTES 40u /* in an answer */

enum shm_bad_free { SHM_FREED_TWICE = 1,
		    SHM_FREED_NOTHING, /* no block begins there */
		    SHM_FREED_OTHERWISE /* malloc and delete, new and free */ };

/* Why a look is taken. Also in files: docs/FORMAT.md, "LOOK". */
enum shm_why { SHM_WHY_END,
	       SHM_WHY_MARK,
	       SHM_WHY_QUESTION,
	       SHM_WHY_CLASSES, /* with references; never asked by SHM_ASK_LOOK */
	       SHM_WHYS };

/* Of SHM_ASK_CLASS, what is no operation of a file. */
enum shm_class { SHM_CLASS_PERIODIC = 0x40, /* given: ns between snapshots; 0: none any more */
		 SHM_CLASS_DUMP = 0x41, /* given: a descriptor in the program, to which the recording is copied */
		 SHM_CLASS_KEPT = 0x42 /* given: address of a block, text: its type. figures: 1: it is to be kept; its size */ };

#define SHM_CAPTURE_AGGREGATED 0x1u
#define SHM_CAPTURE_UNPACKED 0x2u
#define SHM_CAPTURE_FOLLOWS_FORK 0x4u
#define SHM_CAPTURE_OVERWRITES 0x8u

struct shm_frame {
	uint64_t offset; /* in the module's addresses; the pc if the frame is in no module */
	uint32_t module; /* 0: none */
	uint32_t pad;
};

struct shm_question {
	_Alignas(64) _Atomic uint32_t state; /* SHM_QUESTION; futex of the asker */
	uint32_t what; /* enum shm_what */
	int32_t result; /* enum tracker_error */
	uint64_t given[4], figures[6];
	uint32_t count; /* of frames, or bytes, in answer */
	uint32_t pad[15];
	uint8_t answer[SHM_ANSWER_BYTES];
};

struct shm_questions {
	_Alignas(64) _Atomic uint32_t asked; /* futex of the recorder: how many were asked so far */
	struct shm_question entries[SHM_QUESTIONS];
};

struct shm_chunk {
	_Atomic uint32_t next; /* + 1; 0: still the last one */
	_Atomic uint32_t committed; /* bytes of payload that are whole events */
	uint32_t thread; /* slot */
	uint32_t sequence; /* of this chunk in its thread's chain */
	uint8_t payload[SHM_CHUNK_BYTES - 16];
};

#define SHM_PAYLOAD_BYTES (SHM_CHUNK_BYTES - 16u)
#define SHM_BITMAP_WORDS (SHM_CHUNKS / 64u)

/* clang-format off */
#define SHM_HEAD                                                                                             \
	struct shm_header header;                                                                            \
	_Atomic uint8_t process_states[SHM_PROCESSES], thread_states[SHM_THREADS]; /* enum shm_state */      \
	_Alignas(64) _Atomic uint64_t chunk_bitmap[SHM_BITMAP_WORDS]; /* 1: in use */                        \
	struct shm_execs execs;                                                                              \
	struct shm_life lives[SHM_PROCESSES];                                                                \
	struct shm_questions questions;
/* clang-format on */

struct shm_head {
	SHM_HEAD
};

/*
 * The offset of each part is a multiple of every processor's page. The address at which a part is mapped is only a
 * multiple of this processor's.
 */
struct shm {
	union {
		struct {
			SHM_HEAD
		};
		uint8_t head[(sizeof(struct shm_head) + SHM_PAGE_MOST - 1) / SHM_PAGE_MOST * SHM_PAGE_MOST];
	};
	struct shm_process processes[SHM_PROCESSES];
	struct shm_thread threads[SHM_THREADS];
	struct shm_chunk chunks[SHM_CHUNKS];
};

_Static_assert(offsetof(struct shm, processes) % SHM_PAGE_MOST == 0 && offsetof(struct shm, threads) % SHM_PAGE_MOST == 0 &&
		       offsetof(struct shm, chunks) % SHM_PAGE_MOST == 0,
	       "parts begin on pages");
_Static_assert(sizeof(struct shm_header) == 256, "layout");
_Static_assert(sizeof(struct shm_exec) == 256, "layout");
_Static_assert(sizeof(struct shm_life) == 40, "layout");
_Static_assert(sizeof(struct shm_question) == 4096, "layout");
_Static_assert(sizeof(struct shm_thread) == 128, "layout");
_Static_assert(sizeof(struct shm_process) == 4096, "one page each, where pages are small");
_Static_assert(sizeof(struct shm_chunk) == SHM_CHUNK_BYTES, "layout");

#endif
