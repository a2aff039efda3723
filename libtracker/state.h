/*
 * state - what libtracker knows about the process and the thread it runs in.
 *
 * Inside the target: everything below is static, mapped or in shared memory; nothing comes from the heap. Hooks begin
 * with thread_enter and end with thread_leave. If a signal handler allocates between the two, it gets the next level,
 * i.e. a stream of its own. So no event is ever written into the middle of another.
 */
#ifndef STATE_H
#define STATE_H

#include "arch.h"
#include "format/shm.h"
#include "format/wire.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define EXPORT __attribute__((visibility("default")))
#define THREAD_LEVELS 3

/* Room for the slow half of unwinding, kept off the program's stack. */
struct cfi_row {
	struct {
		uint8_t how; /* enum cfi_how */
		int64_t value; /* offset, register, or address of an expression */
	} cfa, reg[REG_COUNT];
	uint8_t cfa_reg;
};

#define CFI_REMEMBERED 8

struct cfi_scratch {
	struct cfi_row row, initial, remembered[CFI_REMEMBERED];
	uintptr_t regs[REG_COUNT], next[REG_COUNT];
};

/* How to step over a frame: see rules.h. */
struct rule_step {
	int32_t cfa_offset;
	arch_offset bp_offset;
	uint8_t kind, bp; /* enum rule_kind, enum rule_bp */
	struct arch_ra ra;
};

/* What a walk knew at a frame, and how it went on from there. */
struct walked {
	uintptr_t sp, bp;
	union {
		struct rule_step step;
		uint32_t packed; /* in a comparison: memo.c */
	};
};

/* A stack word on which a remembered walk depended, besides the return addresses. */
struct slot {
	uintptr_t address, value;
	uint32_t frame; /* whose step read it */
};

/* The last stack, oldest frame first, as memo.c remembers it in addition to `sent`. */
struct memo {
	uint32_t depth; /* 0: nothing is remembered */
	uint32_t slot_count;
	uint32_t guessed_from; /* so many frames include one that was left by its frame pointer; 0: none was */
	bool deep; /* the oldest frame is the mark of a cut: the stack is deeper than the frames that are kept */
	uintptr_t *sp, *bp;
	uintptr_t *place; /* where the frame's return address stands; unused if that is always below sp: memo.c, place_of */
	uint8_t *needs_bp; /* this frame or an older one would read bp as it is here */
	uint32_t *packed; /* the rule that it was left by: rules.h */
	struct slot *slots; /* by frame, oldest first */
};

/* A frame below which the older ones have been counted. */
struct counted {
	uintptr_t pc, sp, bp;
	uint32_t older; /* with itself */
};

#define COUNTED_MAX 128u

/* One stream of events: a thread, at one level. Private to the process; never freed, reused. */
struct thread {
	struct shm_thread *slot;
	struct shm_chunk *chunk;
	uint8_t *at, *end; /* the free part of the chunk */
	struct wire_state last; /* the wire's deltas count from these */
	uint64_t lost; /* dropped since the last gap record */
	uint32_t slot_index, sequence;
	uint32_t index; /* of this context */
	uint32_t code_generation;
	uint32_t sent_depth;
	uint32_t kept; /* so many of the oldest frames of `sent` stand where they stood at the last stack */
	uint32_t end_rounds; /* of key destructors seen */
	uint32_t level;
	uint32_t recording; /* number of the recording that it is a stream of */
	uint32_t settled; /* the same, or no recording's, nor 0: its thread's end would not be told yet */
	uintptr_t frame; /* of the hook that is at work here; 0: none is */
	struct contexts *of; /* where it was claimed: thread.c */
	bool memorable; /* the present walk may be remembered */
	bool guessed; /* ... it used frame pointers of code without unwind information, somewhere */
	bool deep; /* ... its stack is deeper than the frames that are kept */
	uintptr_t mark; /* ... and its oldest frame, which says how much deeper: see wire.h */
	bool objects_began; /* from the present stack on, objects of Python are recorded instead of arenas */
	bool no_python; /* ... a signal interrupted it, or it was hard to walk: functions of Python may not be read */
	uint32_t shown; /* number + 1 of the known stack that the recorder takes for this thread's; 0: it is `sent` */
	uint32_t to_define; /* number + 1 of the known stack that `sent` is, which the recorder was not told yet; 0: none */
	struct known *known; /* known.c */
	uint32_t known_waits; /* so many stacks are still not looked for among the known ones */
	bool forget_stack; /* the recorder's copy of the stack must be sent anew */
	uint8_t begun; /* WIRE_REALLOC_BEGIN or WIRE_MREMAP_BEGIN, if that was sent and its end was not */
	int errno_before; /* the fork that the thread is in */
	bool orphan; /* the parent's: a hook that a forking handler interrupted still writes to it */
	uintptr_t stack_top; /* of the thread's own stack */
	struct python_thread *python; /* the stack with functions of Python, which is sent instead; NULL: there are none */
	uintptr_t *sent; /* last stack sent, oldest first */
	uintptr_t *walk; /* the stack being walked, most recent first */
	struct walked *walked; /* beside walk */
	uintptr_t *found; /* pcs in the places of remembered frames, oldest first */
	struct memo memo;
	struct counted counted[COUNTED_MAX]; /* of the thread's own stack, oldest first */
	uint32_t counted_count;
	uintptr_t *check[SHM_ORACLES]; /* the same stack as the oracles see it; only when they are asked */
	uint32_t doubt; /* rules that were made anew without success: unwind.c */
	uint32_t until_check; /* so many stacks until the next comparison */
	struct cfi_scratch cfi;
};

