/* execution - see execution.h. */
#include "execution.h"

#include <string.h>

#include "raw.h"
#include "environment.h"
#include "image.h"
#include "way.h"

/* At most so many bytes of an environment are copied on the stack. */
#define ROOM_MAX (256u << 10)

/* ---- what is executed ---- */

/* The end of a long path tells programs apart. */
static void set_path(struct shm_exec *entry, const char *folder, const char *path)
{
	const size_t room = sizeof(entry->path) - 1, n = strlen(path), m = strlen(folder);
	char *const to = entry->path;

	if (m + n <= room) {
		memcpy(to, folder, m);
		memcpy(to + m, path, n + 1);
	} else {
		const size_t kept = n < room - 3 ? n : room - 3;

		memcpy(to, "...", 3);
		memcpy(to + 3, path + n - kept, kept + 1);
	}
}

static void note_link(struct shm_exec *entry, const char *link)
{
	char name[512];
	const long n = raw_readlink(link, name, sizeof(name) - 1);

	name[n > 0 ? n : 0] = 0;
	set_path(entry, "", n > 0 ? name : link);
}

static void note_descriptor(struct shm_exec *entry, int fd)
{
	char link[32] = "/proc/self/fd/", *at = link + strlen(link);
	char digits[12];
	unsigned n = 0;

	do
		digits[n++] = (char)('0' + fd % 10);
	while ((fd /= 10) > 0);
	while (n)
		*at++ = digits[--n];
	*at = 0;
	note_link(entry, link);
}

static void note_path(struct shm_exec *entry, const struct target *t)
{
	const char *path = t->path;
	char folder[512];
	long n;

	if (!path) {
		note_descriptor(entry, t->fd);
		return;
	}
	if (strncmp(path, "/proc/", 6) == 0) {
		note_link(entry, path);
		return;
	}
	if (path[0] == '/' || t->fd != AT_FDCWD || !strchr(path, '/')) {
		set_path(entry, "", path);
		return;
	}
	n = arch_syscall(SYS_getcwd, (long)folder, sizeof(folder) - 1, 0, 0, 0, 0); /* with the NUL */
	if (n < 2 || folder[0] != '/')
		n = 1;
	folder[n - 1] = '/';
	folder[n] = 0;
	set_path(entry, n > 1 ? folder + (n == 2) : "", path + (strncmp(path, "./", 2) == 0 ? 2 : 0));
}

/* ---- the entry ---- */

static struct shm_exec *claim(void)
{
	struct shm_execs *const table = &state.shm->execs;

	for (uint32_t i = 0; i < SHM_EXECS; i++) {
		uint32_t expected = SHM_FREE, high = atomic_load(&table->high);

		if (atomic_load_explicit(&table->entries[i].state, memory_order_relaxed) != SHM_FREE ||
		    !atomic_compare_exchange_strong(&table->entries[i].state, &expected, SHM_CLAIMED))
			continue;
		while (high <= i && !atomic_compare_exchange_weak(&table->high, &high, i + 1))
			;
		return &table->entries[i];
	}
	atomic_fetch_add(&table->untold, 1);
	return NULL;
}

static void withdraw(struct shm_exec *entry)
{
	uint32_t expected = SHM_LIVE;

	/* the recorder may have taken it over */
	(void)atomic_compare_exchange_strong(&entry->state, &expected, SHM_FREE);
}

static void fill(struct shm_exec *entry, const struct target *target, bool open)
{
	entry->pid = open ? raw_outer_pid() : raw_getpid();
	entry->flags = open ? 0 : SHM_EXEC_INNER_PID;
	entry->serial++;
	entry->process = state.process_slot;
	entry->number = atomic_load(&state.shm->header.programs);
	atomic_store(&entry->request, SHM_REQUEST_NONE);
	note_path(entry, target);
}

/* ---- a way for the new program ---- */

static bool library_is_there(void)
{
	return arch_syscall(SYS_faccessat, AT_FDCWD, (long)state.own_path, 4 /* R_OK */, 0, 0, 0) == 0;
}

static int open_at(int at, const char *path)
{
	return (int)arch_syscall(SYS_openat, at, (long)path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, 0, 0);
}

static const char *search_path(void)
{
	extern char **__environ;
	const char *const path = environment_get(__environ, "PATH");

	return path ? path : "/bin:/usr/bin";
}

