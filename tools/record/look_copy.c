/* look_copy - see look_copy.h. */
#include "look_copy.h"
#include "format/large.h"
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAULTS_MAX 64u
#define PIECE_BYTES (64u << 20)

static bool fail(struct look_copy *c, const char *why)
{
	if (!c->reason[0])
		snprintf(c->reason, LOOK_REASON, "%s", why);
	return false;
}

static bool call(struct look_copy *c, long number, const uint64_t given[6], int64_t *ret)
{
	return look_call(c->pid, c->call, number, given, ret, NULL) || fail(c, "its copy has ended");
}

/* ---- the beginning ---- */

/* Before Linux 5.9: one by one. */
static bool close_each(struct look_copy *c)
{
	char path[48];
	struct dirent *entry;
	bool fine = true;
	int64_t result;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%u/fd", c->pid);
	d = opendir(path);
	if (!d)
		return fail(c, "its copy holds descriptors that cannot be closed");
	while (fine && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			fine = call(c, SYS_close, (const uint64_t[6]){ (uint64_t)atoi(entry->d_name) }, &result);
	closedir(d);
	return fine;
}

/* It is the first that the kernel shall kill when there is no memory; and limits of the program on address space are not for it. */
static void be_free(const struct look_copy *c)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit limit;
	const int fd = proc_open(c->pid, "oom_score_adj", O_WRONLY);

	if (fd >= 0) {
		(void)!write(fd, "1000", 4);
		close(fd);
	}
	if (prlimit((pid_t)c->pid, RLIMIT_AS, &none, NULL) != 0 && prlimit((pid_t)c->pid, RLIMIT_AS, NULL, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)prlimit((pid_t)c->pid, RLIMIT_AS, &limit, NULL);
	}
}

