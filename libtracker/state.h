/*
 * state - what libtracker knows about the process and the thread it runs in.
 *
 * Inside the target: everything below is static, mapped or in shared memory;
 * nothing comes from the heap. Hooks begin with thread_enter and end with
 * thread_leave; between the two a signal handler that allocates gets the next
 * level, i.e. a stream of its own, so that an event is never written into the
 * middle of another.
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

/* A stack word that a remembered walk hung on, beside the return addresses. */
struct slot {
	uintptr_t address, value;
	uint32_t frame; /* whose step read it */
};

/* The last stack, oldest frame first, as memo.c remembers it beside `sent`. */
struct memo {
	uint32_t depth; /* 0: nothing is remembered */
	uint32_t slot_count;
	uint32_t guessed_from; /* as many frames as include one that was left by its frame pointer; 0: none was */
	bool deep; /* the oldest frame is the mark of a cut: the stack is deeper than what is kept */
	uintptr_t *sp, *bp;
	uintptr_t *place; /* where the frame's return address stands; unused where it's always below sp: memo.c, place_of */
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
	uint8_t *at, *end; /* of the free part of the chunk */
	struct wire_state last; /* what the wire's deltas are against */
	uint64_t lost; /* dropped since the last gap record */
	uint32_t slot_index, sequence;
	uint32_t index; /* of this context */
	uint32_t code_generation;
	uint32_t sent_depth;
	uint32_t end_rounds; /* of key destructors seen */
	uint32_t level;
	uintptr_t frame; /* of the hook that is, or was last, at work here */
	bool memorable; /* the walk at hand may be remembered */
	bool guessed; /* ... went by frame pointers of code without unwind information, somewhere */
	bool deep; /* ... is of a stack deeper than what is kept */
	uintptr_t mark; /* ... and its oldest frame, which says how much deeper: see wire.h */
	bool forget_stack; /* the recorder's idea of our stack must be sent anew */
	uint8_t begun; /* WIRE_REALLOC_BEGIN or WIRE_MREMAP_BEGIN, when that is sent and its end is not */
	bool orphan; /* of the parent: what a hook that a forking handler interrupted still writes to */
	uintptr_t stack_top; /* of the thread's own stack */
	uintptr_t *sent; /* last stack sent, oldest first */
	uintptr_t *walk; /* the stack being walked, most recent first */
	struct walked *walked; /* beside walk */
	uintptr_t *found; /* pcs in the places of remembered frames, oldest first */
	struct memo memo;
	struct counted counted[COUNTED_MAX]; /* of the thread's own stack, oldest first */
	uint32_t counted_count;
	uintptr_t *check[SHM_ORACLES]; /* the same stack as others see it; only when they are asked */
	uint32_t doubt; /* rules that were made anew in vain: unwind.c */
	uint32_t until_check; /* stacks left before the next comparison */
	struct cfi_scratch cfi;
};

struct tracker_tls {
	struct thread *threads[THREAD_LEVELS];
	uintptr_t real_frame; /* frame of the hook whose real function runs: hooks below it are its own */
	uintptr_t claiming; /* frame of the hook that is, or was last, getting a stream */
	int64_t until_sample; /* bytes to be asked for until an allocation is recorded, 0: not drawn yet; sample.h */
	uint32_t skipped; /* allocations that were not, since the last one's event */
	uint32_t level;
	uint32_t tid;
	char name[SHM_NAME_BYTES]; /* given before the first event; "" none */
};

extern __thread struct tracker_tls tls __attribute__((tls_model("initial-exec")));

/* Pieces in which the segment is mapped: 1 MiB of chunks, 256 KiB of thread slots. */
#define SEGMENT_CHUNKS 256u
#define SEGMENT_CHUNK_PIECES (SHM_CHUNKS / SEGMENT_CHUNKS)
#define SEGMENT_THREADS 2048u
#define SEGMENT_THREAD_PIECES (SHM_THREADS / SEGMENT_THREADS)

