/*
 * naming - what it costs to name a million frames: `naming FILE CAPTURE < addresses` puts every address
 * (hexadecimal) into a capture as a return address of FILE, and names them as a recording does when it ends. Prints
 * "FRAMES SECONDS CPU_SECONDS MAX_RSS_BYTES", the memory being that of the child that looks names up.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tools/record/recorder.h"
#include "tools/record/frame_names.h"

/* Asked for by parts of the recorder that are not used here. */
uint64_t recorder_clock(const struct recorder *r)
{
	return 0;
}

static double seconds_of(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double cpu_seconds(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return seconds_of(u.ru_utime) + seconds_of(u.ru_stime);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static struct recorder r;
	const struct trk_header header = { .page_bytes = 4096 };
	struct embed_module modules[2] = { { .fd = -1 }, { .record.path = argc == 3 ? argv[1] : NULL, .fd = -1 } };
	const int fd = argc == 3 ? open(argv[2], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	struct rusage child;
	uint64_t address, frames = 0;

	if (fd < 0 || writer_new(&r.writer, fd, &header) != 0)
		return 2;
	const uint32_t module = writer_module(r.writer, &(struct trk_module){ .path = argv[1] });

	for (; scanf("%" SCNx64, &address) == 1; frames++)
		(void)writer_frame(r.writer, module, address);
	r.modules = modules;
	r.module_count = 2;
	const double before = now(), cpu = cpu_seconds(RUSAGE_SELF);

	frame_names_write(&r);
	const int err = writer_finish(r.writer);

	getrusage(RUSAGE_CHILDREN, &child);
	printf("%" PRIu64 " %.2f %.2f %ld\n", frames, now() - before, cpu_seconds(RUSAGE_SELF) - cpu + cpu_seconds(RUSAGE_CHILDREN),
	       child.ru_maxrss * 1024);
	writer_free(r.writer);
	return err ? 1 : 0;
}
