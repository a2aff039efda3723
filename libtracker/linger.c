/* linger - see linger.h. */
#include "linger.h"

#include <string.h>

#include "raw.h"
#include "rules.h"
#include "state.h"

#define ROUNDS_MAX 8u /* rounds of the recorder, of at most 10 ms each while nothing comes */
#define SPINS_MAX 20000000u /* it may have stopped */

#define GONE_MAX 16u
#define WAITS_MAX 64u /* unloadings that wait: a program that loads and unloads all the time is not to be slowed down for names */

static _Atomic uint32_t told;
static _Atomic bool in_doubt;
static _Atomic bool code_made; /* and the recorder may still have to find out what it is */
static _Atomic bool has_arenas;
/*
 * Names of files that were deleted before the recorder was told of them: a library may be deleted as soon as it is
 * loaded.
 */
static _Atomic uint32_t gone[GONE_MAX], gone_count;

static bool is_deleted(const char *path)
{
	static const char suffix[] = " (deleted)";
	const size_t n = strlen(path), m = sizeof(suffix) - 1;

	return n > m && memcmp(path + n - m, suffix, m) == 0;
}

static uint64_t inode_of(const char *path)
{
	struct stat st;

	return arch_syscall(SYS_newfstatat, AT_FDCWD, (long)path, (long)&st, 0, 0, 0) == 0 ? st.st_ino : 0;
}

void linger_start(void)
{
	const struct shm_header *const h = &state.shm->header;

	if (is_deleted(state.executable) || inode_of("/") != h->root_inode ||
	    inode_of("/proc/self/ns/mnt") != h->mount_namespace)
		atomic_store(&in_doubt, true);
}

void linger_told(uint32_t name_hash)
{
	atomic_fetch_add(&told, 1);
	for (unsigned i = 0; i < GONE_MAX; i++)
		if (atomic_load_explicit(&gone[i], memory_order_relaxed) == name_hash)
			atomic_store(&in_doubt, true);
}

void linger_forked(void)
{
	atomic_store(&told, 0);
	atomic_store(&code_made, false); /* the recorder knows from the parent what a forked child inherited */
	atomic_store(&has_arenas, false); /* what is inherited is not the child's */
}

/* Compares the last part of the name, because only the kernel knows in which directory it is. */
void linger_file_goes(const char *path)
{
	const uint32_t hash = rules_hash_of_name(path);

	if (!state.on)
		return;
	if (rules_knows_file(hash))
		atomic_store(&in_doubt, true);
	else
		atomic_store(&gone[atomic_fetch_add(&gone_count, 1) % GONE_MAX], hash);
}

void linger_code_made(void)
{
	if (!atomic_load_explicit(&code_made, memory_order_relaxed))
		atomic_store_explicit(&code_made, true, memory_order_relaxed);
}

static bool code_is_seen(void)
{
	return !atomic_load_explicit(&code_made, memory_order_relaxed) ||
	       atomic_load_explicit(&state.process->code_seen, memory_order_acquire);
}

static uint32_t rounds(void)
{
	return atomic_load_explicit(&state.shm->header.progress, memory_order_relaxed);
}

static bool modules_are_seen(void)
{
	return atomic_load_explicit(&state.process->modules_seen, memory_order_acquire) >= atomic_load(&told);
}

static bool all_is_seen(void)
{
	return modules_are_seen() && code_is_seen();
}

void linger_arena(void)
{
	atomic_store(&has_arenas, true);
}

static bool has_looked(void)
{
	return !atomic_load_explicit(&state.process->arena_look, memory_order_acquire);
}

static void wait_until(bool (*done)(void))
{
	const uint32_t first = rounds();

	for (uint32_t i = 0; i < SPINS_MAX && rounds() - first < ROUNDS_MAX; i++) {
		if (done() || atomic_load_explicit(&state.shm->header.closed, memory_order_relaxed))
			break;
		arch_pause();
	}
}

static bool may_wait(void)
{
	return state.on && *state.fork_page && !state.announce_modules;
}

void linger_before_file_goes(void)
{
	if (likely(code_is_seen()) || !may_wait())
		return;
	wait_until(code_is_seen);
	atomic_store(&code_made, false);
}

void linger_before_code_goes(void)
{
	static _Atomic uint32_t waits;

	if (likely(!atomic_load_explicit(&in_doubt, memory_order_relaxed)) || !may_wait() || modules_are_seen())
		return;
	if (atomic_load_explicit(&waits, memory_order_relaxed) >= WAITS_MAX)
		return;
	wait_until(modules_are_seen);
	atomic_fetch_add(&waits, modules_are_seen() ? 1 : WAITS_MAX); /* in vain: the recorder stands still, or is gone */
}

__attribute__((destructor)) static void linger(void)
{
	if (!may_wait())
		return;
	wait_until(atomic_load(&in_doubt) ? all_is_seen : code_is_seen);
	if (atomic_load(&has_arenas)) {
		atomic_store_explicit(&state.process->arena_look, 1, memory_order_release);
		wait_until(has_looked);
	}
}
