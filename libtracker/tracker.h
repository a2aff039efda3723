/*
 * tracker.h - talk to the tracker that records this program.
 *
 * A program that includes this header builds, links and runs without tracker: the calls then return TRACKER_EDISABLED
 * at the cost of a branch. Under `tracker run` they reach the recording. C99 and C++11. Any thread may call all
 * functions. None of them allocates.
 */
#ifndef TRACKER_H
#define TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tracker_error {
	TRACKER_OK = 0,
	TRACKER_ENOMEM = -1,
	TRACKER_EDISABLED = -2, /* not running under tracker */
	TRACKER_EINVAL = -3,
	TRACKER_EBUSY = -4,
	TRACKER_EIO = -5,
	TRACKER_EEXIST = -6,
	TRACKER_ESTALE = -7,
	TRACKER_ENOTSUP = -8,
	TRACKER_ENOENT = -9
};

/* ---- alarms and sizes of allocations: types. What they do stands further below ---- */

#define TRACKER_BYTES_PER_BLOCK 16u
#define TRACKER_ALLOCATION_SIZE_BUCKETS 16

typedef enum { TRACKER_SCOPE_THREAD,
	       TRACKER_SCOPE_PROCESS } tracker_scope;

typedef enum {
	TRACKER_ALARM_COUNT, /* only count */
	TRACKER_ALARM_WARN, /* a message and a backtrace on stderr; the allocation goes on */
	TRACKER_ALARM_ABORT, /* the same, then abort() */
	TRACKER_ALARM_TRAP, /* the same, then SIGTRAP: a debugger stops in the allocating call */
	TRACKER_ALARM_FAIL, /* the allocation fails: NULL and ENOMEM, MAP_FAILED, or std::bad_alloc */
	TRACKER_ALARM_THROW /* operator new throws tracker::allocation_error (tracker.hpp); all others as ABORT */
} tracker_alarm_action;

typedef struct {
	size_t size, block_count;
	const char *allocator; /* "malloc", "operator new", ... */
	const void *caller; /* where the allocating call returns to */
} tracker_alarm_event;

typedef void (*tracker_alarm_fn)(const tracker_alarm_event *event, void *user);

typedef struct tracker_alarm {
	size_t minimum_block_count; /* at least 1 */
	tracker_alarm_action action;
	tracker_scope scope;
	bool repeat; /* false: it disarms itself when it fires */
	tracker_alarm_fn on_alarm; /* called, if it is not NULL, before the action; it may allocate */
	void *user;
	size_t fired, ignore_left; /* only to be read */
	const void *owner_;
	unsigned serial_;
} tracker_alarm;
#define TRACKER_ALARM_INIT                                                                     \
	{                                                                                      \
		1, TRACKER_ALARM_ABORT, TRACKER_SCOPE_THREAD, false, NULL, NULL, 0, 0, NULL, 0 \
	}

typedef struct tracker_allocation_size {
	uint64_t bucket[TRACKER_ALLOCATION_SIZE_BUCKETS]; /* bucket b counts allocations of at most 2^b blocks; the last one, all larger */
	tracker_scope scope;
	const void *owner_;
	unsigned serial_;
} tracker_allocation_size;
#define TRACKER_ALLOCATION_SIZE_INIT                 \
	{                                            \
		{ 0 }, TRACKER_SCOPE_THREAD, NULL, 0 \
	}

/* What TRACKER_WITH_ and TRACKER_ASSERT_ keep while their block runs. */
enum tracker_watch_kind_ { TRACKER_WATCH_ALARM_,
			   TRACKER_WATCH_SIZE_,
			   TRACKER_WATCH_LIMIT_,
			   TRACKER_WATCH_LEAK_ };

struct tracker_watch_ {
	unsigned serial; /* 0: it was not entered */
	int kind, line;
	void *object;
	const char *file;
	size_t allocations, bytes; /* allowed */
	size_t made, made_bytes;
};

/* ---- captures that the program makes itself: types. What they do stands further below ---- */

typedef enum { TRACKER_FILE_FORMAT_ALL_ALLOCATIONS,
	       TRACKER_FILE_FORMAT_AGGREGATED_ALLOCATIONS } tracker_file_format;
typedef enum { TRACKER_DESTINATION_FILE,
	       TRACKER_DESTINATION_SOCKET } tracker_destination_kind;

typedef struct tracker_destination {
	tracker_destination_kind kind;
	const char *path; /* a file */
	bool overwrite; /* overwrite an existing file; otherwise an existing file is an error */
	bool compress_on_exit; /* blocks are compressed as they are written; false: never */
	bool buffered; /* always so; the field exists for programs that knew memray */
	unsigned server_port; /* a socket: the port on which a client is waited for, 1 to 65535 */
	const char *address; /* of this host; NULL: 127.0.0.1. With a slash: the path of a Unix socket, without a port */
} tracker_destination;