bool look_copy_begin(struct look_copy *c)
{
	const uint64_t all[6] = { 0, UINT32_MAX };
	int64_t result;

	(void)ptrace(PTRACE_SETOPTIONS, (pid_t)c->pid, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
	be_free(c);
	return call(c, SYS_close_range, all, &result) && (result == 0 || close_each(c));
}

/* ---- marking ---- */

static bool put(struct look_copy *c, uint64_t to, const void *from, size_t bytes)
{
	for (size_t at = 0; at < bytes;) {
		const size_t n = bytes - at < PIECE_BYTES ? bytes - at : PIECE_BYTES;
		const struct iovec source = { (uint8_t *)(uintptr_t)from + at, n }, target = { (void *)(uintptr_t)(to + at), n };

		if (process_vm_writev((pid_t)c->pid, &source, 1, &target, 1, 0) != (ssize_t)n)
			return fail(c, "the recorder may not write into its copy");
		at += n;
	}
	return true;
}

static bool get(struct look_copy *c, void *to, uint64_t from, size_t bytes)
{
	return proc_read(c->pid, from, to, bytes) == bytes || fail(c, "the recorder may not read its copy");
}

/* Where the parts of the area lie. Their pointers in `m` are those of the copy. */
struct layout {
	uint64_t at, roots, files, blocks, words;
};

static uint64_t take(struct layout *l, uint64_t bytes)
{
	const uint64_t at = l->at;

	l->at += (bytes + 63) & ~63ull;
	return at;
}

static struct layout lay_out(struct look_marking *there, const struct look_roots *r)
{
	struct layout l = { 0 };

	(void)take(&l, sizeof(*there));
	l.roots = take(&l, r->count * sizeof(struct look_root));
	l.files = take(&l, r->file_count * sizeof(struct look_file));
	l.blocks = take(&l, (uint64_t)there->block_count * sizeof(struct look_block));
	l.words = take(&l, r->word_count * sizeof(uint64_t));
	there->top = (void *)(uintptr_t)take(&l, there->top_count * sizeof(uint32_t));
	there->tables = (void *)(uintptr_t)take(&l, (uint64_t)there->table_count * 1024 * sizeof(uint32_t));
	there->cells = (void *)(uintptr_t)take(&l, (uint64_t)there->group_count * look_group_cells(there) * sizeof(struct look_cell));
	there->stack = (void *)(uintptr_t)take(&l, (uint64_t)there->block_count * sizeof(uint32_t));
	there->types = (void *)(uintptr_t)take(&l, LOOK_TYPES * sizeof(struct look_type));
	there->others = (void *)(uintptr_t)take(&l, LOOK_OTHERS * sizeof(uint64_t));
	if (there->target_room) {
		there->counts = (void *)(uintptr_t)take(&l, (uint64_t)there->block_count * sizeof(uint32_t));
		there->targets = (void *)(uintptr_t)take(&l, there->target_room * sizeof(uint32_t));
	}
	return l;
}

static void move(struct look_marking *there, uint64_t area)
{
	there->top = (void *)((uintptr_t)there->top + area);
	there->tables = (void *)((uintptr_t)there->tables + area);
	there->cells = (void *)((uintptr_t)there->cells + area);
	there->stack = (void *)((uintptr_t)there->stack + area);
	there->types = (void *)((uintptr_t)there->types + area);
	there->others = (void *)((uintptr_t)there->others + area);
	if (there->target_room) {
		there->counts = (void *)((uintptr_t)there->counts + area);
		there->targets = (void *)((uintptr_t)there->targets + area);
	}
}

static bool map_area(struct look_copy *c, uint64_t bytes)
{
	const uint64_t given[6] = { c->area, bytes, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (c->area ? MAP_FIXED : 0), UINT64_MAX, 0 };
	int64_t result;

	if (!call(c, SYS_mmap, given, &result))
		return false;
	if (result < 0 && result > -4096) {
		snprintf(c->reason, LOOK_REASON, "there is no memory for its tables: %s", strerror((int)-result));
		return false;
	}
	c->area = (uint64_t)result;
	c->area_bytes = bytes;
	if (bytes >= LARGE_PAGE_BYTES) /* tables are accessed at random places, and the first touch of each page costs, too */
		return call(c, SYS_madvise, (const uint64_t[6]){ c->area, bytes, MADV_HUGEPAGE }, &result);
	return true;
}

static bool put_roots(struct look_copy *c, struct look_marking *there, const struct look_roots *r, const struct layout *l)
{
	struct look_root *const roots = calloc((size_t)r->count + 1, sizeof(*roots));
	uint64_t words = c->area + l->words, first = 0;
	bool fine;

	if (!roots)
		return fail(c, "the recorder has no memory for it");
	for (uint32_t i = 0; i < r->count; i++) {
		const struct look_place *const p = &r->list[i];
		const bool registers = p->kind == LOOK_ROOT_REGISTER;

		roots[i] = (struct look_root){ (const uint8_t *)(uintptr_t)(registers ? words : p->start), (p->end - p->start) / 8, first };
		if (registers)
			words += p->end - p->start;
		if (p->libc && !there->libc_end)
			there->libc_first = first;
		first += roots[i].words;
		if (p->libc)
			there->libc_end = first;
	}
	fine = put(c, c->area + l->roots, roots, r->count * sizeof(*roots));
	free(roots);
	return fine;
}

static bool start(struct look_copy *c)
{
	look_registers registers;

	if (!look_get_registers(c->pid, &registers))
		return fail(c, "its copy has ended");
	look_set_function(&registers, c->code, c->stack, c->area);
	return (look_set_registers(c->pid, &registers) && ptrace(PTRACE_CONT, (pid_t)c->pid, 0, 0) == 0) || fail(c, "its copy has ended");
}

bool look_copy_mark(struct look_copy *c, struct look_marking *m, const struct look_roots *r)
{
	struct look_marking there = *m;
	const struct layout l = lay_out(&there, r);

	there.root_count = r->count;
	there.file_count = r->file_count;
	there.libc_first = there.libc_end = 0;
	if (!map_area(c, l.at))
		return false;
	move(&there, c->area);
	there.roots = (const void *)(uintptr_t)(c->area + l.roots);
	there.files = (const void *)(uintptr_t)(c->area + l.files);
	there.blocks = (void *)(uintptr_t)(c->area + l.blocks);
	return put_roots(c, &there, r, &l) && put(c, c->area, &there, sizeof(there)) &&
	       put(c, c->area + l.files, r->files, r->file_count * sizeof(*r->files)) &&
	       put(c, c->area + l.blocks, m->blocks, (size_t)m->block_count * sizeof(*m->blocks)) &&
	       put(c, c->area + l.words, r->words, r->word_count * sizeof(*r->words)) && start(c);
}

static enum look_progress take_results(struct look_copy *c, struct look_marking *m, struct look_named *n)
{
	struct look_marking there;

	if (!get(c, &there, c->area, sizeof(there)) || there.finished != LOOK_TYPED ||
	    !get(c, m->blocks, (uint64_t)(uintptr_t)there.blocks, (size_t)m->block_count * sizeof(*m->blocks)))
		return LOOK_FAILED;
	there.block_count = m->block_count; /* the copy's own word is a program's */
	if (there.target_count > m->target_room)
		return LOOK_FAILED;
	look_named_read(n, c->pid, c->pid, &there);
	if (c->references)
		look_references_read(c->references, c->pid, c->pid, &there);
	return LOOK_FINISHED;
}

/* The memory at that address is mapped and cannot be read: a file that has become shorter. It is left out, and all begins anew. */
static enum look_progress begin_anew(struct look_copy *c, struct look_marking *m, struct look_roots *r, uint64_t address)
{
	const uint32_t before = r->count;

	c->left_out = true;
	if (c->faults++ >= FAULTS_MAX)
		return LOOK_FAILED;
	for (uint32_t i = 0; i < r->count; i++)
		if (r->list[i].kind != LOOK_ROOT_REGISTER && r->list[i].start <= address && address < r->list[i].end) {
			memmove(&r->list[i], &r->list[i + 1], (r->count - i - 1) * sizeof(*r->list));
			r->count--;
			i--;
		}
	for (uint32_t i = 0; i < r->file_count; i++)
		if (r->files[i].start <= address && address < r->files[i].end) {
			memmove(&r->files[i], &r->files[i + 1], (r->file_count - i - 1) * sizeof(*r->files));
			r->file_count--;
			i--;
		}
	for (uint32_t i = 0; i < m->block_count; i++) {
		struct look_block *const b = &m->blocks[i];

		if (address - look_address(b) < look_size(b))
			b->flags |= LOOK_UNREADABLE;
		else if (before != r->count)
			break;
	}
	return look_copy_mark(c, m, r) ? LOOK_AT_WORK : LOOK_FAILED;
}

enum look_progress look_copy_poll(struct look_copy *c, struct look_marking *m, struct look_roots *r, struct look_named *n)
{
	siginfo_t info;
	int status;
	const pid_t got = waitpid((pid_t)c->pid, &status, __WALL | WNOHANG);

	if (got == 0)
		return LOOK_AT_WORK;
	if (got < 0 || !WIFSTOPPED(status)) {
		c->pid = 0;
		fail(c, "its copy was killed: there may have been no memory for it");
		return LOOK_FAILED;
	}
	if (WSTOPSIG(status) == SIGTRAP && !(status >> 16))
		return take_results(c, m, n);
	if ((WSTOPSIG(status) == SIGSEGV || WSTOPSIG(status) == SIGBUS) && ptrace(PTRACE_GETSIGINFO, (pid_t)c->pid, 0, &info) == 0) {
		const enum look_progress next = begin_anew(c, m, r, (uint64_t)(uintptr_t)info.si_addr);

		if (next == LOOK_FAILED)
			fail(c, "its memory cannot be read");
		return next;
	}
	(void)ptrace(PTRACE_CONT, (pid_t)c->pid, 0, 0); /* signals of the program are not for it */
	return LOOK_AT_WORK;
}

void look_copy_end(struct look_copy *c)
{
	int status;

	if (!c->pid)
		return;
	(void)kill((pid_t)c->pid, SIGKILL);
	while (waitpid((pid_t)c->pid, &status, __WALL) == (pid_t)c->pid && WIFSTOPPED(status))
		;
	c->pid = 0;
}
