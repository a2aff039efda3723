#include "new_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STALL_MS 100u

int descriptor_high(int fd)
{
	const int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 10);

	if (fd >= 0)
		close(fd);
	return moved;
}

static uint64_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

struct shm_header new_segment_header(uint32_t flags, uint32_t nframe, uint64_t sample_bytes)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	const uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	uint64_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = now_ns ^ (uint64_t)getpid() << 40;
	return (struct shm_header){
		.magic = SHM_MAGIC,
		.version = SHM_VERSION,
		.flags = flags,
		.nframe = nframe,
		.sample_bytes = sample_bytes,
		.stall_ms = STALL_MS,
		.start_mono_ns = now_ns,
		.recording = number,
		.mount_namespace = inode_of("/proc/self/ns/mnt"),
		.root_inode = inode_of("/"),
	};
}

int new_segment_adopt(struct new_segment *s, int fd, const struct shm_header *header)
{
	*s = (struct new_segment){ fd, -1, NULL };
	if (s->fd >= 0 && fchmod(s->fd, 0600) == 0 && ftruncate(s->fd, sizeof(struct shm)) == 0 &&
	    fcntl(s->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0 &&
	    pwrite(s->fd, header, sizeof(*header), 0) == (ssize_t)sizeof(*header))
		return 0;
	const int error = errno;

	new_segment_close(s);
	return error;
}

static int open_memfd(struct new_segment *s, const struct shm_header *header)
{
	return new_segment_adopt(s, descriptor_high(memfd_create("tracker", MFD_CLOEXEC | MFD_ALLOW_SEALING)), header);
}

static int open_system_v(struct new_segment *s, const struct shm_header *header)
{
	s->id = shmget(IPC_PRIVATE, sizeof(struct shm), IPC_CREAT | 0600);
	if (s->id < 0)
		return errno;
	void *const kept = shmat(s->id, NULL, 0);
	const int error = errno;

	/* Linux lets others attach by number as long as some process holds the memory. This process does, until it ends. */
	shmctl(s->id, IPC_RMID, NULL);
	if (kept == (void *)-1)
		return error;
	memcpy(kept, header, sizeof(*header));
	s->memory = kept;
	return 0;
}

int new_segment_create(struct new_segment *s, const struct shm_header *header)
{
	int error;

	*s = (struct new_segment){ -1, -1, NULL };
	signal(SIGXFSZ, SIG_IGN);
	error = open_memfd(s, header);
	signal(SIGXFSZ, SIG_DFL);
	return error == EFBIG ? open_system_v(s, header) : error;
}

void new_segment_close(struct new_segment *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void write_at(const struct new_segment *s, size_t offset, const void *bytes, size_t size)
{
	if (s->memory)
		memcpy((char *)s->memory + offset, bytes, size);
	else
		(void)!pwrite(s->fd, bytes, size, (off_t)offset);
}

void new_segment_tell(const struct new_segment *s, const char *way, pid_t program)
{
	const uint32_t pid = (uint32_t)program;
	char name[SHM_WAY_BYTES] = "";

	snprintf(name, sizeof(name), "%s", way);
	write_at(s, offsetof(struct shm, header.program_pid), &pid, sizeof(pid));
	write_at(s, offsetof(struct shm, execs.way), name, sizeof(name));
}

void new_segment_limit(const struct new_segment *s, uint32_t chunks)
{
	write_at(s, offsetof(struct shm, header.chunk_limit), &chunks, sizeof(chunks));
}

static void read_at(const struct new_segment *s, size_t offset, void *bytes, size_t size)
{
	memset(bytes, 0, size);
	if (s->memory)
		memcpy(bytes, (const char *)s->memory + offset, size);
	else
		(void)!pread(s->fd, bytes, size, (off_t)offset);
}

uint64_t new_segment_programs(const struct new_segment *s)
{
	uint64_t programs;

	read_at(s, offsetof(struct shm, header.programs), &programs, sizeof(programs));
	return programs;
}

/* Programs see that it is closed when they see that the clock has moved. */
void new_segment_end(const struct new_segment *s)
{
	const size_t kept = offsetof(struct shm, processes);
	const uint32_t closed = 1;
	uint64_t clock_ns;

	write_at(s, offsetof(struct shm, header.closed), &closed, sizeof(closed));
	read_at(s, offsetof(struct shm, header.clock_ns), &clock_ns, sizeof(clock_ns));
	clock_ns++;
	write_at(s, offsetof(struct shm, header.clock_ns), &clock_ns, sizeof(clock_ns));
	if (!s->memory)
		(void)fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)kept, (off_t)(sizeof(struct shm) - kept));
}

void new_segment_name(const struct new_segment *s, pid_t recorder, char *name, size_t room)
{
	if (s->fd >= 0)
		snprintf(name, room, "/proc/%d/fd/%d", (int)recorder, s->fd);
	else
		snprintf(name, room, SHM_SYSTEM_V "%d", s->id);
}