typedef struct tracker_options {
	size_t struct_size; /* of the program's header: tracker_options_init sets it and all other fields */
	const char *file_name; /* this or a destination */
	const tracker_destination *destination;
	bool native_traces; /* true: the only value */
	bool trace_python_allocators; /* default false; true: each object of Python instead of the arenas that objects lie in */
	bool track_object_lifetimes; /* default false; true: tracker_capture_surviving works until the capture is freed */
	bool follow_fork; /* default false; true: a forked child has a capture of its own, in FILE.PID */
	unsigned memory_interval_ms; /* default 10: distance of samples of resident memory; 0: none */
	tracker_file_format file_format; /* all allocations */
	int nframe; /* default 1024: frames that are kept of a stack */
} tracker_options;

typedef struct tracker_capture tracker_capture;

/* What a look at the memory found (tracker_leak_check): blocks to which nothing points, and those to which only these lead. */
typedef struct tracker_leaks {
	size_t definitely_bytes, definitely_blocks;
	size_t indirectly_bytes, indirectly_blocks;
} tracker_leaks;

/* How a class, or an object, is tracked. NULL in place of it: all 0. */
typedef struct tracker_track_options {
	const char *name; /* under which reports show it; NULL: the name of the type */
	unsigned resolution_level; /* 0: what an object leads to is one size; 1: what it points to, too, one by one; 2: what these point to, ... */
	bool keep; /* stays as it is when the program releases it: tracker run --keep-limit. Of a class: objects that are annotated */
	bool trace; /* reports print the stack of each object */
} tracker_track_options;

enum tracker_class_operation_ { TRACKER_CLASS_TRACK_ = 1,
				TRACKER_CLASS_OBJECT_,
				TRACKER_CLASS_CHANGE_,
				TRACKER_CLASS_DETACH_,
				TRACKER_CLASS_DETACH_CLASSES_,
				TRACKER_CLASS_DETACH_ALL_,
				TRACKER_CLASS_CLEAR_ };

/* For libtracker-replay: where a block was allocated, as the recorder knows it. */
struct tracker_raw_frame_ {
	uintptr_t offset; /* in the addresses of the module's file; in no module: the return address */
	unsigned module; /* 0: none; the members module_path and module tell what it is */
};
struct tracker_raw_traceback_ {
	uintptr_t address; /* where the block begins */
	size_t size;
	size_t nframe; /* the kept frames, most recent first, as many as there is room for; ... */
	size_t total_nframe; /* ... and how many the stack had */
	struct tracker_raw_frame_ *frames; /* the caller's */
	size_t frame_room;
};

struct tracker_raw_module_ {
	char *path; /* the caller's, terminated, cut if it does not fit */
	size_t path_room;
	unsigned char build_id[40];
	size_t build_id_bytes; /* 0: it has none, or a longer one */
};

struct tracker_raw_function_ {
	char *text; /* the caller's: its name and its file, both terminated; cut if they do not fit */
	size_t room;
	unsigned line;
};

/*
 * The library's side of the calls below. Members are only ever added at the end. A program may meet a library that is
 * older or newer than its header, so `bytes` says how many of the members the library has.
 */
struct tracker_api_ {
	size_t bytes;
	int (*is_available)(void);
	int (*mark)(const char *label);
	int (*region_begin)(const char *name);
	int (*region_end)(const char *name);
	int (*clear_traces)(void);
	const char *(*last_error)(void);
	const char *(*version)(void);
	int (*alarm_enter)(tracker_alarm *alarm);
	int (*alarm_exit)(tracker_alarm *alarm);
	int (*allocation_size_enter)(tracker_allocation_size *sizes);
	int (*allocation_size_exit)(tracker_allocation_size *sizes);
	int (*watch_enter)(struct tracker_watch_ *watch);
	void (*watch_leave)(struct tracker_watch_ *watch);
	void (*alarm_thrower)(tracker_alarm_fn thrower);
	int (*start)(int nframe);
	int (*stop)(void);
	int (*is_tracing)(void);
	int (*get_traceback_limit)(void);
	int (*get_traced_memory)(uint64_t domain, size_t *current, size_t *peak);
	int (*reset_peak)(void);
	size_t (*get_tracker_memory)(void);
	uint64_t (*get_lost_traces)(void);
	int (*track)(unsigned domain, uintptr_t ptr, size_t size);
	int (*untrack)(unsigned domain, uintptr_t ptr);
	int (*object_traceback)(unsigned domain, uintptr_t address, struct tracker_raw_traceback_ *ret);
	int (*module_path)(unsigned module, char *path, size_t room);
	int (*dump_traceback)(int fd, const void *ptr);
	int (*take_snapshot)(void); /* its number */
	int (*open_snapshot)(int snapshot); /* a descriptor, given once: it waits until the snapshot is written */
	int (*last_code)(void);
	struct tracker_capture *(*capture_new)(const struct tracker_options *options);
	int (*capture_enter)(struct tracker_capture *capture);
	int (*capture_exit)(struct tracker_capture *capture);
	int (*capture_free)(struct tracker_capture *capture);
	int (*capture_is_active)(void);
	int (*capture_survivors)(const struct tracker_capture *capture); /* as take_snapshot */
	uintptr_t (*own_begin)(void); /* what this thread allocates until own_end is not recorded */
	void (*own_end)(uintptr_t begun);
	int (*module)(unsigned module, struct tracker_raw_module_ *ret);
	int (*module_file)(unsigned module); /* a descriptor of the file that was mapped, for the caller to close */
	int (*domain_name)(unsigned domain, const char *name);
	int (*untrack_range)(unsigned domain, uintptr_t begin, size_t bytes);
	int (*annotate)(const void *ptr, const char *type_name, size_t objects);
	int (*leak_check)(const char *label, tracker_leaks *ret);
	int (*class_do)(unsigned operation, const void *ptr, const char *type_name, const tracker_track_options *options);
	int (*annotate_label)(const void *ptr, const char *label);
	int (*create_snapshot)(const char *description, bool compute_total);
	int (*periodic_snapshots)(uint64_t interval_ns);
	int (*dump_stats)(const char *path);
	int (*function)(unsigned module, uintptr_t offset, struct tracker_raw_function_ *ret); /* of Python: no file of the system tells its name */
};

