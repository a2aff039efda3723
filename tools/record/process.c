/* process - see process.h. */
#include "process.h"
#include "format/array.h"
#include "answer.h"
#include "tracked_classes.h"
#include "bounds.h"
#include "deliver.h"
#include "ending.h"
#include "ends.h"
#include "forks.h"
#include "pidspace.h"
#include "python_codes.h"
#include "round.h"
#include "snapshots.h"
#include "thread_slot.h"
#include "titles.h"
#include "jit.h"
#include "look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The most bytes of a record in the file, with its texts. */
#define PROCESS_BYTES (SHM_COMMAND_BYTES + SHM_EXECUTABLE_BYTES + SHM_PROGRAM_BYTES + SHM_TITLE_BYTES + 512u)

static bool table_add(struct process ***table, size_t *count, size_t *room, struct process *p)
{
	if (!ARRAY_ROOM(*table, *room, *count + 1, 16))
		return false;
	(*table)[(*count)++] = p;
	return true;
}

struct process *process_new(struct recorder *r, const struct process_start *start)
{
	struct process *const p = calloc(1, sizeof(*p));

	if (!p)
		goto fail;
	p->index = (uint32_t)r->process_count;
	p->pid = start->pid;
	p->ppid = start->ppid;
	p->parent = start->parent;
	p->origin = start->origin;
	p->start_ns = start->start_ns;
	p->last_time_ns = p->start_ns;
	p->end_ns = UINT64_MAX;
	p->slot = p->left_slot = NO_SLOT;
	p->over = p->stop = p->look_cut = UINT64_MAX;
	p->main_thread = NO_INDEX;
	p->pidfd = start->pidfd;
	p->statm = -1;
	if (!table_add(&r->processes, &r->process_count, &r->process_room, p))
		goto fail;
	if (!table_add(&r->live, &r->live_count, &r->live_room, p)) {
		r->process_count--;
		goto fail;
	}
	ends_watch(r, p);
	return p;
fail:
	r->out_of_memory = true;
	if (start->pidfd >= 0)
		close(start->pidfd);
	free(p);
	return NULL;
}

static void finish_streams(struct process *p)
{
	for (size_t i = 0; i < p->stream_count; i++)
		stream_free(p->streams[i]);
	free(p->streams);
	p->streams = NULL;
	p->stream_count = p->stream_room = 0;
	order_finish(&p->order);
}

void process_free(struct process *p)
{
	if (!p)
		return;
	finish_streams(p);
	modules_clear(&p->modules, NULL, NULL);
	jit_free(p->jit);
	answer_free(p);
	if (p->pidfd >= 0)
		close(p->pidfd);
	if (p->statm >= 0)
		close(p->statm);
	free(p->name);
	free(p->executable);
	free(p->command);
	free(p);
}

void process_set_program(struct recorder *r, struct process *p, const char *name,
			 const char *executable, const char *command, size_t command_bytes)
{
	free(p->name);
	free(p->executable);
	free(p->command);
	p->name = strdup(name);
	p->executable = strdup(executable);
	p->command = malloc(command_bytes + 1);
	p->command_bytes = p->command ? command_bytes : 0;
	if (p->command)
		memcpy(p->command, command, command_bytes);
	r->out_of_memory |= !p->name || !p->executable || !p->command;
}

void process_write(struct recorder *r, struct process *p)
{
	uint32_t titled;
	const char *const title = titles_of(p, &titled);
	const struct trk_process told = {
		.index = p->index,
		.pid = p->pid,
		.ppid = p->ppid,
		.parent = p->parent,
		.origin = p->origin,
		.start_ns = p->start_ns,
		.end_ns = p->end_ns,
		.ended = p->ended,
		.code = p->code,
		.name = p->name ? p->name : "",
		.executable = p->executable ? p->executable : "",
		.command_line = p->command,
		.command_line_bytes = p->command_bytes,
		.execs = p->execs,
		.libc = p->libc,
		.host = r->host,
		.system = r->system,
		.titled = titled,
		.title = title,
		.attached_ns = p->origin == TRK_ATTACHED ? r->attached_ns : 0,
	};

	bounds_take(r, PROCESS_BYTES);
	writer_process(r->writer, &told);
	memset(p->written_title, 0, sizeof(p->written_title));
	memcpy(p->written_title, told.title, strnlen(told.title, sizeof(p->written_title) - 1));
}

