/*
 * jit - makes code while it runs, calls malloc from it, and says what the code is called: in a perf map, in a
 * jitdump as tools/perf/Documentation/jitdump-specification.txt of Linux has it. What it does stands in its
 * arguments, one after the other:
 *
 *   code=N      code in slot N, which is the current one from now on
 *   call=SIZE   the current code allocates
 *   map=NAME    a line of the map: the current code
 *   junk=TEXT   TEXT stands in the map
 *   wipe        the map is empty again
 *   old         the map was written long ago
 *   unlink, rename        ... of the map; the new name is NAME.old
 *   dump=DIR    a jitdump begins there; load=NAME: the current code; move=N: it goes to slot N
 *   undump      the jitdump is deleted
 *   seen        waits until somebody has read what was last written into the map, or the jitdump
 *   sleep=MS, fork (the child goes on), exec (what follows is done by a new program)
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLOT_BYTES 64
#define SLOTS 64

#ifdef __x86_64__
#define MACHINE 62 /* push %rbp; mov %rsp,%rbp; movabs $malloc,%rax; call *%rax; pop %rbp; ret */
static const uint8_t code[] = { 0x55, 0x48, 0x89, 0xe5, 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xd0, 0x5d, 0xc3 };
#define CODE_ADDRESS_AT 6
#else
#define MACHINE 183 /* stp x29,x30,[sp,#-16]!; mov x29,sp; ldr x16,malloc; blr x16; ldp x29,x30,[sp],#16; ret */
static const uint32_t code[] = { 0xa9bf7bfd, 0x910003fd, 0x58000090, 0xd63f0200, 0xa8c17bfd, 0xd65f03c0, 0, 0 };
#define CODE_ADDRESS_AT 24
#endif

void *kept[64];
static unsigned kept_count;
static uint8_t *slots, *current;
static int dump = -1, reads = -1; /* reads of what was written, by inotify */
static char map_path[64], dump_path[4096];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put_code(int slot)
{
	void *(*const callee)(size_t) = malloc;

	current = slots + slot * SLOT_BYTES;
	memcpy(current, code, sizeof(code));
	memcpy(current + CODE_ADDRESS_AT, &callee, sizeof(callee));
	__builtin___clear_cache((char *)current, (char *)current + SLOT_BYTES);
}

static void call(size_t size)
{
	void *(*made)(size_t);

	memcpy(&made, &current, sizeof(made));
	kept[kept_count++] = made(size);
}

static void forget_reads(const char *path)
{
	char events[4096];

	if (reads < 0)
		reads = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (reads < 0 || inotify_add_watch(reads, path, IN_ACCESS) < 0)
		exit(3);
	while (read(reads, events, sizeof(events)) > 0)
		;
}

static void wait_for_read(void)
{
	struct pollfd p = { .fd = reads, .events = POLLIN };

	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
}

static void put_map(const char *how, const char *text)
{
	const int fd = open(map_path, O_WRONLY | O_CREAT | O_APPEND | (*how ? 0 : O_TRUNC), 0600);

	forget_reads(map_path);
	dprintf(fd, how, (unsigned long)current, (unsigned long)sizeof(code), text);
	close(fd);
}

static void age_map(void)
{
	const struct timespec times[2] = { { .tv_sec = 946684800 }, { .tv_sec = 946684800 } };

	utimensat(AT_FDCWD, map_path, times, 0);
}

static void rename_map(void)
{
	char other[80];

	snprintf(other, sizeof(other), "%s.old", map_path);
	rename(map_path, other);
}

static void begin_dump(const char *folder)
{
	struct {
		uint32_t magic, version, total_size, machine, pad, pid;
		uint64_t time, flags;
	} header = { 0x4a695444, 1, sizeof(header), MACHINE, 0, (uint32_t)getpid(), now_ns(), 0 };

	snprintf(dump_path, sizeof(dump_path), "%s/jit-%d.dump", folder, (int)getpid());
	dump = open(dump_path, O_CREAT | O_TRUNC | O_RDWR, 0600);
	if (write(dump, &header, sizeof(header)) < 0 ||
	    mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, dump, 0) == MAP_FAILED)
		exit(3);
}

static void put_load(const char *name)
{
	struct {
		uint32_t id, total_size;
		uint64_t time;
		uint32_t pid, tid;
		uint64_t address, code_address, code_size, index;
	} load = { 0, (uint32_t)(sizeof(load) + strlen(name) + 1 + sizeof(code)), now_ns(), (uint32_t)getpid(),
		   (uint32_t)getpid(), (uint64_t)current, (uint64_t)current, sizeof(code), kept_count };

	forget_reads(dump_path);
	if (write(dump, &load, sizeof(load)) < 0 || write(dump, name, strlen(name) + 1) < 0 ||
	    write(dump, current, sizeof(code)) < 0)
		exit(3);
}

static void put_move(int slot)
{
	const uint64_t from = (uint64_t)current;

	put_code(slot);
	struct {
		uint32_t id, total_size;
		uint64_t time;
		uint32_t pid, tid;
		uint64_t address, from, to, code_size, index;
	} move = { 1, sizeof(move), now_ns(), (uint32_t)getpid(), (uint32_t)getpid(), (uint64_t)current, from,
		   (uint64_t)current, sizeof(code), 0 };

	forget_reads(dump_path);
	if (write(dump, &move, sizeof(move)) < 0)
		exit(3);
}

/* The parent waits, and ends as the child does. */
static void go_on_in_child(void)
{
	const pid_t child = fork();
	int status;

	if (child > 0) {
		waitpid(child, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 4);
	}
	snprintf(map_path, sizeof(map_path), "/tmp/perf-%d.map", (int)getpid());
}

static void step(char **argv)
{
	char *const value = strchr(*argv, '=');
	const char *const text = value ? value + 1 : "";
	const int number = atoi(text);

#define IS(word) (!strncmp(*argv, word, value ? (size_t)(value - *argv) : sizeof(word)))
	if (IS("code"))
		put_code(number);
	else if (IS("call"))
		call((size_t)number);
	else if (IS("map"))
		put_map("%lx %lx %s\n", text);
	else if (IS("junk"))
		put_map("%3$s\n", text);
	else if (IS("wipe"))
		put_map("", "");
	else if (IS("old"))
		age_map();
	else if (IS("unlink"))
		unlink(map_path);
	else if (IS("rename"))
		rename_map();
	else if (IS("dump"))
		begin_dump(text);
	else if (IS("load"))
		put_load(text);
	else if (IS("move"))
		put_move(number);
	else if (IS("undump"))
		unlink(dump_path);
	else if (IS("seen"))
		wait_for_read();
	else if (IS("sleep"))
		usleep((useconds_t)number * 1000);
	else if (IS("fork"))
		go_on_in_child();
	else if (IS("exec"))
		execv("/proc/self/exe", argv);
	else
		exit(2);
}

int main(int argc, char **argv)
{
	slots = mmap(NULL, SLOTS * SLOT_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	snprintf(map_path, sizeof(map_path), "/tmp/perf-%d.map", (int)getpid());
	if (slots == MAP_FAILED)
		return 1;
	for (int i = 1; i < argc; i++)
		step(argv + i);
	return 0;
}