/*
 * When a position-independent program is linked, a weak reference to the library's own symbols would be settled. So
 * the program asks the loader, which works in all programs.
 */
extern void *tracker_dlsym_(void *handle, const char *name) __asm__("dlsym") __attribute__((weak));

static inline const struct tracker_api_ *tracker_find_(void)
{
	static const struct tracker_api_ *found;
	static int looked;

	if (!__atomic_load_n(&looked, __ATOMIC_ACQUIRE)) {
		if (tracker_dlsym_)
			__atomic_store_n(&found,
					 (const struct tracker_api_ *)tracker_dlsym_((void *)0, "tracker_api_2"),
					 __ATOMIC_RELAXED);
		__atomic_store_n(&looked, 1, __ATOMIC_RELEASE);
	}
	return __atomic_load_n(&found, __ATOMIC_RELAXED);
}

/* Calls `member` of the library, if the library is there and has this member. */
#define TRACKER_HAS_(api, member) ((api) && offsetof(struct tracker_api_, member) < (api)->bytes)
#define TRACKER_CALL_(member, otherwise, arguments) \
	(TRACKER_HAS_(tracker_find_(), member) ? tracker_find_()->member arguments : (otherwise))

/* A sentence for a code of enum tracker_error, and for any other number. Never NULL. */
static inline const char *tracker_strerror(int code)
{
	static const char *const sentences[] = {
		"no error", "out of memory", "tracker is not recording this program", "invalid argument", "already running",
		"the recorder cannot be reached", "the output file exists", "this was used before", "not available here", "not tracked"
	};

	return code <= 0 && code >= TRACKER_ENOENT ? sentences[-code] : "unknown error";
}

/*
 * A full sentence about the last call of this thread that failed: what happened and what to do. Never NULL; "" if
 * none has failed. Valid until the thread's next failure.
 */
static inline const char *tracker_last_error(void)
{
	return TRACKER_CALL_(last_error, "tracker is not there: run the program with tracker run, or link it with -ltracker", ());
}

/*
 * The code of the last call of this thread that failed; TRACKER_OK if none has failed. For calls that return a
 * pointer.
 */
static inline int tracker_last_code(void)
{
	return TRACKER_CALL_(last_code, TRACKER_EDISABLED, ());
}

/* The version of the library that was found, like "0.1.0"; "" without a library. */
static inline const char *tracker_version(void)
{
	return TRACKER_CALL_(version, "", ());
}

/* 1 when the library is there, preloaded or linked, whether or not anything is recorded; otherwise 0, and all calls fail. */
static inline int tracker_is_available(void)
{
	return TRACKER_CALL_(is_available, 0, ());
}

/*
 * Names this moment: reports take it as CAPTURE@LABEL. The label (at most 1023 bytes) is copied. Returns TRACKER_OK,
 * TRACKER_EDISABLED, or TRACKER_EINVAL (the label is NULL or empty).
 */
static inline int tracker_mark(const char *label)
{
	return TRACKER_CALL_(mark, TRACKER_EDISABLED, (label));
}

/*
 * Says that the block at ptr, which an allocation returned, holds an object of that type, or an array of n. tracker types sums blocks by it. The block
 * has the type from its allocation on; said again, the last type counts; at an address where no block begins it says nothing.
 * The name is copied, up to 1024 bytes. TRACKER_EDISABLED: the program is not being recorded. TRACKER_EINVAL: ptr is NULL, the name NULL or empty.
 */
static inline int tracker_annotate(const void *ptr, const char *type_name)
{
	return TRACKER_CALL_(annotate, TRACKER_EDISABLED, (ptr, type_name, 1));
}