struct process *process_by_pid(const struct recorder *r, uint32_t pid)
{
	for (size_t i = r->live_count; i-- > 0;)
		if (r->live[i]->pid == pid)
			return r->live[i];
	return NULL;
}

/*
 * A forked process names the program that forked, because its parent may have ended since, and the parent's slot and
 * pid may be another process's. Other processes are known by their ppid.
 */
uint32_t process_parent(const struct recorder *r, const struct shm_process *slot)
{
	const uint32_t pid = slot->parent_pid, ppid = slot->ppid;
	const uint64_t number = slot->parent_number;

	for (size_t i = r->process_count; pid && i-- > 0;) {
		const struct process *const p = r->processes[i];

		if (p->attached && (p->pid == pid || p->inner_pid == pid) && p->first_program <= number && number <= p->last_program)
			return p->index;
	}
	const struct process *const by_pid = process_by_pid(r, ppid);

	return by_pid ? by_pid->index : NO_INDEX;
}

/* Reads the slot's texts. The copies get a NUL at their ends here, whatever the target wrote. */
static void take_program(struct recorder *r, struct process *p, const struct shm_process *slot)
{
	char name[SHM_PROGRAM_BYTES], executable[SHM_EXECUTABLE_BYTES], command[SHM_COMMAND_BYTES];
	uint32_t size = slot->command_bytes;

	if (size > sizeof(command))
		size = sizeof(command);
	memcpy(name, slot->program, sizeof(name));
	name[sizeof(name) - 1] = 0;
	memcpy(executable, slot->executable, sizeof(executable));
	executable[sizeof(executable) - 1] = 0;
	memcpy(command, slot->command, size);
	memcpy(p->libc, slot->libc, sizeof(p->libc));
	p->libc[sizeof(p->libc) - 1] = 0;
	process_set_program(r, p, name, executable, command, size);
}

struct sought {
	struct recorder *r;
	uint32_t parent; /* pid of the process that forked it; 0: not known */
};

static bool is_new(const struct recorder *r, uint32_t pid)
{
	const struct process *const p = process_by_pid(r, pid);

	return !p || p->slot == NO_SLOT;
}

static bool is_new_child(void *context, uint32_t pid)
{
	const struct sought *const s = context;

	return is_new(s->r, pid) && pidspace_parent(pid) == s->parent;
}

static bool is_new_of_ours(void *context, uint32_t pid)
{
	const struct sought *const s = context;

	return is_new(s->r, pid) && pidspace_is_ours(s->r, pid);
}

/*
 * Its pid as the recorder sees it. If it lives in another PID namespace, or cannot know whether it does, and has not
 * been told its pid, the recorder looks for it. 0: it has ended by now.
 */
static uint32_t outer_pid(struct recorder *r, const struct shm_process *slot)
{
	const uint32_t parent = slot->inner == SHM_INNER_ALL && slot->parent_pid ? process_parent(r, slot) : NO_INDEX;
	struct sought s = { r, parent == NO_INDEX ? 0 : r->processes[parent]->pid };
	uint32_t pid;

	if (slot->inner != SHM_INNER_ALL)
		return slot->pid;
	pid = s.parent ? pidspace_find(slot->pid, is_new_child, &s) : 0;
	return pid ? pid : pidspace_find(slot->pid, is_new_of_ours, &s);
}

static struct process *add(struct recorder *r, const struct shm_process *slot, uint32_t pid)
{
	uint64_t start_ns = recorder_began(r, slot->start_ns);

	if (start_ns < r->last_end_ns) /* a process that has ended by now was over then, whatever clock was read */
		start_ns = r->last_end_ns;

	const struct process_start start = {
		.pid = pid ? pid : slot->pid,
		.ppid = slot->ppid,
		.parent = process_parent(r, slot),
		.origin = slot->origin == SHM_FORKED ? TRK_FORKED : TRK_STARTED,
		.start_ns = start_ns,
		.pidfd = pid ? (int)syscall(SYS_pidfd_open, (pid_t)pid, 0) : -1,
	};
	struct process *const p = process_new(r, &start);

	if (p && !pid) {
		p->unplaced = true;
		ends_set(r, p);
	}
	return p;
}

void process_free_slot(struct recorder *r, uint32_t index)
{
	struct shm_process *const slot = &r->shm->processes[index];

	r->slot_process[index] = NULL;
	answer_free_slot(r, index);
	atomic_store(&r->shm->lives[index].pid, 0); /* nobody finds it by that */
	atomic_store_explicit(&slot->order, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->notices, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->python, 0, memory_order_relaxed);
	atomic_store_explicit(&r->shm->process_states[index], SHM_FREE, memory_order_release);
}

