/* python_private - what the files of python_frames.h share. */
#ifndef PYTHON_PRIVATE_H
#define PYTHON_PRIVATE_H

#include "python_frames.h"

/* How the youngest frame is found, and what a frame says about its instruction. */
enum python_top { PYTHON_TOP_FRAME,
		  PYTHON_TOP_FRAME_AND_CFRAME,
		  PYTHON_TOP_CFRAME };
enum python_instruction { PYTHON_INDEX_BYTES,
			  PYTHON_INDEX_UNITS,
			  PYTHON_POINTER };
/* Which frames a C frame of their own begins to run, and what tells that C frame: an address within it. */
enum python_begins { PYTHON_COUNTED, /* all; nothing tells it: frames of the evaluation loop are counted */
		     PYTHON_EACH, /* all; the cframe */
		     PYTHON_ENTRIES, /* those that say so; the cframe */
		     PYTHON_SHIMS /* frames that stand for nothing else; the frame itself */ };

/* Offsets of what is read. Up to 3.12 they are the same in all releases of one minor version; from 3.13 on the interpreter tells them. */
struct python_layout {
	uint8_t minor, top, instruction, begins; /* the enums above */
	uint16_t state_frame, state_cframe; /* PyThreadState */
	uint16_t cframe_frame, cframe_older; /* CFrame, _PyCFrame */
	uint16_t older, code, instr, owner; /* PyFrameObject, _PyInterpreterFrame */
	uint16_t file, name, qualified, first_line, lines, bytes; /* PyCodeObject */
	uint16_t ascii, compact; /* str: where the characters begin */
};

#define PYTHON_TOLD_WORDS 71u

/*
 * The one of that version: TRK_PYTHON_READ, or why not. words: from 3.13 on, the beginning of its _PyRuntime, where it tells debuggers where its
 * fields stand; NULL: it does not. They are believed as far as python_compare can tell.
 */
enum trk_python python_layout_find(unsigned minor, const uint64_t *words, struct python_layout *ret);

#define PYTHON_TYPE 8u /* of every object */
#define PYTHON_SIZE 16u /* of objects of variable size */
#define PYTHON_BYTES 32u /* where the contents of a bytes object begin */
#define PYTHON_TYPE_NAME 24u
#define PYTHON_TYPE_END 48u /* tp_dealloc */
#define PYTHON_STRING_LENGTH 16u
#define PYTHON_STRING_STATE 32u
#define PYTHON_SHIM 3u /* owner */

struct python_code {
	_Atomic uintptr_t key; /* address of the code object, or: */
	uint64_t first; /* number of its first instruction; 0: it is none that somebody wrote */
	uint32_t units;
};

enum { PYTHON_CODE_FREE = 0,
       PYTHON_CODE_TAKEN = 1, /* a thread is telling it */
       PYTHON_CODE_DROPPED = 2 };

#define PYTHON_CODE_BITS 16u
#define PYTHON_FIRST_NUMBER 16u /* of an instruction; 0: nobody knows */

/* CPython's numbers of what it allocates for, besides 0: what is malloc's. */
#define PYTHON_MEM 1u
#define PYTHON_OBJECT 2u

/* PyMemAllocatorEx */
struct python_allocator {
	void *context;
	void *(*malloc)(void *context, size_t size);
	void *(*calloc)(void *context, size_t n, size_t size);
	void *(*realloc)(void *context, void *p, size_t size);
	void (*free)(void *context, void *p);
};

/* Whose functions give out objects. */
enum python_objects { PYTHON_OBJECTS_THEIRS,
		      PYTHON_OBJECTS_OURS,
		      PYTHON_OBJECTS_LEFT, /* others', which may call ours */
		      PYTHON_OBJECTS_CHANGING };

/* A thread state that was seen to have CPython's lock, and was not freed since. */
struct python_state {
	_Atomic uintptr_t key; /* its address */
	_Atomic uint32_t walkers; /* threads without the lock that are reading it, or another one that has this place */
};

#define PYTHON_STATE_BITS 8u
#define PYTHON_STATES (1u << PYTHON_STATE_BITS)