static inline int tracker_annotate_array(const void *ptr, const char *type_name, size_t n)
{
	return TRACKER_CALL_(annotate, TRACKER_EDISABLED, (ptr, type_name, n));
}

/* malloc(sizeof(T)) that is annotated: TRACKER_NEW(struct node), for C. */
#define TRACKER_NEW(T) ((T *)tracker_annotated_(malloc(sizeof(T)), #T))

static inline void *tracker_annotated_(void *ptr, const char *type_name)
{
	if (ptr)
		(void)tracker_annotate(ptr, type_name);
	return ptr;
}

/* Begin and end a named span of this thread's work. Spans of one name nest. Errors as in tracker_mark. */
static inline int tracker_region_begin(const char *name)
{
	return TRACKER_CALL_(region_begin, TRACKER_EDISABLED, (name));
}

static inline int tracker_region_end(const char *name)
{
	return TRACKER_CALL_(region_end, TRACKER_EDISABLED, (name));
}

/*
 * Forgets the live blocks: reports about later moments do not count them, their releases are ignored, and the peak
 * begins anew. Totals of allocations stay. This applies to the recording of tracker run and to the traces of
 * tracker_start. Without either, it does nothing. Returns TRACKER_OK, TRACKER_EDISABLED or TRACKER_EIO.
 */
static inline int tracker_clear_traces(void)
{
	return TRACKER_CALL_(clear_traces, TRACKER_EDISABLED, ());
}

/* ---- alarms: something happens when somebody allocates ---- */

/*
 * Arms the alarm: `action` runs inside a call that allocates at least minimum_block_count blocks of 16 bytes, before
 * memory is taken. A realloc counts if it needs more blocks than before. TRACKER_EINVAL: minimum_block_count is 0, or
 * another field is out of range. TRACKER_EBUSY: "Already running". TRACKER_ENOMEM: more than 16 are armed at once.
 * TRACKER_ENOTSUP: the program has a sanitizer's malloc.
 */
static inline int tracker_alarm_enter(tracker_alarm *alarm)
{
	return TRACKER_CALL_(alarm_enter, TRACKER_EDISABLED, (alarm));
}

/*
 * Disarms the alarm, in the thread that armed it. Returns how often it fired. An alarm that has fired and disarmed
 * itself may be left once, too. TRACKER_EINVAL: it was not armed, or another thread armed it.
 */
static inline int tracker_alarm_exit(tracker_alarm *alarm)
{
	return TRACKER_CALL_(alarm_exit, TRACKER_EDISABLED, (alarm));
}

/*
 * Lets the next `count` allocations pass that would set the alarm off; SIZE_MAX: all of them. This holds until the
 * next exit. Returns `alarm`.
 */
static inline tracker_alarm *tracker_alarm_ignore(tracker_alarm *alarm, size_t count)
{
	if (alarm)
		alarm->ignore_left = count;
	return alarm;
}

/* ---- sizes: how many allocations there were of which size ---- */

/* Begins to count, from 0. Errors as in tracker_alarm_enter. */
static inline int tracker_allocation_size_enter(tracker_allocation_size *sizes)
{
	return TRACKER_CALL_(allocation_size_enter, TRACKER_EDISABLED, (sizes));
}

/* Stops counting. The counts can still be read. TRACKER_EINVAL: it was not entered, or another thread entered it. */
static inline int tracker_allocation_size_exit(tracker_allocation_size *sizes)
{
	return TRACKER_CALL_(allocation_size_exit, TRACKER_EDISABLED, (sizes));
}

static inline size_t tracker_allocation_size_len(const tracker_allocation_size *sizes)
{
	(void)sizes;
	return TRACKER_ALLOCATION_SIZE_BUCKETS;
}

/* The count of a bucket; -1 is the last bucket, -16 the first. TRACKER_EINVAL: there is no bucket of that number. */
static inline int64_t tracker_allocation_size_get(const tracker_allocation_size *sizes, ptrdiff_t index)
{
	const ptrdiff_t n = TRACKER_ALLOCATION_SIZE_BUCKETS, i = index < 0 ? index + n : index;

	if (!sizes || i < 0 || i >= n)
		return TRACKER_EINVAL;
	return sizes->bucket[i] > (uint64_t)INT64_MAX ? INT64_MAX : (int64_t)sizes->bucket[i];
}

static inline size_t tracker_bytes_per_block(void)
{
	return TRACKER_BYTES_PER_BLOCK;
}

/* ---- blocks of a program that are watched; without the library, plain blocks ---- */

static inline struct tracker_watch_ *tracker_watch_enter_(struct tracker_watch_ *watch, enum tracker_watch_kind_ kind, void *object,
							  const char *at_file, int at_line, size_t most, size_t most_bytes)
{
	watch->serial = 0;
	watch->kind = (int)kind;
	watch->line = at_line;
	watch->object = object;
	watch->file = at_file;
	watch->allocations = most;
	watch->bytes = most_bytes;
	watch->made = watch->made_bytes = 0;
	(void)TRACKER_CALL_(watch_enter, TRACKER_EDISABLED, (watch));
	return watch;
}