/* No block of the old program is live any more: first what it published, then the event that says so. */
static void replace_program(struct recorder *r, struct process *p, const struct shm_process *slot)
{
	struct deliver_context context = { r, p, slot->start_ns };

	round_drain(r, p);
	jit_finish(r, p);
	p->no_jit = false;
	p->code_module = 0;
	process_collect(r, p);
	answer_forget(r, p);
	process_free_slot(r, p->slot);
	p->slot = NO_SLOT;
	modules_clear(&p->modules, deliver_mapping_gone, &context);
	p->last_epoch = p->limit = p->seen_limit = 0;
	p->notices = 0;
	p->execs++;
}

static void deliver_exec(struct recorder *r, struct process *p, uint64_t time_ns)
{
	struct trk_event e = {
		.kind = TRK_EXEC,
		.time_ns = time_ns,
		.label = p->name,
		.label_bytes = p->name ? (uint32_t)strlen(p->name) : 0,
		.thread = p->main_thread == NO_INDEX ? 0 : p->main_thread,
	};

	deliver(r, p, &e);
	deliver_flush(r);
}

void process_limit_chunks(struct recorder *r, uint32_t pid)
{
	const uint32_t before = atomic_load(&r->shm->header.chunk_limit);
	char groups[CGROUP_TEXT], number[16];
	uint32_t chunks;

	snprintf(number, sizeof(number), "%u", pid);
	if (!cgroup_of(number, groups) || strcmp(groups, r->groups) == 0)
		return;
	memcpy(r->groups, groups, sizeof(groups));
	chunks = cgroup_chunks(cgroup_memory_limit(CGROUP_ROOT, groups));
	if (chunks && (!before || chunks < before))
		atomic_store(&r->shm->header.chunk_limit, chunks);
}

void process_bind(struct recorder *r, const struct arrival *a)
{
	const uint32_t index = a->slot;
	const uint64_t number = a->number;
	struct shm_process *const slot = &r->shm->processes[index];
	const uint32_t pid = outer_pid(r, slot);
	struct process *p = pid ? process_by_pid(r, pid) : NULL;
	/* a forked process is a new one even if its pid is known; any other is the known process after an exec */
	const bool known = p && slot->origin != SHM_FORKED;
	const bool replaces = known && p->attached;

	if (replaces && p->slot != NO_SLOT)
		replace_program(r, p, slot);
	if (!known)
		p = add(r, slot, pid);
	if (!p)
		return;
	p->inner_pid = slot->inner == SHM_INNER_ALL ? slot->pid : 0;
	p->foreign = slot->inner == SHM_INNER_TIDS || (p->inner_pid && p->inner_pid != p->pid);
	p->slot = index;
	look_executed(r, p);
	if (!p->attached)
		p->first_program = number;
	p->last_program = number;
	if (slot->origin != SHM_FORKED)
		p->last_executed = number;
	p->attached = true;
	r->slot_process[index] = p;
	take_program(r, p, slot);
	titles_begin(r, p);
	process_limit_chunks(r, p->pid);
	if (replaces)
		deliver_exec(r, p, slot->start_ns);
	else if (!known)
		forks_inherit(r, p, slot);
	process_write(r, p);
	classes_begin(r, p);
}

static const struct {
	uint32_t bit;
	const char *sentence;
} notices[] = {
	{ SHM_NOTICE_OWN_MALLOC,
	  "has its own malloc in the executable: its allocations bypass the preloaded "
	  "library and are not recorded" },
	{ SHM_NOTICE_SANITIZER,
	  "was built with a sanitizer that replaces malloc and was not recorded; build it without "
	  "-fsanitize to record it" },
	{ SHM_NOTICE_OTHER_SCOPE,
	  "loaded a library by dlmopen or with RTLD_DEEPBIND: allocations that the library makes "
	  "through another C library, or past the preloaded one, are not recorded" },
	{ SHM_NOTICE_PYTHON_ARENAS,
	  "has another tool's allocator for objects of Python, or one that looks for errors (PYTHONMALLOC=debug): "
	  "the arenas that objects lie in are recorded, not the objects" },
	{ SHM_NOTICE_NO_MEMORY,
	  "had no memory left for tracker's tables: some threads are not recorded" },
};

bool recorder_believes(const struct recorder *r, uint64_t figure)
{
	return figure / 2 <= r->now_ns;
}