/* Mapped when CPython is met, and never unmapped. */
struct python {
	_Atomic bool on; /* its frames may be read */
	_Atomic bool taken; /* by a CPython; another one beside it is not read */
	bool unloading;
	_Atomic uint8_t checked; /* enum python_checked */
	uint16_t trials; /* of the check */
	uint32_t number; /* so many CPythons were met, one after the other */
	_Atomic uint32_t generation; /* changes when a code object has ended */
	_Atomic uint64_t next; /* number for the next code object */
	const struct python_layout *layout; /* it is `found` */
	struct python_layout found;
	const void *link_map;
	uintptr_t (*own_state)(void); /* this thread's, whether it has the lock or not; 0: it has none */
	uintptr_t (*attached_state)(void); /* the one that has the lock: from 3.12 on this thread's, or 0 */
	int (*is_finalizing)(void);
	uintptr_t code_type, string_type, bytes_type;
	void (*code_end)(uintptr_t code);
	uint32_t thread_id; /* where a thread state says whose it is; 0: that is not known */
	uintptr_t loop, loop_end; /* _PyEval_EvalFrameDefault */
	uintptr_t limit, limit_end; /* _Py_CheckRecursiveCall */
	_Atomic uint8_t objects; /* enum python_objects */
	_Atomic uint32_t objects_recording; /* number of the recording for which that was asked */
	void (*get_allocator)(int memory, struct python_allocator *ret); /* NULL: it has none */
	void (*set_allocator)(int memory, const struct python_allocator *a);
	struct python_allocator real[PYTHON_OBJECT + 1]; /* behind ours */
	struct python_state states[PYTHON_STATES]; /* by their addresses; each has one place */
	struct python_code codes[1u << PYTHON_CODE_BITS];
};

enum python_checked { PYTHON_UNCHECKED,
		      PYTHON_CHECKING,
		      PYTHON_AGREES };

/* A frame of Python as it was read. */
struct python_frame {
	uintptr_t frame; /* address of its structure */
	uintptr_t instr; /* as it stands there */
	uintptr_t code;
	uintptr_t anchor; /* an address within the C frame that runs it; 0 unless it begins a run */
	uint64_t pc; /* 0: it is not shown */
	bool begins; /* oldest of the frames that one C frame runs */
};

/* Of a stream. */
struct python_thread {
	uint32_t room, capacity; /* frames that are walked; at most */
	uint32_t depth, generation;
	uintptr_t state, root; /* whose frames these are; the link of the oldest one: not 0 if older ones were left out */
	bool other_state; /* than at the last stack */
	bool locked; /* the thread has CPython's lock */
	uint32_t ran; /* number of the CPython whose loop was seen on this thread's stack; 0: of none */
	bool was_cut; /* of the last stack, the oldest frames were left out because of Python */
	struct python_frame *frames, *walk; /* oldest first; being walked, most recent first */
	uintptr_t *told; /* the last stack that was told, oldest first */
	uint32_t told_depth;
	uint32_t native_depth; /* of the arrays below, which stand beside t->sent: */
	uintptr_t *sp;
	uint32_t *before; /* frames of Python that stand before it */
	uint32_t *place; /* where it stands in `told` */
};

static inline uintptr_t python_word(uintptr_t at)
{
	return *(const volatile uintptr_t *)at;
}

static inline uint8_t python_byte(uintptr_t at)
{
	return *(const volatile uint8_t *)at;
}

static inline bool python_has_cframes(const struct python_layout *l)
{
	return l->begins == PYTHON_EACH || l->begins == PYTHON_ENTRIES;
}

/* Where a walk stands. */
struct python_cursor {
	uintptr_t frame, cframe;
};

struct python_cursor python_top(const struct python_layout *l, uintptr_t s);
bool python_begins_run(const struct python_layout *l, uintptr_t frame);
uintptr_t python_instr(const struct python_layout *l, uintptr_t frame);

static inline struct python_state *python_state_of(struct python *p, uintptr_t s)
{
	return &p->states[(s * 0x9e3779b97f4a7c15ull) >> (64 - PYTHON_STATE_BITS)];
}

/* The pc of an instruction of a code object, of which the recorder is told if it does not know it. 0: it is not shown. */
uint64_t python_pc(struct thread *t, struct python *p, uintptr_t code, uintptr_t instr);
/* From now on p hears of the end of each code object. */
void python_watch_codes(struct python *p);
void python_forget_codes(struct python *p);

/* Brings t->python->frames up to date; returns how many of the oldest are as they were. */
uint32_t python_walk(struct thread *t, struct python *p);
/* Whether the structures are what the layout says, as far as the frames of `state` show. What is not mapped is not read. */
enum python_says { PYTHON_SAYS_NOTHING,
		   PYTHON_SAYS_AGREES,
		   PYTHON_SAYS_DIFFERS };
enum python_says python_compare(const struct python *p, uintptr_t state);
/*
 * Objects are recorded from now on, if the recording asks for that. Called by a thread that has the lock, once for each recording. If that is
 * within the mapping of an arena, t->objects_began.
 */
void python_objects_begin(struct thread *t, struct python *p);
/* Where this thread's state has the thread's number; 0: nowhere. */
uint32_t python_find_thread_id(uintptr_t state);
/* To the recorder, for people. */
void python_say(unsigned minor, enum trk_python what);
#endif