static inline void tracker_watch_nothing_(struct tracker_watch_ *watch)
{
	(void)watch;
}

static inline void tracker_watch_leave_(struct tracker_watch_ *watch)
{
	TRACKER_CALL_(watch_leave, tracker_watch_nothing_(watch), (watch));
}

#define TRACKER_PASTE_2_(a, b) a##b
#define TRACKER_PASTE_(a, b) TRACKER_PASTE_2_(a, b)
#define TRACKER_WATCH_IN_(watch, once, kind, object, allocations, bytes)                                                     \
	for (struct tracker_watch_ watch __attribute__((cleanup(tracker_watch_leave_))),                                     \
	     *once = tracker_watch_enter_(&watch, kind, object, __FILE__, __LINE__, (size_t)(allocations), (size_t)(bytes)); \
	     once; once = NULL)
#define TRACKER_WATCH_NAMED_(number, kind, object, allocations, bytes)                                                              \
	TRACKER_WATCH_IN_(TRACKER_PASTE_(tracker_watch_, number), TRACKER_PASTE_(tracker_once_, number), kind, object, allocations, \
			  bytes)
#define TRACKER_WATCH_(kind, object, allocations, bytes) TRACKER_WATCH_NAMED_(__COUNTER__, kind, object, allocations, bytes)

/*
 * TRACKER_WITH_ALARM(&alarm) { ... }: the alarm is armed while the block runs. The block may end in any way: at its
 * end, by break, continue, return, goto or a C++ exception. longjmp runs no cleanups. If it leaves a block, the alarm
 * ends with the thread's next allocation or call of this kind that finds the block's function gone.
 */
#define TRACKER_WITH_ALARM(alarm) TRACKER_WATCH_(TRACKER_WATCH_ALARM_, (alarm), 0, 0)
#define TRACKER_WITH_ALLOCATION_SIZE(sizes) TRACKER_WATCH_(TRACKER_WATCH_SIZE_, (sizes), 0, 0)

/*
 * While the block runs, this thread may allocate n times and `bytes` in all. A call that exceeds that is named, and
 * abort() is called.
 */
#define TRACKER_ASSERT_MAX_ALLOCS(n, bytes) TRACKER_WATCH_(TRACKER_WATCH_LIMIT_, NULL, n, bytes)
#define TRACKER_ASSERT_NO_ALLOC TRACKER_ASSERT_MAX_ALLOCS(0, 0)
/*
 * When the block ends, everything that this thread allocated in it must have been freed, by any thread. Otherwise the
 * blocks are named, and abort() is called.
 */
#define TRACKER_ASSERT_NO_LEAK TRACKER_WATCH_(TRACKER_WATCH_LEAK_, NULL, 0, 0)

/* ---- tracing: what tracemalloc does, for this process and its forked children ---- */

#define TRACKER_NFRAME_DEFAULT 1
#define TRACKER_NFRAME_MAX 65535

/* Domains. Smaller numbers than TRACKER_DOMAIN_USER may get a meaning in later versions. */
#define TRACKER_DOMAIN_HEAP 0u /* malloc, new, mmap and their kin: what tracker records by itself */
#define TRACKER_DOMAIN_MMAP 1u /* three domains for what programs track by themselves: mappings, */
#define TRACKER_DOMAIN_SHM 2u /* shared memory, */
#define TRACKER_DOMAIN_FD 3u /* and descriptors */
#define TRACKER_DOMAIN_USER 256u /* from here on, the numbers are the program's */

/*
 * From now on, every block that is allocated has a trace: its size and the `nframe` most recent frames of its stack, without
 * the leading ones of allocators (malloc, operator new, std::, strdup), which reports hide, too. Inlined calls are frames.
 * If tracker run did not start the program, a recorder is started for it, which ends with it. If the program is
 * traced already, the call does nothing, and the limit stays. Returns TRACKER_OK; TRACKER_EINVAL: nframe is not in
 * [1; 65535]; TRACKER_EDISABLED: this program cannot be recorded; TRACKER_ENOMEM, TRACKER_EIO: tracker_last_error
 * says why.
 */
static inline int tracker_start(int nframe)
{
	return TRACKER_CALL_(start, TRACKER_EDISABLED, (nframe));
}

/*
 * Forgets all traces, and stops tracing. TRACKER_OK, also if the program was not traced; TRACKER_EIO: the recorder is
 * gone, and the traces with it.
 */
static inline int tracker_stop(void)
{
	return TRACKER_CALL_(stop, TRACKER_EDISABLED, ());
}

/* 1 between tracker_start and tracker_stop, otherwise 0. */
static inline int tracker_is_tracing(void)
{
	return TRACKER_CALL_(is_tracing, 0, ());
}

