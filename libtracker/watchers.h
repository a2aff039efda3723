/*
 * watchers - what the program has asked the hooks to look at: alarms, sizes, and the blocks of TRACKER_ASSERT_
 * (tracker.h).
 *
 * Each one that is entered is a watcher. It holds the hooks (start.h), so that they take the path below. While
 * nothing is watched, hooks do none of this. A watcher of a thread is in the thread's own table, which is mapped when
 * the thread enters its first one. A watcher of the process is in the table of the process. Nothing here takes a
 * lock. A hook that looks at the table of the process counts as a reader, and a thread that takes a watcher out of it
 * waits until there is no other reader.
 *
 * longjmp leaves a block of the program without notice. A watcher of a block knows the block's record on the stack.
 * If that was overwritten, or lies below the stack pointer, the watcher is dropped.
 */
#ifndef WATCHERS_H
#define WATCHERS_H

#include "state.h"
#include "tracker.h"

enum { WATCHERS = 16 }; /* the most of a thread, and of the process */

/* serial_ of an alarm that has fired and disarmed itself. A watcher's serial is greater. */
enum { WATCH_FIRED = 1 };

struct watcher {
	_Atomic(void *) object; /* NULL: free */
	struct tracker_watch_ *guard; /* NULL: it is of no block */
	const void *owner; /* watch_owner of the thread that entered it; its own object: none, and forked children have it, too */
	uint32_t serial;
	int kind; /* enum tracker_watch_kind_ */
};

/* An allocating call. */
struct watch_call {
	const struct site *at;
	size_t size;
	void *old; /* what a realloc gives back, or NULL */
	uint8_t kind; /* enum trk_kind */
	bool may_throw, nothrow; /* operator new; that must not */
	bool judged, counts; /* for watch_before: there are watchers, and the call matters to them */
	uint32_t blocks_before, followed; /* of the old block: born.h */
};

/* ---- for hooks ---- */

/*
 * Called before the real function. False: the real function must not be called, and the call fails for lack of
 * memory. May not return.
 */
bool watch_before(struct watch_call *c);
/* The call made p; NULL: the call failed. */
void watch_after(const struct watch_call *c, void *p);
/* A block is about to be released, under any name. */
void watch_release(void *p);

/* ---- for alarm.c ---- */

/*
 * TRACKER_OK and the watcher's serial, or the error that there is no room for one more. sp: the caller's; its frames
 * are above it.
 */
int watch_add(const struct watcher *w, bool process, uintptr_t sp, uint32_t *ret_serial);
/* False: it is not there. */
bool watch_remove(const void *object, bool process);
bool watch_has(const void *object, bool process);
/* Takes out watchers whose blocks longjmp left. */
void watch_sweep(uintptr_t sp);
/* Identifies the calling thread as long as it lives. NULL: it has entered nothing yet, or there is no memory. */
const void *watch_owner(void);

/* ---- for watch_judge.c ---- */

/* Calls `look` for all watchers of the thread and of the process. */
typedef void watch_look(const struct watcher *seen, struct watcher *place, bool process, void *data);
void watch_each(watch_look *look, void *data, uintptr_t sp);
void watch_take_out(struct watcher *place, void *object, bool process);
/* Whether there is a watcher. */
bool watch_any(void);
/* Memory of the calling thread for a walk over its stack; NULL: there is none. */
struct cfi_scratch *watch_scratch(void);

/* Called in the only thread of a forked child: drops the watchers of other threads. */
void watch_forked(void);

/*
 * sp of the hook that judges a call or acts on it. Calls that are made from there are not the program's. longjmp or
 * an exception may have left it: then the next call comes from above it.
 */
struct watch_tls {
	struct watching *mine;
	uintptr_t acting;
};

extern __thread struct watch_tls watch_tls __attribute__((tls_model("initial-exec")));

#endif