/* Finds the file nearly as execvp does: files that cannot be opened are passed over. */
static int open_searched(const char *name)
{
	char path[512];
	const size_t n = strlen(name);
	int fd = -1;

	for (const char *at = search_path(); fd < 0 && *at;) {
		const char *const end = strchr(at, ':') ? strchr(at, ':') : at + strlen(at);
		const size_t m = (size_t)(end - at);

		if (m + n + 2 <= sizeof(path)) {
			memcpy(path, at, m);
			path[m] = '/';
			memcpy(path + m + 1, name, n + 1);
			fd = open_at(AT_FDCWD, m ? path : name);
		}
		at = *end ? end + 1 : end;
	}
	return fd;
}

/* Whether the new program will close the descriptor. */
static bool takes_library(const struct target *t)
{
	bool takes;
	int fd;

	if (!t->path)
		return image_takes_library(t->fd);
	fd = t->search && !strchr(t->path, '/') ? open_searched(t->path) : open_at(t->fd, t->path);
	if (fd < 0)
		return false;
	takes = image_takes_library(fd);
	raw_close(fd);
	return takes;
}

/* The new program cannot find the recorder in the usual way: asks the recorder for the descriptor. */
static void find_way(struct execution *e, const struct target *target)
{
	if (!takes_library(target))
		return;
	e->fd = way_ask(e->entry, !target->spawn, e->way);
	if (e->fd < 0)
		e->entry->flags |= SHM_EXEC_NO_WAY;
}

/* ---- */

/* A forked child is no longer the only program that is to be recorded. */
static bool is_followed(void)
{
	const struct shm_header *const h = &state.shm->header;

	if (atomic_load(&h->closed))
		return false;
	return !(h->flags & SHM_NO_FOLLOW_FORK) || raw_outer_pid() == atomic_load(&h->program_pid);
}

/* A file that does not exist, or has no name at all, will not be executed. */
static bool can_be_there(const struct target *t)
{
	if (!t->path || (t->search && !strchr(t->path, '/')))
		return true;
	return arch_syscall(SYS_faccessat, t->fd, (long)t->path, 0 /* F_OK */, 0, 0, 0) == 0;
}

void execution_begin(struct execution *e, const struct target *target, char *const *environment)
{
	bool open;

	*e = (struct execution){ .fd = -1 };
	if (!state.follow || !can_be_there(target) || !is_followed() || (target->spawn && state.shm->header.flags & SHM_NO_FOLLOW_FORK))
		return;
	way_name(e->way);
	if (environment_is_others(environment, e->way))
		return;
	open = way_is_open(e->way);
	e->without = !library_is_there();
	e->entry = claim();
	if (e->entry) {
		fill(e->entry, target, open);
		if (e->without)
			e->entry->flags |= SHM_EXEC_NO_LIBRARY;
		else if (!open)
			find_way(e, target);
		if (!target->spawn)
			atomic_store_explicit(&e->entry->state, SHM_LIVE, memory_order_release);
	}
	if (e->fd >= 0 || e->without || !environment_is_ours(environment, e->way))
		e->room = environment_room(environment, e->way);
	if (e->room > ROOM_MAX)
		e->room = 0;
}

size_t execution_lends(struct execution *e)
{
	extern char **__environ;

	*e = (struct execution){ .fd = -1 };
	if (!state.follow || !is_followed() || state.shm->header.flags & SHM_NO_FOLLOW_FORK)
		return 0;
	way_name(e->way);
	if (environment_is_ours(__environ, e->way) || environment_is_others(__environ, e->way) ||
	    !library_is_there())
		return 0;
	e->room = environment_room(__environ, e->way);
	if (e->room > ROOM_MAX)
		e->room = 0;
	return e->room;
}

char *const *execution_environment(const struct execution *e, char *const *environment, void *room)
{
	if (!e->room)
		return environment;
	return e->without ? environment_make_without(environment, room) : environment_make(environment, e->way, room);
}

void execution_end(struct execution *e, uint32_t pid)
{
	if (e->fd >= 0)
		raw_close(e->fd);
	if (!e->entry)
		return;
	if (pid)
		e->entry->pid = pid;
	atomic_store_explicit(&e->entry->state, SHM_LIVE, memory_order_release);
	if (!pid)
		withdraw(e->entry);
}