/* The most frames that a trace keeps, or TRACKER_EDISABLED. */
static inline int tracker_get_traceback_limit(void)
{
	return TRACKER_CALL_(get_traceback_limit, TRACKER_EDISABLED, ());
}

/*
 * The bytes that the program asked for in traced blocks: those of now, and the most since tracker_start,
 * tracker_clear_traces or tracker_reset_peak, over all domains. Both pointers may be NULL. If the program is not
 * traced: TRACKER_OK, and 0. TRACKER_EIO: the recorder did not answer.
 */
static inline int tracker_get_traced_memory(size_t *current, size_t *peak)
{
	if (current)
		*current = 0;
	if (peak)
		*peak = 0;
	return TRACKER_CALL_(get_traced_memory, TRACKER_EDISABLED, (UINT64_MAX, current, peak));
}

/* The same for one domain. */
static inline int tracker_get_traced_memory_in(unsigned domain, size_t *current, size_t *peak)
{
	if (current)
		*current = 0;
	if (peak)
		*peak = 0;
	return TRACKER_CALL_(get_traced_memory, TRACKER_EDISABLED, (domain, current, peak));
}

/* The peak begins anew, at the present value. TRACKER_OK, also if the program is not traced; TRACKER_EIO. */
static inline int tracker_reset_peak(void)
{
	return TRACKER_CALL_(reset_peak, TRACKER_EDISABLED, ());
}

/*
 * The bytes of memory that the traces need, in the recorder and in the memory that it shares with the program. 0 if
 * the program is not traced.
 */
static inline size_t tracker_get_tracker_memory(void)
{
	return TRACKER_CALL_(get_tracker_memory, 0, ());
}

/*
 * The number of events that were lost since tracker_start because the recorder stood still or had no memory. If it is
 * not 0, traces are missing or stale.
 */
static inline uint64_t tracker_get_lost_traces(void)
{
	return TRACKER_CALL_(get_lost_traces, 0, ());
}

/*
 * Records a block of a domain of the program's own (a GPU's memory, a pool's objects): `size` bytes at `ptr`,
 * allocated here. A block that is tracked there already gets this size and this stack. Returns the codes of
 * PyTraceMalloc_Track: TRACKER_OK (0), TRACKER_EDISABLED (-2).
 */
static inline int tracker_track(unsigned domain, uintptr_t ptr, size_t size)
{
	return TRACKER_CALL_(track, TRACKER_EDISABLED, (domain, ptr, size));
}

/* Records the end of such a block. If the block is not tracked, nothing happens: TRACKER_OK. */
static inline int tracker_untrack(unsigned domain, uintptr_t ptr)
{
	return TRACKER_CALL_(untrack, TRACKER_EDISABLED, (domain, ptr));
}

/*
 * Records the end of all blocks of the domain that begin in `bytes` bytes from `begin` on. It costs the program the
 * same for one block and for a million: the recorder knows them. TRACKER_EINVAL: the domain is 0. Otherwise as
 * tracker_untrack.
 */
static inline int tracker_untrack_range(unsigned domain, uintptr_t begin, size_t bytes)
{
	return TRACKER_CALL_(untrack_range, TRACKER_EDISABLED, (domain, begin, bytes));
}

/*
 * Gives a domain a name (at most 127 bytes; it is copied), under which reports show it. It need not be traced or
 * recorded at that moment: the name stands in everything that is recorded later, too. A second name takes the place
 * of the first. A forked child has its parent's names; an executed program has none. Signal handlers may call it.
 * Returns TRACKER_OK; TRACKER_EINVAL: the domain is one of 0 to 3, which are called heap, mmap, shm and fd, or the
 * name is NULL, empty or too long; TRACKER_ENOMEM: 256 domains have names already; TRACKER_EBUSY: another call is
 * naming this domain right now; TRACKER_EDISABLED: the library is not there.
 */
static inline int tracker_domain_name(unsigned domain, const char *name)
{
	return TRACKER_CALL_(domain_name, TRACKER_EDISABLED, (domain, name));
}

/*
 * For authors of arenas, slabs and pools: an object is a block of the pool's domain, the memory that it lies in stays a
 * block of the heap. Each report has a line for each domain, and neither counts in the other.
 *
 *	TRACKER_POOL_ALLOC(domain, object, bytes)     the pool has given out an object
 *	TRACKER_POOL_FREE(domain, object)             ... and has got it back
 *	TRACKER_POOL_CLEAR(domain, begin, bytes)      all objects in that memory are gone, as one call: a reset, a destroy
 *	TRACKER_POOL_CLEAR(domain)                    all objects of the domain are gone
 *
 * Their values are those of tracker_track, tracker_untrack and tracker_untrack_range.
 */
