/* keeper_page - see keeper_private.h. */
#include "tools/run/keeper_private.h"

#include "tools/record/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool keeper_page_make(struct keeper *k)
{
	const struct shm_control_head head = { .magic = SHM_CONTROL_MAGIC, .version = SHM_VERSION };
	void *page;

	signal(SIGXFSZ, SIG_IGN);
	k->page_fd = descriptor_high(memfd_create("tracker-control", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	if (k->page_fd < 0 || fchmod(k->page_fd, 0600) < 0 || ftruncate(k->page_fd, sizeof(struct shm_control)) < 0 ||
	    fcntl(k->page_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ||
	    pwrite(k->page_fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return false;
	page = mmap(NULL, sizeof(struct shm_control), PROT_READ | PROT_WRITE, MAP_SHARED, k->page_fd, 0);
	k->page = page == MAP_FAILED ? NULL : page;
	signal(SIGXFSZ, SIG_DFL);
	return k->page != NULL;
}

void keeper_page_want(struct keeper *k, const char *segment)
{
	struct shm_control_head *const h = &k->page->head;

	snprintf(h->way, sizeof(h->way), "%s", segment);
	atomic_fetch_add(&h->number, 1);
	atomic_store(&h->wanted, 1);
}

void keeper_page_want_nothing(struct keeper *k)
{
	atomic_store(&k->page->head.wanted, 0);
}

/* ---- the programs ---- */

/* Whether the environment with which it was executed names this keeper. */
static bool has_way(const struct keeper *k, pid_t pid)
{
	char path[32], entry[SHM_WAY_BYTES + 16], *line = NULL;
	bool found = false;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	snprintf(entry, sizeof(entry), SHM_ENV "=%s", k->way);
	f = fopen(path, "re");
	while (f && !found && getdelim(&line, &room, 0, f) > 0)
		found = !strcmp(line, entry);
	free(line);
	if (f)
		fclose(f);
	return found;
}

bool keeper_knows(const struct keeper *k, pid_t pid)
{
	return (!k->ended && pid == k->o.program) || has_way(k, pid);
}

bool keeper_has_descendants(const struct keeper *k)
{
	DIR *const d = opendir("/proc");
	bool found = false;

	for (const struct dirent *e; d && !found && (e = readdir(d));) {
		const long pid = strtol(e->d_name, NULL, 10);

		found = pid > 0 && pid != getpid() && has_way(k, (pid_t)pid);
	}
	if (d)
		closedir(d);
	return found || !d;
}

/* A thread that is none of these programs' has another PID namespace, where its number means something else. */
static bool may_call(const struct keeper *k, uint32_t tid)
{
	return keeper_knows(k, (pid_t)tid) && sandbox_of(tid, tid) == SHM_SANDBOX_NONE;
}

void keeper_page_answer(struct keeper *k)
{
	for (unsigned i = 0; i < SHM_CONTROL_ASKS; i++) {
		_Atomic uint32_t *const state = &k->page->asks[i].state;

		if (atomic_load(state) == SHM_CONTROL_ASKED)
			atomic_store(state, may_call(k, k->page->asks[i].tid) ? SHM_CONTROL_MAY : SHM_CONTROL_MAY_NOT);
	}
}