/* Frozen after start, but for fork (single-threaded then), for `on`, which any thread may end, and for the pieces. */
struct tracker_state {
	volatile bool on; /* recording: everything below is valid */
	bool foreign_allocator; /* the real malloc is not libc's: it may call mmap through us */
	bool reference_unwinder, verify_unwinder;
	bool sandboxed; /* the program has begun to forbid itself system calls */
	bool announce_modules; /* a forked child: the recorder knows none of its modules yet */
	uint64_t sample_bytes; /* mean distance of recorded allocations; 0: all are, or `on` is not set */
	uint32_t nframe; /* the most recent frames that are kept of a stack, ... */
	uint32_t nframe_slack; /* ... and up to so many more: see fits() in unwind.c */
	const volatile uint8_t *fork_page; /* 1; wiped to 0 in a child by MADV_WIPEONFORK */
	struct shm *shm; /* up to the process slots; the rest is mapped in pieces: segment.h */
	_Atomic(struct shm_chunk *) chunk_pieces[SEGMENT_CHUNK_PIECES];
	_Atomic(struct shm_thread *) thread_pieces[SEGMENT_THREAD_PIECES];
	_Atomic uint32_t chunk_words; /* of the chunk bitmap: what is mapped */
	struct shm_process *process;
	uint32_t process_slot;
	uint32_t pid; /* as the recorder sees it */
	bool pid_is_foreign; /* getpid says another: we live in a PID namespace of our own */
	bool pid_was_told; /* by the recorder; the /proc that we see is not its own */
	bool follow; /* what is executed from here is to find the recorder */
	uint64_t segment_inode; /* 0: System V */
	const char *library; /* our own path, as the dynamic linker has it */
	uintptr_t loader, loader_bytes; /* where the dynamic loader lies */
	uintptr_t main_stack_top;
	uint64_t bases[2]; /* of pcs on the wire: where libraries lie, and the executable */
	uintptr_t own_stack_max; /* so far below a thread's stack_top lies its own stack; farther, a coroutine's */
	_Atomic uint32_t code_generation; /* changes when code was unloaded */
	_Atomic uint32_t stuck_progress; /* recorder's progress when we gave up waiting for it, + 1 */
	_Atomic uint32_t barren_freed; /* chunks_freed when we gave up waiting for other threads, + 1 */
	const char *executable;
	const void *program_headers; /* of the main program, in its memory */
	unsigned program_header_count;
};

extern struct tracker_state state;

/* ---- session.c ---- */
/* Attaches to the recorder named in the environment. Once; from the first hook or the constructor. */
void session_start(void);
/* An allocation has come to us: no malloc of the program's own stands before ours. */
void session_reached(void);
/* First event in a child of fork: become a process of our own. False: it is not to be recorded. */
bool session_forked(void);
/*
 * Called in a child before fork returns. When a handler forked, the hooks that it interrupted
 * go on in the child, too, where they would write into their parent's stream.
 */
void session_in_child(void);

/* ---- environment.c ---- */
/* The entry of `environment` that begins with NAME=, the last one: it is the one that counts. NULL: none. */
char **environment_find(char *const *environment, const char *name);
/* What follows "NAME=". NULL: it is not there. */
const char *environment_get(char *const *environment, const char *name);
/* Takes out what tracker run had put in: what this process executes must not find us. */
void environment_restore(char **environment);
/* What is executed with it attaches, or, named by another session, was asked not to. */
bool environment_is_ours(char *const *environment, const char *session);
bool environment_is_others(char *const *environment, const char *session);
/* A copy with our two variables, `session` among them, in `room`, of environment_room() bytes. */
size_t environment_room(char *const *environment, const char *session);
char **environment_make(char *const *environment, const char *session, void *room);
/* A copy without them. */
char **environment_make_without(char *const *environment, void *room);

/* ---- way.c ---- */
/* Copies the usual value of SHM_ENV. */
void way_name(char name[SHM_SESSION_BYTES]);
/* Whether who executes here and now finds the recorder by that name. */
bool way_is_open(const char *name);
/*
 * Asks the recorder for the segment, for a program that is executed at once. The descriptor, and the
 * value of SHM_ENV that names it; -1: no answer in time. `keeps_pid`: the program will have our pid.
 */
int way_ask(struct shm_exec *entry, bool keeps_pid, char session[SHM_SESSION_BYTES]);

/* ---- image.c ---- */
/* Whether what is executed from fd, which stays open, will load our library, and so close what it inherits. */
bool image_takes_library(int fd);

/* ---- program.c ---- */
/* Finds out what runs here; started_as: the path that was executed, or NULL; by_loader: that was the dynamic loader. page: zeros, to keep it in. */
void program_find(const char *started_as, bool by_loader, int argc, char **argv, void *page);
/* Writes it into the process's slot. */
void program_tell(struct shm_process *p);

/* Words besides return addresses that a frame's step reads and the memo keeps, at most; and how many a thread has room for. */
#define SLOTS_OF_A_FRAME 2u

static inline uint32_t memo_slots(void)
{
	return state.nframe + state.nframe_slack + 2u;
}