#define TRACKER_POOL_ALLOC(domain, object, bytes) tracker_track((domain), (uintptr_t)(object), (size_t)(bytes))
#define TRACKER_POOL_FREE(domain, object) tracker_untrack((domain), (uintptr_t)(object))
#define TRACKER_POOL_CLEAR(...) TRACKER_POOL_CLEAR_OF_(__VA_ARGS__, RANGE_, 2, ALL_, )(__VA_ARGS__)
#define TRACKER_POOL_CLEAR_OF_(domain, begin, bytes, which, ...) TRACKER_PASTE_(TRACKER_POOL_CLEAR_, which)
#define TRACKER_POOL_CLEAR_ALL_(domain) tracker_untrack_range((domain), 0, SIZE_MAX)
#define TRACKER_POOL_CLEAR_RANGE_(domain, begin, bytes) tracker_untrack_range((domain), (uintptr_t)(begin), (size_t)(bytes))

/*
 * Writes where the block was allocated that `ptr` points to, or into: modules and offsets, the most recent call
 * first. Signal handlers may call it, too: it needs no heap and takes no lock. TRACKER_OK; TRACKER_ENOENT: no traced
 * block is there; TRACKER_EDISABLED, TRACKER_EIO.
 */
static inline int tracker_dump_traceback(int fd, const void *ptr)
{
	return TRACKER_CALL_(dump_traceback, TRACKER_EDISABLED, (fd, ptr));
}

/* ---- captures that the program makes itself: what memray's Tracker does ---- */

/* Sets all fields to their defaults, which the comments of the fields name. */
static inline void tracker_options_init(tracker_options *options)
{
	const tracker_options defaults = {
		sizeof(tracker_options), NULL, NULL, true, false, false, false, 10, TRACKER_FILE_FORMAT_ALL_ALLOCATIONS, 1024
	};

	*options = defaults;
}

/*
 * Opens the file, or waits until a client (tracker live PORT, tracker receive) has connected to the socket; nothing is recorded
 * yet. NULL: it failed. Then tracker_last_error says why, and tracker_last_code says which kind of failure it is: TRACKER_EINVAL,
 * TRACKER_EEXIST (the file exists, and overwrite is false), TRACKER_EIO (it cannot be created; nobody can listen there; a signal came
 * whose handler does not restart calls), TRACKER_ENOTSUP, TRACKER_ENOMEM, TRACKER_EDISABLED. The capture is the caller's, who frees it.
 */
static inline tracker_capture *tracker_capture_new(const tracker_options *options)
{
	return TRACKER_CALL_(capture_new, NULL, (options));
}

/*
 * From now on everything that this process allocates is recorded, in every thread. TRACKER_EBUSY: another capture is
 * active in this process (what tracker run records does not count). TRACKER_ESTALE: this one was entered before.
 * TRACKER_EINVAL, TRACKER_EIO.
 */
static inline int tracker_capture_enter(tracker_capture *capture)
{
	return TRACKER_CALL_(capture_enter, TRACKER_EDISABLED, (capture));
}

/*
 * Ends the capture, and waits until its file is finished. Names are looked up, which takes as long as at the end of
 * tracker run. TRACKER_EINVAL: the capture is not active here. TRACKER_EIO: the file is not whole. If a program ends
 * or is killed without this call, its file is whole, too. Of a socket: waits until the client has all; TRACKER_EIO: it has gone, or takes
 * no more. A client that goes away earlier does not end the capture.
 */
static inline int tracker_capture_exit(tracker_capture *capture)
{
	return TRACKER_CALL_(capture_exit, TRACKER_EDISABLED, (capture));
}

/*
 * Exits the capture if it is active, and frees it. A capture that was never entered leaves no file behind. NULL: does
 * nothing. Errors as in tracker_capture_exit.
 */
static inline int tracker_capture_free(tracker_capture *capture)
{
	return TRACKER_CALL_(capture_free, TRACKER_EDISABLED, (capture));
}

/* 1 while a capture is active in this process, otherwise 0. */
static inline int tracker_capture_is_active(void)
{
	return TRACKER_CALL_(capture_is_active, 0, ());
}

/*
 * Looks at the memory of this process now, and waits for the result: which live blocks can still be reached. tracker leaks shows the
 * look of that label (NULL: none) in the capture. *ret (NULL: not wanted) gets the sums. All threads stand still for some
 * milliseconds. TRACKER_EDISABLED: tracker run --leak-check does not record this program. TRACKER_ENOTSUP: the memory could not be
 * looked at; tracker leaks says why. TRACKER_EIO: the recorder does not answer.
 */
static inline int tracker_leak_check(const char *label, tracker_leaks *ret)
{
	return TRACKER_CALL_(leak_check, TRACKER_EDISABLED, (label, ret));
}

/* ---- classes and objects that are tracked: what pympler's ClassTracker does ---- */