/* How a stack differs from the last one: frames that went from its top, and frames that came, which stand before `end`, oldest first. */
struct change {
	const uintptr_t *end;
	uint32_t pops, pushes;
};

struct tracker_tls {
	struct thread *threads[THREAD_LEVELS];
	uintptr_t real_frame; /* frame of the hook whose real function runs: calls of hooks below it are that function's own */
	uintptr_t claiming; /* frame of the hook that is getting a stream, or was last */
	int64_t until_sample; /* so many bytes are asked for until an allocation is recorded; 0: not drawn yet; sample.h */
	uint32_t skipped; /* allocations that were not recorded since the event of the last one that was */
	uint16_t level;
	uint16_t drawn_for; /* the low bits of the number of the recording for which until_sample and skipped count */
	uint32_t tid;
	uint32_t fork; /* number of the fork that this thread is in; 0: none, or nothing is inherited: forking.c */
	char name[SHM_NAME_BYTES]; /* given before the first event; "" none */
};

extern __thread struct tracker_tls tls __attribute__((tls_model("initial-exec")));

/* The parts in which the segment is mapped: 1 MiB of chunks, 256 KiB of thread slots. */
#define SEGMENT_CHUNKS 256u
#define SEGMENT_CHUNK_PIECES (SHM_CHUNKS / SEGMENT_CHUNKS)
#define SEGMENT_THREADS 2048u
#define SEGMENT_THREAD_PIECES (SHM_THREADS / SEGMENT_THREADS)

/*
 * Frozen while a recording goes on, and most of it after the first one has begun. Exceptions: fork (one thread then), `on`, which any
 * thread may end, and the parts of the segment.
 */
struct tracker_state {
	volatile bool on; /* recording: everything below is valid */
	bool foreign_allocator; /* the real malloc is not libc's: it may call the hook of mmap */
	bool reference_unwinder, verify_unwinder;
	bool looks; /* the recorder may look at the memory */
	bool sandboxed; /* the program has begun to forbid itself system calls */
	bool announce_modules; /* a forked child: the recorder knows none of its modules yet */
	uint64_t sample_bytes; /* mean distance of recorded allocations; 0: all are, or `on` is not set */
	uint32_t nframe; /* the most recent frames that are kept of a stack, ... */
	uint32_t nframe_slack; /* ... and up to so many more: see fits() in unwind.c */
	/*
	 * The number of the recording, or of the pause after it; wiped to 0 in a child by MADV_WIPEONFORK, as are the words behind it: those of
	 * dormant.c.
	 */
	const volatile uint32_t *fork_page;
	uint32_t recording; /* the same number; children keep it */
	_Atomic uint32_t chunk_words; /* words of the chunk bitmap whose chunks are mapped */
	struct shm *shm; /* up to the process slots; the rest is mapped in parts: segment.h */
	_Atomic(struct shm_chunk *) chunk_pieces[SEGMENT_CHUNK_PIECES];
	_Atomic(struct shm_thread *) thread_pieces[SEGMENT_THREAD_PIECES];
	struct shm_process *process;
	struct python *python; /* CPython was met; NULL: it was not */
	uint32_t process_slot;
	uint32_t pid; /* as the recorder sees it */
	bool pid_is_foreign; /* getpid says another number: the process lives in a PID namespace of its own */
	bool pid_was_told; /* told by the recorder; the /proc that the process sees is not the recorder's */
	bool follow; /* programs that are executed from here shall find the recorder */
	uint64_t segment_inode; /* 0: System V */
	const char *own_path; /* the path of this library, as the dynamic linker has it */
	uintptr_t loader, loader_bytes; /* where the dynamic loader lies */
	uintptr_t main_stack_top;
	uint64_t bases[2]; /* of pcs on the wire: where libraries lie, and the executable */
	uintptr_t own_stack_max; /* so far below a thread's stack_top lies its own stack; farther, a coroutine's */
	_Atomic uint32_t code_generation; /* changes when code was unloaded */
	_Atomic uint32_t stuck_progress; /* recorder's progress when this process gave up waiting for it, + 1 */
	_Atomic uint32_t unanswered_progress; /* recorder's progress when it did not answer a thread about its sandbox, + 1 */
	_Atomic uint32_t barren_freed; /* chunks_freed when this process gave up waiting for other threads, + 1 */
	const char *executable;
	const void *program_headers; /* of the main program, in its memory */
	unsigned program_header_count;
};

extern struct tracker_state state;

/*
 * The most words besides return addresses that a frame's step reads and the memo keeps; and for how many a thread has
 * room.
 */
#define SLOTS_OF_A_FRAME 2u

static inline uint32_t memo_slots(void)
{
	return state.nframe + state.nframe_slack + 2u;
}

#endif
