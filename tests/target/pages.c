/*
 * pages - what libtracker does by whole pages, with pages of the size that the kernel says: natively, and in an
 * emulator whose pages are larger (qemu -p: AT_PAGESZ is what was asked for, and no shared mapping begins inside a page).
 *
 * The segment: what is written to each mapped part must stand at its place in the file. The hook of munmap: what
 * begins inside a page is refused, so nothing is told of it.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libtracker/code.h"
#include "libtracker/hook.h"
#include "libtracker/linger.h"
#include "libtracker/python_frames.h"
#include "libtracker/raw.h"
#include "libtracker/segment.h"

struct tracker_state state;
__thread struct tracker_tls tls;
struct real_functions real;
bool real_known;
uint32_t start_held;

static volatile unsigned unmaps_told; /* the compiler believes that munmap calls nobody here */

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "pages of %zu bytes: %s\n", raw_page_bytes, what);
	exit(1);
}

/* ---- what the rest of the library would be ---- */

/* Called by the first hook, whoever calls that. */
void start_once(void)
{
	real.mmap = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
	real.munmap = (int (*)(void *, size_t))dlsym(RTLD_NEXT, "munmap");
	real.mprotect = (int (*)(void *, size_t, int))dlsym(RTLD_NEXT, "mprotect");
	real.madvise = (int (*)(void *, size_t, int))dlsym(RTLD_NEXT, "madvise");
	real_known = true;
}

void send_unmap(struct thread *t, uintptr_t address, size_t size)
{
	(void)t;
	(void)address;
	(void)size;
	unmaps_told++;
}

void send_mapping(struct thread *t, uint8_t kind, uintptr_t address, size_t size, uint32_t detail, const struct site *at)
{
	(void)t;
	(void)kind;
	(void)address;
	(void)size;
	(void)detail;
	(void)at;
}

bool send_mremap_begin(struct thread *t, uintptr_t address, size_t size)
{
	(void)t;
	(void)address;
	(void)size;
	return false;
}

void send_mremap_end(struct thread *t, uintptr_t old_address, size_t old_size, uintptr_t address, size_t size, const struct site *at)
{
	(void)t;
	(void)old_address;
	(void)old_size;
	(void)address;
	(void)size;
	(void)at;
}

bool hook_watched_begin(struct watch_call *c)
{
	return c != NULL;
}

void watch_after(const struct watch_call *c, void *p)
{
	(void)c;
	(void)p;
}

void python_release(uintptr_t block, uintptr_t frame)
{
	(void)block;
	(void)frame;
}

void code_mapped(uintptr_t start, size_t bytes)
{
	(void)start;
	(void)bytes;
}

void code_unmapped(uintptr_t start, size_t bytes)
{
	(void)start;
	(void)bytes;
}

void linger_arena(void)
{
}

uint32_t thread_nested_level(uintptr_t frame)
{
	(void)frame;
	return THREAD_LEVELS;
}

struct thread *thread_begin(uint32_t level, uintptr_t frame, bool heap)
{
	(void)level;
	(void)frame;
	(void)heap;
	return NULL;
}

static const uint8_t nobody;
const volatile uint8_t *dormant_wanted = &nobody;

bool dormant_wake(uintptr_t frame)
{
	(void)frame;
	return false;
}

bool session_enter_child(void)
{
	return false;
}

/* ---- the segment ---- */

static int make_segment(void)
{
	const struct shm_header h = { .magic = SHM_MAGIC, .version = SHM_VERSION };
	const int fd = (int)syscall(SYS_memfd_create, "pages", 0);

	must(fd >= 0 && ftruncate(fd, sizeof(struct shm)) == 0 && pwrite(fd, &h, sizeof(h), 0) == sizeof(h), "a segment");
	return fd;
}

/* `number`, written to the mapped `word`, stands in the file at `offset`. */
static void must_stand(int fd, volatile uint32_t *word, size_t offset, uint32_t number, const char *what)
{
	uint32_t there = 0;

	must(word, what);
	*word = number;
	must(pread(fd, &there, sizeof(there), (off_t)offset) == sizeof(there) && there == number, what);
}

static void test_processes(int fd)
{
	static const uint32_t slots[] = { 0, 1, 15, 16, 17, 500, SHM_PROCESSES - 1 };

	for (uint32_t i = 0; i < sizeof(slots) / sizeof(*slots); i++) {
		must(segment_take_process(slots[i]), "a process's slot is mapped");
		must_stand(fd, &state.process->pid, offsetof(struct shm, processes[slots[i]].pid), 1000 + i, "a process's slot");
	}
}

static void test_threads(int fd)
{
	static const uint32_t slots[] = { 0, SEGMENT_THREADS - 1, SEGMENT_THREADS, SHM_THREADS - 1 };

	for (uint32_t i = 0; i < sizeof(slots) / sizeof(*slots); i++) {
		struct shm_thread *const t = segment_thread(slots[i]);

		must_stand(fd, t ? &t->tid : NULL, offsetof(struct shm, threads[slots[i]].tid), 2000 + i, "a thread's slot");
	}
}

static void test_chunk(int fd, uint32_t n)
{
	struct shm_chunk *const c = segment_chunk(n);

	must_stand(fd, c ? &c->sequence : NULL, offsetof(struct shm, chunks[n].sequence), 3000 + n, "a chunk");
}

static void test_chunks(int fd)
{
	test_chunk(fd, 0);
	for (uint32_t piece = 1; piece < SEGMENT_CHUNK_PIECES; piece++) {
		test_chunk(fd, piece * SEGMENT_CHUNKS - 1);
		must(segment_grow(), "a further piece of chunks");
		test_chunk(fd, piece * SEGMENT_CHUNKS);
	}
	must(!segment_grow(), "there are no more chunks");
}

static void test_segment(bool emulated)
{
	const int fd = make_segment();
	char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	must(segment_open(name, NULL), "the segment is opened");
	test_processes(fd);
	if (!emulated) /* qemu does not let a mapping grow beyond what it was of a file */
		segment_opened(); /* from now on without a descriptor */
	test_threads(fd);
	test_chunks(fd);
}

/* ---- the hook ---- */

static void test_unmapping(void)
{
	static struct thread thread = { .recording = 1, .settled = 1 };
	static const uint32_t alive = 1;
	const size_t page = raw_page_bytes;
	unsigned told;
	uint8_t *p;

	tls.threads[0] = &thread;
	state.fork_page = &alive;
	state.on = true;
	p = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(p != MAP_FAILED, "mmap");
	told = unmaps_told;
	for (size_t part = 512; part < page; part *= 2) {
		(void)munmap(p + part, part);
		(void)munmap(p + page - part, page);
	}
	must(unmaps_told == told, "what begins inside a page is not unmapped");
	must(munmap(p + page, page) == 0 && munmap(p + 2 * page, 1) == 0, "munmap");
	must(unmaps_told == told + 2, "whole pages are");
	state.on = false;
}

int main(int argc, char **argv)
{
	raw_page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	must(argc < 2 || raw_page_bytes == strtoul(argv[1], NULL, 10), "that is their size");
	test_segment(argc > 1);
	test_unmapping();
	return 0;
}