/* ---- thread.c ---- */
struct thread *thread_claim(uint32_t level, uintptr_t frame);
/* The level for a hook at `frame` when tls.level is not 0; THREAD_LEVELS: none is left, the event was counted. */
uint32_t thread_nested_level(uintptr_t frame);
bool thread_start(void); /* false: no memory */
/* Not in a hook: it takes a lock that the hook's caller may hold. */
void thread_watch_forks(void);
void thread_forked(void);
/* thread_enter, when the process turns out to be a forked child. */
struct thread *thread_enter_forked(uint32_t level, uintptr_t frame);
void thread_set_name(const char *name);

/* ---- unwind.c ---- */
/* First event of a forked child: tell its modules. */
void unwind_forked(struct thread *t);

static inline bool nested_in_real(uintptr_t frame)
{
	/* An exception or longjmp out of the real function leaves a stale mark behind: above us, then. */
	return unlikely(tls.real_frame != 0) && frame < tls.real_frame;
}

/*
 * The stream to write an event to, or NULL: not recording, inside another
 * hook's real function, or no room (then it was counted).
 */
static inline struct thread *thread_enter(uintptr_t frame)
{
	if (unlikely(!state.on) || nested_in_real(frame))
		return NULL;

	uint32_t level = tls.level;

	if (unlikely(level)) {
		if (!*state.fork_page && !session_forked())
			return NULL;
		level = thread_nested_level(frame);
		if (level >= THREAD_LEVELS)
			return NULL;
	}

	struct thread *t = tls.threads[level];

	*(likely(t != NULL) ? &t->frame : &tls.claiming) = frame; /* before the level: a handler must find it */
	atomic_signal_fence(memory_order_seq_cst);
	tls.level = level + 1;
	atomic_signal_fence(memory_order_seq_cst);
	/* after the level: a handler that forks from now on finds us at work */
	if (unlikely(!*state.fork_page))
		return thread_enter_forked(level, frame);
	if (unlikely(!t)) {
		t = thread_claim(level, frame);
		if (!t)
			tls.level = level;
		else if (state.announce_modules)
			unwind_forked(t);
	}
	return t;
}

static inline void thread_leave(struct thread *t)
{
	atomic_signal_fence(memory_order_seq_cst);
	tls.level = t->level;
}

/* How a stack differs from the last one: frames that went from its top, and those that came, which stand at the end of t->sent. */
struct change {
	uint32_t pops, pushes;
};

/* Walks the stack of a hook's caller, which becomes t->sent. A pc of 0 as the oldest: the stack was cut there. */
struct change unwind(struct thread *t, const struct site *at);
void unwind_code_unloaded(void); /* after dlclose */
bool unwind_start(void); /* false: no memory */
uint32_t unwind_reference_room(void); /* frames in each t->check */

/* ---- send.c ---- */
void send_alloc(struct thread *t, uint8_t kind, uintptr_t address, uint64_t size,
		const struct site *at);
/* What becomes of address space: TRK_MMAP, _RESERVE, _ARENA, _MPROTECT, _MADVISE; detail: of the last two. */
void send_mapping(struct thread *t, uint8_t kind, uintptr_t address, uint64_t size, uint32_t detail,
		  const struct site *at);
void send_free(struct thread *t, uint8_t kind, uintptr_t address);
void send_unmap(struct thread *t, uintptr_t address, uint64_t size);
bool send_mremap_begin(struct thread *t, uintptr_t old, uint64_t old_size);
/* address 0: it failed. Both as for realloc, below. */
void send_mremap_end(struct thread *t, uintptr_t old, uint64_t old_size, uintptr_t address,
		     uint64_t size, const struct site *at);
/* False: dropped; then the end must not be sent either. */
bool send_realloc_begin(struct thread *t, uint8_t kind, uintptr_t old);
/*
 * The begin may not be this stream's last any more: a handler forked meanwhile, and this is the
 * child, or reallocated itself. Then there is a new block, and that is all we can tell.
 */
void send_realloc_end(struct thread *t, uint8_t kind, uintptr_t address, uint64_t size,
		      const struct site *at);
/* A realloc that began has made a block that is not recorded. */
void send_realloc_freed(struct thread *t, uint8_t kind);
/* So many allocations of this thread are not recorded. */
void send_skipped(struct thread *t, uint32_t allocations);
/* Of kinds that are told PLAIN or RARE: a label and a stack, or a stack alone. */
void send_label(struct thread *t, uint8_t kind, const char *label, const struct site *at);
void send_bare(struct thread *t, uint8_t kind, const struct site *at);
/* directory: the module's path begins there; 0 bytes: at the root. False: there was no room. */
bool send_module(struct thread *t, const struct wire_record *module, const char *directory, uint32_t directory_bytes);

#endif
