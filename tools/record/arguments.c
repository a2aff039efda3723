/* arguments - see arguments.h. */
#include "arguments.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/new_segment.h"

/* The variable alone: its value is the usual one, the name of the segment as this process has it. */
static void complete_environment(struct arguments *o)
{
	const struct new_segment s = { .fd = (int)o->shm_fd, .id = -1 };
	char way[SHM_WAY_BYTES];

	if (!o->environment || strchr(o->environment, '='))
		return;
	new_segment_name(&s, getpid(), way, sizeof(way));
	snprintf(o->own_environment, sizeof(o->own_environment), "%s=%s", o->environment, way);
	o->environment = o->own_environment;
}

int arguments_parse(struct arguments *o, int argc, char **argv)
{
	const struct ui_option options[] = {
		{ 0, "serve", UI_UINT, &o->serve_fd, "FD", "socket to a program that asks for a recorder of its own", 0, INT_MAX },
		{ 0, "nframe", UI_UINT, &o->nframe, "N", "... and for so many frames of a stack", 1, 65535 },
		{ 0, "shm", UI_UINT, &o->shm_fd, "FD", "the shared memory", 3, INT_MAX },
		{ 0, "shm-id", UI_UINT, &o->shm_id, "ID", "System V shared memory, in place of --shm", 0, INT_MAX },
		{ 0, "output", UI_UINT, &o->out_fd, "FD", "the capture", 3, INT_MAX },
		{ 0, "control", UI_UINT, &o->control_fd, "FD", "the socket to tracker-run", 3, INT_MAX },
		{ 0, "pid", UI_UINT, &o->pid, "PID", "the program", 1, INT_MAX },
		{ 0, "pidfd", UI_UINT, &o->pid_fd, "FD", "the program", 3, INT_MAX },
		{ 0, "connector", UI_UINT, &o->connector_fd, "FD", "the socket on which the kernel reports processes", 3, INT_MAX },
		{ 0, "memory-interval-ms", UI_UINT, &o->memory_interval_ms, "N",
		  "the time between readings of RSS; 0: none", 0, 3600000 },
		{ 0, "start-after-ns", UI_UINT, &o->start_after_ns, "N", "begin after N ns", 0, 0 },
		{ 0, "duration-ns", UI_UINT, &o->duration_ns, "N", "stop after N ns; 0: never", 0, 0 },
		{ 0, "max-bytes", UI_UINT, &o->max_bytes, "N", "the largest size of the file; 0: any", 0, 0 },
		{ 0, "rotate", UI_UINT, &o->rotate, "N", "go on in another file, and keep N files", 1,
		  ROTATE_MAX },
		{ 0, "no-symbols", UI_FLAG, &o->no_symbols, NULL, "do not look up names", 0, 0 },
		{ 0, "attached-ns", UI_UINT, &o->attached_ns, "N", "the program ran already, for N ns", 0, 0 },
		{ 0, "notice", UI_LIST, &o->notices, "TEXT", "put this notice into the capture", 0,
		  0 },
		{ 0, "aggregate", UI_FLAG, &o->aggregate, NULL, "write sums instead of events", 0, 0 },
		{ 0, "temporary-threshold", UI_UINT, &o->temporary_threshold, "N",
		  "the threshold of temporary allocations in sums", 0, UINT32_MAX - 1 },
		{ 0, "path", UI_STRING, &o->path, "FILE", "the absolute path of the capture", 0, 0 },
		{ 0, "checkpoint-ms", UI_UINT, &o->checkpoint_ms, "N",
		  "the time between checkpoints of sums; 0: none", 0, 0 },
		{ 0, "track-class", UI_LIST, &o->track_class, "PATTERN,...", "classes that are tracked in each program", 0, 0 },
		{ 0, "snapshot-ns", UI_UINT, &o->snapshot_ns, "N", "the time between snapshots of classes; 0: none", 0, 0 },
		{ 0, "packing", UI_UINT, &o->packing, "N", "the packing of blocks: 0 best, 1 LZ4, 2 none", 0,
		  TRK_PACK_NONE },
		{ 0, "environment", UI_STRING, &o->environment, "VAR[=VALUE]",
		  "the variable that marks descendants", 0, 0 },
		{ 0 },
	};
	const struct ui_command command = {
		.name = "tracker-record",
		.usage = "[options] PROGRAM [ARGUMENT...]",
		.summary = "write the events of a process tree into a capture (tracker-run starts it)",
		.options = options,
		.min_operands = 1,
		.max_operands = -1,
		.is_internal = true,
	};

	const int first = ui_parse(&command, argc, argv, true);

	complete_environment(o);
	return first;
}

static void *map_memfd(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return MAP_FAILED;
	if (st.st_size != (off_t)sizeof(struct shm)) {
		errno = EPROTO;
		return MAP_FAILED;
	}
	return mmap(NULL, sizeof(struct shm), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static void *map_system_v(int id)
{
	struct shmid_ds d;

	if (shmctl(id, IPC_STAT, &d) < 0)
		return MAP_FAILED;
	if (d.shm_segsz != sizeof(struct shm)) {
		errno = EPROTO;
		return MAP_FAILED;
	}
	void *const p = shmat(id, NULL, 0);

	return p == (void *)-1 ? MAP_FAILED : p;
}

int arguments_map_segment(const struct arguments *o, struct recorder *r)
{
	struct stat st;

	r->segment = o->shm_fd ? (int)o->shm_fd : -1;
	r->segment_inode = o->shm_fd && fstat(r->segment, &st) == 0 ? st.st_ino : o->shm_id;
	r->shm = o->shm_fd ? map_memfd((int)o->shm_fd) : map_system_v((int)o->shm_id);
	if (r->shm == MAP_FAILED)
		return errno == EPROTO ? TRK_ERR_VERSION : TRK_ERR_NOMEM;
	return r->shm->header.magic == SHM_MAGIC && r->shm->header.version == SHM_VERSION ? 0 : TRK_ERR_VERSION;
}
