/*
 * trk.h - the words that every part of tracker shares: error codes and the decoded form of an event. Kinds of events
 * stand in format/kind.h.
 *
 * Values that reach a file are fixed here and described in docs/FORMAT.md.
 */
#ifndef TRK_H
#define TRK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/kind.h"

/* Every function of the library returns 0 when done, >0 at the end, <0 one of these. */
enum trk_err {
	TRK_OK = 0,
	TRK_ERR_IO = -1, /* the system refused; errno says why */
	TRK_ERR_NOMEM = -2,
	TRK_ERR_CORRUPT = -3, /* the bytes contradict the format */
	TRK_ERR_MAGIC = -4, /* not a capture at all */
	TRK_ERR_VERSION = -5, /* a capture of a newer major version */
	TRK_ERR_FEATURE = -6, /* needs a feature that this build does not know */
	TRK_ERR_LIMIT = -7, /* legal, but larger than tracker accepts */
	TRK_ERR_ARG = -8, /* the caller asked for something that does not exist */
};

/* Where and why a read failed. The code that finds the fault fills it; only main() prints it. */
struct trk_fault {
	enum trk_err code;
	uint64_t offset; /* in the file; 0 when it has no place */
	char why[200]; /* one sentence without full stop */
};

/* What mprotect lets the program do with the pages. */
enum trk_access { TRK_ACCESS_NONE = 0,
		  TRK_ACCESS_SOME = 1 };

/* How a process came to be, and how it ended: numbers of the capture. */
enum trk_origin { TRK_STARTED = 0,
		  TRK_FORKED = 1,
		  TRK_ATTACHED = 2 /* it ran already: its blocks from before are unknown */ };
enum trk_ended { TRK_END_UNKNOWN = 0,
		 TRK_EXITED = 1, /* code: the exit status */
		 TRK_KILLED = 2 /* code: the signal */ };

/* How a process gave itself a title. */
enum trk_titled { TRK_NO_TITLE = 0,
		  TRK_TITLED = 1, /* over its arguments */
		  TRK_NAMED = 2 /* its first thread has that name */ };

/* Flags of a module in the capture. */
enum trk_module_flag {
	TRK_MODULE_MAIN = 1, /* the program itself */
	TRK_MODULE_VDSO = 2,
	TRK_MODULE_MADE = 4, /* code made at run time, in no file */
	TRK_MODULE_PYTHON = 8, /* ... functions of Python, as their interpreter names them: the capture has all their names */
};

/* Whether the functions of Python that a process runs are recorded, or why they are not. */
enum trk_python { TRK_PYTHON_NONE,
		  TRK_PYTHON_READ,
		  TRK_PYTHON_VERSION, /* not known */
		  TRK_PYTHON_DEBUG,
		  TRK_PYTHON_NO_LOCK, /* free-threaded */
		  TRK_PYTHON_DIFFERS, /* from what its version says */
		  TRK_PYTHON_NO_MEMORY };

/* Records of the capture's tables, as they are written and read. Texts are the caller's, or the capture's. */
struct trk_process {
	uint32_t index, pid, ppid;
	uint32_t parent; /* index; UINT32_MAX: none */
	uint32_t origin; /* enum trk_origin */
	uint32_t ended, code; /* enum trk_ended */
	uint32_t execs;
	uint64_t start_ns, end_ns; /* end UINT64_MAX: not known to have ended */
	const char *name, *executable;
	const char *command_line; /* arguments, each ended by a NUL */
	uint32_t command_line_bytes;
	const char *libc; /* name and version; "", like the next two, where the capture does not say */
	const char *host, *system; /* where it ran: the machine's name; kernel, release, processor */
	uint32_t titled; /* enum trk_titled */
	const char *title; /* what it called itself at the end; "": as its arguments say */
	uint64_t attached_ns; /* TRK_ATTACHED: how long it had run */
};

struct trk_thread {
	uint32_t index, process, tid;
	uint64_t start_ns, end_ns; /* end UINT64_MAX: not known */
	const char *name;
	bool main;
};

struct trk_mapping {
	uint32_t process, module;
	uint64_t bias, start, end;
	uint64_t load_time_ns, unload_time_ns; /* unload UINT64_MAX: still mapped */
};

struct trk_module {
	const char *path;
	const uint8_t *build_id;
	uint32_t build_id_bytes, flags; /* enum trk_module_flag */
	uint64_t identity; /* of the file, where there is no build-id: two builds of one path are two modules. 0: unknown; not written */
};

/* Domains of blocks that programs track by themselves. The first four have fixed names. */
enum trk_domain_number { TRK_DOMAIN_HEAP = 0,
			 TRK_DOMAIN_MMAP = 1,
			 TRK_DOMAIN_SHM = 2,
			 TRK_DOMAIN_FD = 3 };
#define TRK_DOMAINS_FIXED 4u
#define TRK_DOMAIN_NAME_MAX 127u /* bytes of a name; writers cut longer ones */
#define TRK_DOMAIN_NAMES_MAX 256u /* domains that one program gives names to */

