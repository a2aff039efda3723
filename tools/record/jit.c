/* jit - see jit.h. */
#include "recorder.h"
#include "module_table.h"
#include "pidspace.h"
#include "proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module_files.h"
#include "jit.h"
#include "python_codes.h"
#include "symbols/jitdump.h"
#include "symbols/made_code.h"
#include "symbols/perf_map.h"

#define READ_BYTES (64u << 10)
#define ROUND_BYTES (1u << 20) /* of a file in a round */
#define LAST_BYTES (256u << 20) /* ... and when the program has ended, because a file with holes can have any length */
#define LOOK_FIRST_NS 10000000u
#define LOOK_LAST_NS 1000000000u
#define SLACK_NS 1000000000u /* times of files are coarse, and those of other machines differ */

struct source {
	int fd; /* -1: not found yet */
	uint64_t at;
	ino_t inode;
};

struct jit {
	struct made_code *code; /* the module table's */
	uint32_t module;
	uint32_t pid; /* as the program knows it */
	uid_t owner;
	int temporary, directory; /* the program's /tmp and current directory; -1: unknown */
	struct source map, dump;
	struct perf_map map_state;
	struct jitdump dump_state;
	uint64_t look_ns, wait_ns; /* when to look for files again, and the time from then to the next look */
	uint32_t changes;
};

/* ---- finding the files ---- */

/* If a pid is used again, an older program may have left its file; and anybody can write into /tmp. */
static bool is_of_program(const struct recorder *r, const struct process *p, const struct stat *st)
{
	const uint64_t written_ns = (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;

	return S_ISREG(st->st_mode) && (st->st_uid == p->jit->owner || st->st_uid == 0) &&
	       written_ns + SLACK_NS >= r->rotation.header.start_unix_ns + p->start_ns;
}

/* Never waits on a pipe or a device, and never follows a link that somebody put there. */
static int open_named(const struct recorder *r, const struct process *p, int directory, const char *format)
{
	char name[64];
	struct stat st;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(name, sizeof(name), format, p->jit->pid);
#pragma GCC diagnostic pop
	const int fd = directory < 0 ? -1 :
				       openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);

	if (fd < 0 || (fstat(fd, &st) == 0 && is_of_program(r, p, &st)))
		return fd;
	close(fd);
	return -1;
}

struct mapped_dump {
	uint32_t pid;
	int fd;
};

static bool open_mapped(void *dump, uint64_t start)
{
	struct mapped_dump *const d = dump;

	d->fd = mapped_file_open(d->pid, start);
	return d->fd >= 0;
}

/* A program maps its jitdump, so that it can be found wherever it lies. */
static int open_mapped_dump(const struct process *p)
{
	struct mapped_dump dump = { .pid = p->pid, .fd = -1 };
	char name[64];

	snprintf(name, sizeof(name), "/jit-%u.dump", p->jit->pid);
	proc_mappings_of(p->pid, name, open_mapped, &dump);
	return dump.fd;
}

static void take(struct source *s, int fd)
{
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 || (s->fd >= 0 && st.st_ino == s->inode)) {
		close(fd);
		return;
	}
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct source){ .fd = fd, .inode = st.st_ino };
}

static int open_dump(const struct recorder *r, const struct process *p)
{
	int fd = open_mapped_dump(p);

	if (fd < 0)
		fd = open_named(r, p, p->jit->temporary, "jit-%u.dump");
	return fd < 0 ? open_named(r, p, p->jit->directory, "jit-%u.dump") : fd;
}

static void look(struct recorder *r, struct process *p)
{
	struct jit *const j = p->jit;

	take(&j->map, open_named(r, p, j->temporary, "perf-%u.map"));
	if (j->dump.fd < 0)
		take(&j->dump, open_dump(r, p));
	j->wait_ns = j->wait_ns ? j->wait_ns * 2 : LOOK_FIRST_NS;
	if (j->wait_ns > LOOK_LAST_NS)
		j->wait_ns = LOOK_LAST_NS;
	j->look_ns = r->now_ns + j->wait_ns;
}

/* ---- reading them ---- */

static uint8_t buffer[READ_BYTES];

/* Reads one buffer of the map. False: there is no more now. */
static bool read_map(struct jit *j, bool last)
{
	struct source *const s = &j->map;
	struct stat st;

	if (s->fd < 0)
		return false;
	if (fstat(s->fd, &st) == 0 && (uint64_t)st.st_size < s->at) { /* written anew */
		s->at = 0;
		j->map_state.skipping = false;
	}
	const ssize_t n = pread(s->fd, buffer, sizeof(buffer), (off_t)s->at);
	const bool full = n == (ssize_t)sizeof(buffer);
	const size_t used = n > 0 ? perf_map_read(&j->map_state, j->code, (char *)buffer, (size_t)n, last && !full, full) : 0;

	s->at += used;
	return full && used;
}

static bool read_dump(struct jit *j)
{
	struct source *const s = &j->dump;
	struct stat st;

	if (s->fd < 0 || j->dump_state.broken || fstat(s->fd, &st) < 0 || (uint64_t)st.st_size <= s->at)
		return false;
	const ssize_t n = pread(s->fd, buffer, sizeof(buffer), (off_t)s->at);
	const uint64_t used = n > 0 ? jitdump_read(&j->dump_state, j->code, buffer, (size_t)n, (uint64_t)st.st_size - s->at) : 0;

	s->at += used;
	return used != 0;
}

