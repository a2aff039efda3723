/*
 * tracker.h - talk to the tracker that records this program.
 *
 * A program that includes this header builds, links and runs without tracker:
 * the calls then return TRACKER_EDISABLED at the cost of a branch. Under
 * `tracker run` they reach the recording. C99 and C++11. All functions may be
 * called from any thread; none allocates.
 */
#ifndef TRACKER_H
#define TRACKER_H

#include <stddef.h>

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

/*
 * The library's side of the calls below. Members are only ever added at the end: a program may have been
 * built with an older or a newer header than the library that it meets, so `bytes` says how much of it is there.
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
};

/*
 * A weak reference to the library's own symbols would be settled when a
 * position-independent program is linked; asking the loader works in all of them.
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

/* Calls `member` of the library, if it is there and has it. */
#define TRACKER_HAS_(api, member) ((api) && offsetof(struct tracker_api_, member) < (api)->bytes)
#define TRACKER_CALL_(member, otherwise, arguments) \
	(TRACKER_HAS_(tracker_find_(), member) ? tracker_find_()->member arguments : (otherwise))

/* A sentence for a code of enum tracker_error; for any other one, too. Never NULL. */
static inline const char *tracker_strerror(int code)
{
	static const char *const sentences[] = {
		"no error", "out of memory", "tracker is not recording this program", "invalid argument", "already running",
		"the recorder cannot be reached", "the output file exists", "this was used before", "not available here", "not tracked"
	};

	return code <= 0 && code >= TRACKER_ENOENT ? sentences[-code] : "unknown error";
}

/*
 * A full sentence about the calling thread's last call that failed: what happened and what to do.
 * Never NULL, "" when none has failed. Valid until the thread's next failure.
 */
static inline const char *tracker_last_error(void)
{
	return TRACKER_CALL_(last_error, "tracker is not there: run the program with tracker run, or link it with -ltracker", ());
}

/* "0.1.0": of the library that was found; "" without one. */
static inline const char *tracker_version(void)
{
	return TRACKER_CALL_(version, "", ());
}

/* 1 when this program is being recorded, 0 otherwise. */
static inline int tracker_is_available(void)
{
	return TRACKER_CALL_(is_available, 0, ());
}

/*
 * Names this moment: reports take it as CAPTURE@LABEL. The label (at most 1023
 * bytes) is copied. TRACKER_OK, TRACKER_EDISABLED, TRACKER_EINVAL (NULL or empty).
 */
static inline int tracker_mark(const char *label)
{
	return TRACKER_CALL_(mark, TRACKER_EDISABLED, (label));
}

/* Begins and ends a named span of this thread's work; spans of one name nest. Errors as tracker_mark. */
static inline int tracker_region_begin(const char *name)
{
	return TRACKER_CALL_(region_begin, TRACKER_EDISABLED, (name));
}

static inline int tracker_region_end(const char *name)
{
	return TRACKER_CALL_(region_end, TRACKER_EDISABLED, (name));
}

/*
 * Forgets what is live: reports of what comes later do not count it, its release is ignored, and the peak begins
 * anew. Totals of allocations stay. TRACKER_OK, TRACKER_EDISABLED.
 */
static inline int tracker_clear_traces(void)
{
	return TRACKER_CALL_(clear_traces, TRACKER_EDISABLED, ());
}

#ifdef __cplusplus
}
#endif

#endif
