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

/* The library's side of the calls below; absent when the program runs without it. */
extern int tracker_mark_(const char *label) __attribute__((weak));
extern int tracker_region_begin_(const char *name) __attribute__((weak));
extern int tracker_region_end_(const char *name) __attribute__((weak));
extern int tracker_is_available_(void) __attribute__((weak));

/* 1 when this program is being recorded, 0 otherwise. */
static inline int tracker_is_available(void)
{
	return tracker_is_available_ ? tracker_is_available_() : 0;
}

/*
 * Names this moment: reports take it as CAPTURE@LABEL. The label (at most 1023
 * bytes) is copied. TRACKER_OK, TRACKER_EDISABLED, TRACKER_EINVAL (NULL or empty).
 */
static inline int tracker_mark(const char *label)
{
	return tracker_mark_ ? tracker_mark_(label) : TRACKER_EDISABLED;
}

/* Begins and ends a named span of this thread's work; spans of one name nest. Errors as tracker_mark. */
static inline int tracker_region_begin(const char *name)
{
	return tracker_region_begin_ ? tracker_region_begin_(name) : TRACKER_EDISABLED;
}

static inline int tracker_region_end(const char *name)
{
	return tracker_region_end_ ? tracker_region_end_(name) : TRACKER_EDISABLED;
}

#ifdef __cplusplus
}
#endif

#endif
