/* sample - see sample.h. */
#include "sample.h"
#include "process.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Reads up to room - 1 bytes of a small file and ends them with a NUL; -1: it is not there. */
static ssize_t read_file(const char *path, char *buf, size_t room)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, room - 1);
	close(fd);
	buf[n > 0 ? n : 0] = 0;
	return n;
}

static void sample(struct recorder *r, struct process *p, uint64_t page_bytes)
{
	char path[64], buf[128];
	unsigned long long size, resident;
	ssize_t n;

	if (p->statm < 0) {
		snprintf(path, sizeof(path), "/proc/%u/statm", p->pid);
		p->statm = open(path, O_RDONLY | O_CLOEXEC);
	}
	n = p->statm < 0 ? -1 : pread(p->statm, buf, sizeof(buf) - 1, 0);
	if (n <= 0)
		return;
	buf[n] = 0;
	if (sscanf(buf, "%llu %llu", &size, &resident) == 2 && resident)
		writer_rss(r->writer, p->index, r->now_ns, resident * page_bytes);
}

/*
 * A thread that another one named: the kernel is asked again when it is 10 ms,
 * 100 ms and 1 s old. Names that threads give themselves come from the slot.
 */
static void look_at_names(const struct recorder *r, const struct process *p)
{
	static const uint64_t ages_ns[] = { 10000000, 100000000, 1000000000 };

	for (size_t i = 0; i < p->stream_count; i++) {
		struct stream *const s = p->streams[i];
		char name[SHM_NAME_BYTES];

		if (s->name_version || s->name_looks == sizeof(ages_ns) / sizeof(*ages_ns) ||
		    r->now_ns - s->start_ns < ages_ns[s->name_looks])
			continue;
		s->name_looks++;
		sample_thread_name(p->pid, s->tid, name);
		if (name[0])
			memcpy(s->name, name, sizeof(name));
	}
}

#define SAMPLES_PER_INTERVAL 10000u

void sample_memory(struct recorder *r)
{
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);

	if (!r->memory_interval_ns || r->now_ns < r->next_sample_ns)
		return;
	/* never catch up: the distance between two samples is at least the interval */
	r->next_sample_ns = r->now_ns + r->memory_interval_ns;
	for (size_t i = 0; i < r->live_count; i++) {
		if (r->live[i]->dying)
			continue;
		sample(r, r->live[i], page_bytes);
		look_at_names(r, r->live[i]);
	}
	/* a file that does not grow with events must not grow with samples: the longer, the rarer */
	r->samples += r->live_count;
	if (r->aggregate && r->samples >= SAMPLES_PER_INTERVAL) {
		r->samples = 0;
		r->memory_interval_ns *= 2;
	}
}

void sample_thread_name(uint32_t pid, uint32_t tid, char name[SHM_NAME_BYTES])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/task/%u/comm", pid, tid);
	if (read_file(path, name, SHM_NAME_BYTES) < 0)
		name[0] = 0;
	name[strcspn(name, "\n")] = 0;
}

/* Takes chunk `n` as a target would, so that nobody fills it meanwhile. */
static bool claim(struct shm *shm, uint32_t n)
{
	const uint64_t bit = 1ull << (n % 64);

	return !(atomic_fetch_or_explicit(&shm->chunk_bitmap[n / 64], bit, memory_order_acquire) &
		 bit);
}

static void unclaim(struct shm *shm, uint32_t from, uint32_t to)
{
	for (uint32_t n = from; n < to; n++)
		atomic_fetch_and_explicit(&shm->chunk_bitmap[n / 64], ~(1ull << (n % 64)),
					  memory_order_release);
}

/* Chunks below this keep their memory: they are used first, again and again. */
#define KEPT_CHUNKS ((4u << 20) / SHM_CHUNK_BYTES)

void sample_trim(struct recorder *r)
{
	struct shm *const shm = r->shm;
	const uint32_t limit = atomic_load(&shm->header.chunk_limit);
	const uint32_t used = shm->header.chunks_used < SHM_CHUNKS ? shm->header.chunks_used : SHM_CHUNKS;

	for (uint32_t n = limit && limit < KEPT_CHUNKS ? limit : KEPT_CHUNKS; n < used;) {
		const uint32_t from = n;

		while (n < used && claim(shm, n))
			n++;
		if (n > from)
			madvise(&shm->chunks[from], (size_t)(n - from) * SHM_CHUNK_BYTES,
				MADV_REMOVE);
		unclaim(shm, from, n);
		n++;
	}
	shm->header.chunks_used = 0;
}

static bool has_environment(uint32_t pid, const char *environment)
{
	static char buf[256 << 10];
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/environ", pid);
	const ssize_t n = read_file(path, buf, sizeof(buf));

	return n > 0 && memmem(buf, (size_t)n, environment, strlen(environment) + 1);
}

static uint32_t last_pid(void)
{
	char buf[128];
	const char *last;

	if (read_file("/proc/loadavg", buf, sizeof(buf)) <= 0)
		return 0;
	last = strrchr(buf, ' ');
	return last ? (uint32_t)strtoul(last + 1, NULL, 10) : 0;
}

static bool is_stranger(const struct recorder *r, uint32_t pid, const char *environment)
{
	return pid != (uint32_t)getpid() && pid != (uint32_t)getppid() && !process_by_pid(r, pid) &&
	       has_environment(pid, environment);
}

size_t sample_strangers(struct recorder *r, const char *environment, uint32_t pid, uint32_t *pids,
			size_t max)
{
	const uint32_t last = last_pid(), self = (uint32_t)getpid();
	struct dirent *entry;
	size_t count = 0;

	/* The usual case, without a look at every process: nothing was started since. */
	if (last && last == (self > pid ? self : pid))
		return 0;
	DIR *const dir = opendir("/proc");

	while (dir && count < max && (entry = readdir(dir))) {
		const uint32_t other = isdigit((unsigned char)entry->d_name[0]) ?
					       (uint32_t)strtoul(entry->d_name, NULL, 10) : 0;

		if (other && is_stranger(r, other, environment))
			pids[count++] = other;
	}
	if (dir)
		closedir(dir);
	return count;
}
