/* watchers - see watchers.h. */
#include "watchers.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "asked.h"
#include "free_check.h"
#include "born.h"
#include "error.h"
#include "quarantine.h"
#include "raw.h"
#include "start.h"
#include "thread.h"

#define STACK_MOST ((uintptr_t)8 << 20) /* a thread's own stack counts as reaching so far below its stack top */
#define READERS_WAIT_NS 100000
#define READERS_WAITS 10000 /* a second */

/* The watchers of a thread. Mapped at its first watcher. */
struct watching {
	struct watcher watchers[WATCHERS];
	uintptr_t stack_top;
	uint32_t end_rounds;
	struct cfi_scratch cfi;
};

/* Of the process. */
struct watched {
	struct watcher watchers[WATCHERS];
	_Atomic uint32_t count, readers, serial;
	pthread_key_t end_key;
	bool have_key;
};

__thread struct watch_tls watch_tls __attribute__((tls_model("initial-exec")));

static _Atomic(struct watched *) everyone;
static const char claimed; /* object of a watcher that is being filled */

/* Only glibc has it: session.c. */
extern void *__libc_stack_end __attribute__((weak));

/* ---- a thread's own table ---- */

static void thread_ends(void *data);

/* Two threads may enter their first watcher at once. Then one key more than necessary is taken. */
static struct watched *everyone_get(void)
{
	struct watched *all = atomic_load(&everyone), *expected = NULL;

	if (all)
		return all;
	all = raw_map_private(sizeof(*all));
	if (!all)
		return NULL;
	all->serial = WATCH_FIRED;
	all->have_key = pthread_key_create(&all->end_key, thread_ends) == 0;
	if (atomic_compare_exchange_strong(&everyone, &expected, all))
		return all;
	raw_release(all, sizeof(*all));
	return expected;
}

static struct watching *mine_get(const struct watched *all)
{
	struct watching *mine = watch_tls.mine;

	if (mine)
		return mine;
	mine = raw_map_private(sizeof(*mine));
	if (!mine)
		return NULL;
	mine->stack_top = raw_gettid() == raw_getpid() && &__libc_stack_end ? (uintptr_t)__libc_stack_end : (uintptr_t)pthread_self();
	watch_tls.mine = mine;
	if (all->have_key)
		thread_set_key(all->end_key, mine, (uintptr_t)__builtin_frame_address(0));
	return mine;
}

const void *watch_owner(void)
{
	return watch_tls.mine;
}

struct cfi_scratch *watch_scratch(void)
{
	return watch_tls.mine ? &watch_tls.mine->cfi : NULL;
}

bool watch_any(void)
{
	const struct watched *const all = atomic_load_explicit(&everyone, memory_order_acquire);

	return watch_tls.mine || asked_counts() || (all && atomic_load_explicit(&all->count, memory_order_relaxed));
}

/* ---- blocks that were left by longjmp ---- */

static bool on_own_stack(uintptr_t address)
{
	const uintptr_t top = watch_tls.mine->stack_top;

	return address < top && top - address <= STACK_MOST;
}

static bool on_signal_stack(void)
{
	stack_t s;

	return arch_syscall(SYS_sigaltstack, 0, (long)&s, 0, 0, 0, 0) == 0 && s.ss_flags & SS_ONSTACK;
}

static bool is_overwritten(const struct watcher *w)
{
	unsigned serial;

	if (on_own_stack((uintptr_t)w->guard))
		return w->guard->serial != w->serial;
	return raw_read_memory((uintptr_t)&w->guard->serial, &serial, sizeof(serial)) == sizeof(serial) && serial != w->serial;
}

static bool is_left(const struct watcher *w, uintptr_t sp)
{
	if (!w->guard || w->owner != watch_tls.mine)
		return false;
	return is_overwritten(w) || ((uintptr_t)w->guard < sp && on_own_stack((uintptr_t)w->guard) && on_own_stack(sp) && !on_signal_stack());
}

/* ---- tables ---- */

static bool is_there(const void *object)
{
	return object && object != &claimed;
}

void watch_take_out(struct watcher *w, void *object, bool process)
{
	/* another thread may have taken it out, and put another one in its place */
	if (!atomic_compare_exchange_strong(&w->object, &object, NULL))
		return;
	if (process)
		atomic_fetch_sub(&atomic_load(&everyone)->count, 1);
	start_hold(-1);
}

/* A copy of one that is there; its parts are of one and the same: another thread may put another one in its place. */
static bool see(struct watcher *w, struct watcher *ret)
{
	void *const object = atomic_load_explicit(&w->object, memory_order_acquire);

	if (!is_there(object))
		return false;
	*ret = (struct watcher){
		.object = object,
		.guard = w->guard,
		.owner = w->owner,
		.serial = w->serial,
		.kind = w->kind,
	};
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&w->object, memory_order_relaxed) == object;
}

static void sweep(struct watcher *watchers, bool process, uintptr_t sp)
{
	for (unsigned i = 0; i < WATCHERS; i++) {
		struct watcher seen;

		if (see(&watchers[i], &seen) && is_left(&seen, sp))
			watch_take_out(&watchers[i], seen.object, process);
	}
}

void watch_sweep(uintptr_t sp)
{
	struct watched *const all = atomic_load(&everyone);

	if (!watch_tls.mine)
		return;
	sweep(watch_tls.mine->watchers, false, sp);
	if (atomic_load(&all->count))
		sweep(all->watchers, true, sp);
}

