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

/* The library's side of the calls below. */
struct tracker_api_ {
	int (*is_available)(void);
	int (*mark)(const char *label);
	int (*region_begin)(const char *name);
	int (*region_end)(const char *name);
	int (*clear_traces)(void);
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
					 (const struct tracker_api_ *)tracker_dlsym_((void *)0, "tracker_api_1"),
					 __ATOMIC_RELAXED);
		__atomic_store_n(&looked, 1, __ATOMIC_RELEASE);
	}
	return __atomic_load_n(&found, __ATOMIC_RELAXED);
}

/* 1 when this program is being recorded, 0 otherwise. */
static inline int tracker_is_available(void)
{
	const struct tracker_api_ *const api = tracker_find_();

	return api ? api->is_available() : 0;
}

/*
 * Names this moment: reports take it as CAPTURE@LABEL. The label (at most 1023
 * bytes) is copied. TRACKER_OK, TRACKER_EDISABLED, TRACKER_EINVAL (NULL or empty).
 */
static inline int tracker_mark(const char *label)
{
	const struct tracker_api_ *const api = tracker_find_();

	return api ? api->mark(label) : TRACKER_EDISABLED;
}

/* Begins and ends a named span of this thread's work; spans of one name nest. Errors as tracker_mark. */
static inline int tracker_region_begin(const char *name)
{
	const struct tracker_api_ *const api = tracker_find_();

	return api ? api->region_begin(name) : TRACKER_EDISABLED;
}

static inline int tracker_region_end(const char *name)
{
	const struct tracker_api_ *const api = tracker_find_();

	return api ? api->region_end(name) : TRACKER_EDISABLED;
}

/*
 * Forgets what is live: reports of what comes later do not count it, its release is ignored, and the peak begins
 * anew. Totals of allocations stay. TRACKER_OK, TRACKER_EDISABLED.
 */
static inline int tracker_clear_traces(void)
{
	const struct tracker_api_ *const api = tracker_find_();

	return api ? api->clear_traces() : TRACKER_EDISABLED;
}

#ifdef __cplusplus
}
#endif

#endif