/* The name that a process gave to a domain when it had executed so many other programs. */
struct trk_domain {
	uint32_t process, execs, domain;
	const char *name;
};

/* A function of a frame, of which inlined ones have more than one. */
struct trk_symbol {
	uint32_t function, file; /* numbers of strings; function: the linkage name */
	uint32_t line;
	bool inlined; /* into the next one */
};

/* The same, before its strings have numbers. */
struct trk_symbol_text {
	const char *function, *file; /* NULL or "": not known */
	uint32_t line;
	bool inlined;
};

/* Advices that change what is heap: the numbers of Linux, which are the same for all processors. */
enum trk_advice {
	TRK_DONTNEED = 4,
	TRK_FREE_PAGES = 8,
	TRK_REMOVE = 9,
	TRK_POPULATE_READ = 22,
	TRK_POPULATE_WRITE = 23,
};

/*
 * Which block an event ends, or which block an allocation replaces because its release was lost: that of the ref-th
 * allocation of the process before the event, 1 the last (predict.h says which allocations count), or one of these:
 */
enum trk_ref {
	TRK_REF_UNKNOWN = 0, /* it must be looked up by address */
	TRK_REF_NONE = 0xffffffff, /* none; for a release: none of those allocations' */
};

/*
 * A frame of no module that is this and a number n, as the most recent frame of a node: the node's stack is the n
 * most recent frames of its parent's, whose older frames are not kept. No program has code there.
 */
#define TRK_FRAME_CUT (1ull << 63)
/* This and a number n, in the same place: the stack was n frames deep, and the node's parent has its most recent frames. */
#define TRK_FRAME_DEPTH (3ull << 62)

/* The decoded form of one event. Fields that a kind does not use are 0. */
struct trk_event {
	uint64_t time_ns; /* since the capture began; coarse, never decreasing in a process */
	uint64_t address;
	uint64_t size; /* bytes asked for */
	uint64_t old_address; /* realloc, mremap */
	uint64_t old_size; /* mremap; request: the alignment */
	const char *label; /* not terminated; valid until the next event is decoded */
	uint32_t label_bytes;
	uint32_t process; /* index of the process in the capture */
	uint32_t thread; /* index of the thread in the capture */
	uint32_t node; /* call-tree node of the stack; 0: no stack */
	uint32_t domain; /* 0 heap */
	uint32_t ref; /* enum trk_ref */
	uint32_t detail; /* mprotect, madvise; request: the kind of the call */
	uint8_t kind; /* enum trk_kind */
	uint8_t call; /* parts of a realloc: the kind of the whole */
};

/* What an event TRK_CLASS says: its size is this and the options. Also in files: docs/FORMAT.md, "Classes". */
enum trk_class_op {
	TRK_CLASS_TRACK = 1, /* label: pattern of types, "\n" and the name to show if it has one */
	TRK_CLASS_OBJECT, /* address; label: the name of its type, perhaps "" */
	TRK_CLASS_CHANGE, /* address */
	TRK_CLASS_DETACH, /* label: the pattern */
	TRK_CLASS_DETACH_CLASSES,
	TRK_CLASS_DETACH_ALL,
	TRK_CLASS_CLEAR,
	TRK_CLASS_LABEL, /* address; label: what stands beside the object in reports */
	TRK_CLASS_SNAPSHOT, /* address: number of the look, or 0; label: "KEY NUMBER;..." about the process, "\n" and a description */
	TRK_CLASS_KEPT, /* address: the object is released now, and stays in memory; with TRK_CLASS_OVER: it does not, because of the limit */
	TRK_CLASS_OPS
};
#define TRK_CLASS_OP(size) ((uint32_t)(size)&0xffu)
#define TRK_CLASS_LEVEL(size) ((uint32_t)((size) >> 8) & 0xffu)
#define TRK_CLASS_KEEP 0x10000u
#define TRK_CLASS_TRACE 0x20000u
#define TRK_CLASS_TOTAL 0x40000u /* of a snapshot: what can be reached is wanted */
#define TRK_CLASS_OVER 0x100000u /* of TRK_CLASS_KEPT */
#define TRK_CLASS_PERIODIC 0x80000u /* of a snapshot: nobody called for it */

/* What a look at the memory says of a block. Also in files: docs/FORMAT.md, "LOOK". */
enum look_verdict {
	LOOK_UNKNOWN,
	LOOK_REACHABLE, /* from a root, by pointers to the starts of blocks */
	LOOK_POSSIBLY, /* only by a pointer into the middle of some block */
	LOOK_INDIRECTLY, /* only from lost blocks */
	LOOK_DEFINITELY, /* by no pointer */
	LOOK_VERDICTS
};

/* What a look's type says of a block. Also in files. */
enum look_held {
	LOOK_WHOLE, /* it is an object of the type */
	LOOK_ARRAY, /* it begins with one, and others follow */
	LOOK_NODE, /* an object of the type stands a few words behind its start: a node of a container, perhaps */
	LOOK_HELDS
};

#endif