uint64_t recorder_began(const struct recorder *r, uint64_t start_ns)
{
	const uint64_t now_ns = recorder_clock(r);

	return start_ns < now_ns ? start_ns : now_ns;
}

uint64_t recorder_figure(struct recorder *r, uint64_t figure)
{
	if (recorder_believes(r, figure))
		return figure;
	r->counters.corrupt++;
	return 0;
}

/* Notices that the program has set. If one of them does not exist, none is believed. */
static uint32_t notices_of(struct recorder *r, const struct shm_process *slot)
{
	const uint32_t set = atomic_load_explicit(&slot->notices, memory_order_relaxed);
	uint32_t known = 0;

	for (size_t i = 0; i < sizeof(notices) / sizeof(*notices); i++)
		known |= notices[i].bit;
	if (!(set & ~known))
		return set;
	r->counters.corrupt++;
	return 0;
}

void process_collect(struct recorder *r, struct process *p)
{
	if (p->slot == NO_SLOT)
		return;
	struct shm_process *const slot = &r->shm->processes[p->slot];
	const uint32_t set = notices_of(r, slot);
	const uint64_t epoch = recorder_figure(r, atomic_load(&slot->order) >> 16);
	char text[1024];

	titles_collect(p, slot);
	r->counters.modules_lost += recorder_figure(r, atomic_exchange(&slot->modules_lost, 0));
	python_collect(r, p, slot);
	r->counters.guessed_stacks += recorder_figure(r, atomic_exchange(&slot->guessed_stacks, 0));
	for (unsigned i = 0; i < SHM_CUTS; i++)
		r->counters.truncated[i] +=
			recorder_figure(r, atomic_exchange(&slot->truncated_stacks[i], 0));
	r->counters.chunks_refused += recorder_figure(r, atomic_exchange(&slot->chunks_refused, 0));
	r->counters.tables_refused += recorder_figure(r, atomic_exchange(&slot->tables_refused, 0));
	r->counters.verified_stacks += atomic_exchange(&slot->verified_stacks, 0);
	r->counters.differing_stacks += atomic_exchange(&slot->differing_stacks, 0);
	r->counters.order_changes += epoch ? epoch - 1 : 0; /* the first thread took the order from no other */
	for (unsigned i = 0; i < SHM_ORACLES; i++) {
		r->counters.compared[i] += atomic_exchange(&slot->compared[i], 0);
		r->counters.differing[i] += atomic_exchange(&slot->differing[i], 0);
	}
	r->counters.oracles_differ += atomic_exchange(&slot->oracles_differ, 0);
	for (size_t i = 0; i < sizeof(notices) / sizeof(*notices); i++) {
		if (!(set & ~p->notices & notices[i].bit))
			continue;
		snprintf(text, sizeof(text), "%s (pid %u) %s", p->name ? p->name : "a process",
			 p->pid, notices[i].sentence);
		recorder_notice(r, text);
		r->counters.unrecorded += (notices[i].bit & (SHM_NOTICE_OWN_MALLOC | SHM_NOTICE_SANITIZER)) != 0;
	}
	p->notices |= set;
}

void process_leave(struct recorder *r, struct process *p)
{
	struct deliver_context context = { r, p, UINT64_MAX };

	thread_slot_leave_all(r, p);
	jit_finish(r, p);
	process_collect(r, p);
	titles_write(r, p);
	modules_clear(&p->modules, deliver_mapping_gone, &context);
}

void process_end(struct recorder *r, struct process *p)
{
	struct deliver_context context = { r, p, UINT64_MAX };

	round_drain(r, p);
	jit_finish(r, p);
	process_collect(r, p);
	p->gone = true;
	if (!p->index) /* from now on, a process with its pid is another one */
		atomic_store(&r->shm->header.program_pid, 0);
	r->polled_count -= p->polled;
	p->end_ns = r->now_ns;
	deliver_end_process(r, p);
	modules_clear(&p->modules, deliver_mapping_gone, &context);
	ending_begin(r, p);
	answer_forget(r, p);
	forks_parent_ended(r, p);
	snapshot_drop_all(r, p);
	process_write(r, p);
	finish_streams(p);
	if (p->statm >= 0)
		close(p->statm);
	p->statm = -1;
	for (size_t i = 0; i < r->live_count; i++) {
		if (r->live[i] != p)
			continue;
		memmove(&r->live[i], &r->live[i + 1], (r->live_count - i - 1) * sizeof(p));
		r->live_count--;
		break;
	}
}