/*
 * From now on, what is allocated and holds a type that matches the pattern (fnmatch(3), of the whole demangled name) is tracked: when
 * it was born and died, and how large it is, and what it leads to, at each snapshot. tracker types summary, stats and history show it.
 * What was allocated before is not tracked. "Base+" are all classes that are derived from Base, too. What says the type: tracker_annotate
 * and its like, the allocating frames, or, at a snapshot, the object's virtual table. Called again, it changes how the class is tracked.
 * TRACKER_EINVAL: no name. TRACKER_EDISABLED, TRACKER_ENOTSUP: the recording does not know single blocks. TRACKER_ENOMEM: 256 are tracked.
 */
static inline int tracker_track_class(const char *type_name, const tracker_track_options *options)
{
	return TRACKER_CALL_(class_do, TRACKER_EDISABLED, (TRACKER_CLASS_TRACK_, NULL, type_name, options));
}

/*
 * The same for one block, at whose beginning ptr points. type_name: NULL or "" is the type that it has otherwise. TRACKER_OK, also if it
 * is tracked already, which changes nothing. TRACKER_ENOENT: no live block begins there.
 */
static inline int tracker_track_object(const void *ptr, const char *type_name, const tracker_track_options *options)
{
	return TRACKER_CALL_(class_do, TRACKER_EDISABLED, (TRACKER_CLASS_OBJECT_, ptr, type_name, options));
}

/* From the next snapshot on, that object is shown with this resolution level. TRACKER_ENOENT: it is not tracked. */
static inline int tracker_track_change(const void *ptr, unsigned resolution_level)
{
	const tracker_track_options options = { NULL, resolution_level, false, false };

	return TRACKER_CALL_(class_do, TRACKER_EDISABLED, (TRACKER_CLASS_CHANGE_, ptr, NULL, &options));
}

/* What is allocated from now on is no longer tracked by that pattern; what is tracked already stays. TRACKER_ENOENT: it was not tracked. */
static inline int tracker_detach_class(const char *type_name)
{
	return TRACKER_CALL_(class_do, TRACKER_EDISABLED, (TRACKER_CLASS_DETACH_, NULL, type_name, NULL));
}

static inline int tracker_detach_all_classes(void)
{
	return TRACKER_CALL_(class_do, TRACKER_EDISABLED, (TRACKER_CLASS_DETACH_CLASSES_, NULL, NULL, NULL));
}

/* ... and the objects are not, either. */
static inline int tracker_detach_all(void)
{
	return TRACKER_CALL_(class_do, TRACKER_EDISABLED, (TRACKER_CLASS_DETACH_ALL_, NULL, NULL, NULL));
}

/* ... and reports forget them, and all snapshots so far. */
static inline int tracker_clear(void)
{
	return TRACKER_CALL_(class_do, TRACKER_EDISABLED, (TRACKER_CLASS_CLEAR_, NULL, NULL, NULL));
}

/* Reports print this text (at most 128 bytes; it is copied) beside the object. TRACKER_EINVAL: the block or the label is NULL. */
static inline int tracker_annotate_label(const void *ptr, const char *label)
{
	return TRACKER_CALL_(annotate_label, TRACKER_EDISABLED, (ptr, label));
}

/*
 * A snapshot: sizes of everything that is tracked, and the memory of the process. description: NULL or ""; otherwise it is a mark, too.
 * If something is tracked, or with compute_total (what can be reached, and what cannot), the program's memory is looked at: all threads stand
 * still for some milliseconds, and this one waits for the result. Otherwise nobody stands still. Not for signal handlers.
 */
static inline int tracker_create_snapshot(const char *description, bool compute_total)
{
	return TRACKER_CALL_(create_snapshot, TRACKER_EDISABLED, (description, compute_total));
}

/*
 * A snapshot every so many seconds (1.0 is usual; from 0.001 on), taken by the recorder: the program has no thread for it. Called again, it
 * changes the distance. TRACKER_EINVAL: it is no such number.
 */
static inline int tracker_start_periodic_snapshots(double interval_seconds)
{
	if (!(interval_seconds >= 0.001 && interval_seconds <= 1e9))
		return TRACKER_CALL_(periodic_snapshots, TRACKER_EDISABLED, (UINT64_MAX));
	return TRACKER_CALL_(periodic_snapshots, TRACKER_EDISABLED, ((uint64_t)(interval_seconds * 1e9)));
}

/* No more of them, at once. */
static inline int tracker_stop_periodic_snapshots(void)
{
	return TRACKER_CALL_(periodic_snapshots, TRACKER_EDISABLED, (0));
}

/*
 * Writes everything up to now into that file, which is overwritten: a capture, which tracker types reads like the whole one. Periodic
 * snapshots end. TRACKER_EIO: it cannot be written. TRACKER_ENOTSUP: the recording is in pieces, aggregated or in a pipe.
 */
static inline int tracker_dump_stats(const char *path)
{
	return TRACKER_CALL_(dump_stats, TRACKER_EDISABLED, (path));
}

#ifdef __cplusplus
}
#endif

#endif