static void look_at(struct watcher *watchers, bool process, uintptr_t sp, watch_look *look, void *data)
{
	for (unsigned i = 0; i < WATCHERS; i++) {
		struct watcher seen;

		if (!see(&watchers[i], &seen))
			continue;
		if (unlikely(is_left(&seen, sp)))
			watch_take_out(&watchers[i], seen.object, process);
		else
			look(&seen, &watchers[i], process, data);
	}
}

void watch_each(watch_look *look, void *data, uintptr_t sp)
{
	struct watched *const all = atomic_load(&everyone);

	if (watch_tls.mine)
		look_at(watch_tls.mine->watchers, false, sp, look, data);
	if (!all || !atomic_load(&all->count))
		return;
	atomic_fetch_add(&all->readers, 1);
	look_at(all->watchers, true, sp, look, data);
	atomic_fetch_sub(&all->readers, 1);
}

/* The object of a watcher that is in no table any more may lie where another function's local variables are now. */
static void wait_for_readers(struct watched *all)
{
	const uint32_t own = watch_tls.acting != 0;
	_Atomic uint32_t never = 0;

	for (unsigned i = 0; atomic_load(&all->readers) > own && i < READERS_WAITS; i++)
		raw_futex_wait(&never, 0, READERS_WAIT_NS);
}

static struct watcher *claim(struct watcher *watchers)
{
	for (unsigned i = 0; i < WATCHERS; i++) {
		void *expected = NULL;

		if (atomic_compare_exchange_strong(&watchers[i].object, &expected, (void *)&claimed))
			return &watchers[i];
	}
	return NULL;
}

static struct watcher *find(struct watcher *watchers, const void *object)
{
	for (unsigned i = 0; i < WATCHERS; i++)
		if (atomic_load(&watchers[i].object) == object)
			return &watchers[i];
	return NULL;
}

static struct watcher *table_of(bool process)
{
	struct watched *const all = atomic_load(&everyone);

	if (process)
		return all ? all->watchers : NULL;
	return watch_tls.mine ? watch_tls.mine->watchers : NULL;
}

bool watch_has(const void *object, bool process)
{
	struct watcher *const table = table_of(process);

	return table && find(table, object);
}

bool watch_remove(const void *object, bool process)
{
	struct watcher *const table = table_of(process), *const w = table ? find(table, object) : NULL;

	if (w)
		watch_take_out(w, (void *)object, process);
	if (process && table)
		wait_for_readers(atomic_load(&everyone));
	return w != NULL;
}

int watch_add(const struct watcher *w, bool process, uintptr_t sp, uint32_t *ret_serial)
{
	struct watched *const all = everyone_get();
	struct watching *const mine = all ? mine_get(all) : NULL;
	struct watcher *room;

	if (!mine || !born_start())
		return error_set(TRACKER_ENOMEM, "there is no memory to watch allocations with");
	watch_sweep(sp);
	room = claim(process ? all->watchers : mine->watchers);
	if (!room)
		return error_set(TRACKER_ENOMEM, "16 alarms, sizes and asserted blocks run already");
	do
		*ret_serial = atomic_fetch_add(&all->serial, 1) + 1;
	while (*ret_serial <= WATCH_FIRED);
	if (w->guard)
		w->guard->serial = *ret_serial;
	room->guard = w->guard;
	room->owner = w->owner ? w->owner : mine;
	room->serial = *ret_serial;
	room->kind = w->kind;
	if (process)
		atomic_fetch_add(&all->count, 1);
	if (start_hold(1) == 1)
		born_forget();
	atomic_store(&room->object, atomic_load(&w->object));
	return TRACKER_OK;
}

/* ---- ends of threads, and forks ---- */

/*
 * Others may enter it then. The objects on the stack of the thread that ended belong to nobody any more, and must not
 * be written to.
 */
static void disown(void *object, int kind)
{
	if (on_own_stack((uintptr_t)object))
		return;
	if (kind == TRACKER_WATCH_ALARM_)
		((tracker_alarm *)object)->owner_ = NULL;
	else if (kind == TRACKER_WATCH_SIZE_)
		((tracker_allocation_size *)object)->owner_ = NULL;
}

static void drop_own(struct watcher *watchers, bool process)
{
	for (unsigned i = 0; i < WATCHERS; i++) {
		void *const object = atomic_load(&watchers[i].object);

		if (!is_there(object) || watchers[i].owner != watch_tls.mine)
			continue;
		disown(object, watchers[i].kind);
		watch_take_out(&watchers[i], object, process);
	}
}

/* In the last round, so that watchers that other destructors enter are dropped, too. */
static void thread_ends(void *data)
{
	struct watched *const all = atomic_load(&everyone);
	struct watching *const mine = data;

	if (watch_tls.mine != mine)
		return;
	if (++mine->end_rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
		(void)pthread_setspecific(all->end_key, mine);
		return;
	}
	drop_own(mine->watchers, false);
	drop_own(all->watchers, true);
	wait_for_readers(all);
	watch_tls.mine = NULL;
	raw_release(mine, sizeof(*mine));
}

void watch_forked(void)
{
	struct watched *const all = atomic_load(&everyone);
	uint32_t of_thread = 0, of_process = 0;

	if (!all)
		return;
	atomic_store(&all->readers, watch_tls.acting != 0);
	for (unsigned i = 0; i < WATCHERS; i++) {
		struct watcher *const w = &all->watchers[i];

		if (w->owner != watch_tls.mine && w->owner != atomic_load(&w->object))
			atomic_store(&w->object, NULL);
		of_process += is_there(atomic_load(&w->object));
		of_thread += watch_tls.mine && is_there(atomic_load(&watch_tls.mine->watchers[i].object));
	}
	atomic_store(&all->count, of_process);
	start_hold_only(of_thread + of_process + asked_counts() + free_check_holds() + quarantine_holds());
}