/* As long as there is room for the code. */
static void read_more(struct jit *j, bool last)
{
	const uint64_t left_out = made_code_left_out(j->code);
	uint32_t bytes = last ? LAST_BYTES : ROUND_BYTES;

	while (bytes >= READ_BYTES && read_map(j, last) && made_code_left_out(j->code) == left_out)
		bytes -= READ_BYTES;
	while (bytes >= READ_BYTES && read_dump(j) && made_code_left_out(j->code) == left_out)
		bytes -= READ_BYTES;
}

/* ---- one process ---- */

/* A forked child runs its parent's code. */
static void inherit(struct recorder *r, const struct process *p)
{
	const struct process *const parent = p->origin && !p->execs && p->parent != NO_INDEX ? r->processes[p->parent] : NULL;

	if (parent && parent->code_module)
		made_code_inherit(p->jit->code, r->modules[parent->code_module].code);
}

static bool start(struct recorder *r, struct process *p)
{
	struct jit *const j = calloc(1, sizeof(*j));

	if (!j || made_code_new(&j->code) < 0) {
		free(j);
		return false;
	}
	j->module = module_table_code(r, j->code);
	if (!j->module) {
		free(j);
		return false;
	}
	j->map.fd = j->dump.fd = -1;
	j->pid = p->inner_pid ? p->inner_pid : pidspace_inner(p->pid);
	j->pid = j->pid ? j->pid : p->pid;
	j->owner = proc_owner(p->pid);
	j->temporary = proc_open(p->pid, "root/tmp", O_PATH | O_DIRECTORY);
	if (j->temporary < 0) /* it has ended, or the recorder may not look at it */
		j->temporary = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	j->directory = proc_open(p->pid, "cwd", O_PATH | O_DIRECTORY);
	j->dump_state.origin_ns = r->shm->header.start_mono_ns;
	p->jit = j;
	p->code_module = j->module;
	inherit(r, p);
	return true;
}

/*
 * An event has the time of the round before it, so it happened between that round and the next. Code is made because
 * it is about to be used: code that was made in the same round existed before the event.
 */
static uint64_t latest_time(const struct recorder *r, uint64_t time_ns)
{
	if (time_ns >= r->now_ns)
		return UINT64_MAX;
	return time_ns >= r->before_ns ? r->now_ns : r->before_ns;
}

bool jit_find_changes(struct recorder *r, struct process *p, struct stream *s)
{
	struct jit *const j = p->jit;
	const uint32_t changes = made_code_advance(j->code, latest_time(r, s->head.time_ns));

	if (changes != j->changes) {
		j->changes = changes;
		modules_changed(&p->modules);
	}
	if (s->code_changes == changes)
		return false;
	s->code_changes = changes;
	return true;
}

static void begin(struct recorder *r, struct stream *s)
{
	struct process *const p = s->process;

	p->no_jit = r->no_symbols || !start(r, p);
	if (p->jit) {
		look(r, p);
		read_more(p->jit, false);
		(void)jit_find_changes(r, p, s);
	}
	if (p->slot != NO_SLOT)
		atomic_store_explicit(&r->shm->processes[p->slot].code_seen, 1, memory_order_release);
}

uint32_t jit_frame(void *recorder, struct stream *s, uint64_t pc)
{
	struct recorder *const r = recorder;
	struct process *const p = s->process;

	/* where a stack was cut, a place in a function of Python, or an address that no program has */
	if (!pc || pc >> MADE_CODE_ADDRESS_BITS) {
		const uint32_t frame = wire_is_python(pc) ? python_frame(r, p, pc) : 0;

		return frame ? frame : writer_frame(r->writer, 0, pc);
	}
	if (!p->jit && !p->no_jit)
		begin(r, s);
	if (!p->jit)
		return writer_frame(r->writer, 0, pc);
	return writer_frame(r->writer, p->jit->module, made_code_offset(p->jit->code, pc));
}

void jit_round(struct recorder *r, struct process *p)
{
	struct jit *const j = p->jit;

	if (!j)
		return;
	if (r->now_ns >= j->look_ns && j->map.fd < 0 && j->dump.fd < 0)
		look(r, p);
	read_more(j, false);
}

void jit_free(struct jit *j)
{
	if (!j)
		return;
	const int fds[] = { j->temporary, j->directory, j->map.fd, j->dump.fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(j);
}

static void tell_left_out(struct recorder *r, const struct process *p)
{
	char text[256];

	if (!made_code_left_out(p->jit->code))
		return;
	snprintf(text, sizeof(text), "%.100s (pid %u) made more code at run time (JIT) than the recorder can keep names of: some of it has no names",
		 p->name ? p->name : "a process", p->pid);
	recorder_notice(r, text);
}

void jit_finish(struct recorder *r, struct process *p)
{
	struct jit *const j = p->jit;

	if (j) {
		read_more(j, false);
		look(r, p); /* some programs write their map when they end, or write a new one instead of an older one */
		read_more(j, true);
		made_code_advance(j->code, UINT64_MAX);
		tell_left_out(r, p);
	}
	jit_free(j);
	p->jit = NULL;
	p->no_jit = true;
}
