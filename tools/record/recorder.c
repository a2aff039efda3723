/* recorder - how a recording begins, and what it gives back when it is over. */
#include "recorder.h"
#include "births.h"
#include "module_table.h"
#include "python_codes.h"
#include "process.h"
#include "forks.h"
#include "snapshots.h"
#include "watch.h"
#include "jit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

static struct trk_header make_header(const struct recorder *r)
{
	struct trk_header h = {
		.version = TRK_VERSION,
		.header_bytes = TRK_HEADER_BYTES,
		.required = TRK_FEATURE_RESERVED,
		.content = r->aggregate ? TRK_CONTENT_AGGREGATED : TRK_CONTENT_EVENTS,
		.page_bytes = (uint32_t)sysconf(_SC_PAGESIZE),
	};
	struct timespec t;

	h.sample_bytes = r->shm->header.sample_bytes;
	clock_gettime(CLOCK_REALTIME, &t);
	h.start_unix_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec - recorder_clock(r);
	if (getrandom(&h.id, sizeof(h.id), GRND_NONBLOCK) != sizeof(h.id))
		h.id = h.start_unix_ns ^ (uint64_t)getpid() << 48;
	return h;
}

/* The file does not take even the header. Everything is read and dropped, and the program goes on. */
static int open_writer(struct recorder *r, int fd)
{
	const struct trk_header header = make_header(r);
	int err = writer_new(&r->writer, fd, &header);

	r->rotation.header = header;
	r->rotation.keep_on = r->rotation.keep && !err;
	if (r->rotation.keep && !err)
		writer_health(r->writer, "piece", r->rotation.number);
	heap_set_page_bytes(r->heap, header.page_bytes);
	if (r->aggregate)
		aggregation_set_sampling(r->aggregate, header.sample_bytes);
	else
		heap_set_sampling(r->heap, header.sample_bytes);
	if (err != TRK_ERR_IO)
		return err;
	r->discard = true;
	r->write_error = errno;
	return writer_new(&r->writer, open("/dev/null", O_WRONLY | O_CLOEXEC), &header);
}

bool recorder_keeps_file(const struct recorder *r)
{
	struct stat st;

	return fstat(r->output, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_nlink || r->rotation.keep || r->aggregate);
}

static int make_heap(struct recorder *r, const struct recorder_setup *setup)
{
	int err;

	if (!setup->aggregate)
		return heap_new(&r->heap, 1, NULL);
	err = aggregation_new(&r->aggregate, setup->temporary_threshold);
	r->heap = err ? NULL : aggregation_heap(r->aggregate);
	return err;
}

void recorder_lock(int fd)
{
	const struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	/* a file system without locks: readers will think that the recorder was killed; there is no other harm */
	(void)fcntl(fd, F_SETLK, &lock);
}

int recorder_begin(struct recorder *r, const struct recorder_setup *setup)
{
	int err;

	recorder_lock(setup->output);
	r->output = setup->output;
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll < 0)
		return TRK_ERR_IO;
	err = make_heap(r, setup);
	if (!err && r->aggregate)
		err = checkpoint_begin(&r->checkpoint, setup->output, setup->path, setup->checkpoint_ns);
	if (!err)
		err = rotate_begin(&r->rotation, setup->path, setup->rotate, setup->output);
	if (!err)
		err = open_writer(r, r->aggregate ? r->checkpoint.spool : setup->output);
	if (!err)
		writer_set_packing(r->writer, setup->packing);
	if (!err && r->aggregate)
		checkpoint_mark(r);
	if (err)
		return err;
	if (r->shm->header.nframe >= WIRE_SLACK_FROM)
		r->stack_nodes.keep = r->shm->header.nframe;
	r->stack_nodes.sums = r->aggregate != NULL;
	r->stack_nodes.elsewhere = jit_frame;
	r->stack_nodes.data = r;
	return stack_nodes_init(&r->stack_nodes, r->writer);
}

void recorder_release(struct recorder *r)
{
	forks_release(r);
	snapshot_drop_all(r, NULL);
	for (size_t i = 0; i < r->process_count; i++)
		process_free(r->processes[i]);
	module_table_finish(r);
	python_finish(r);
	watch_release(r);
	births_end(r->births);
	free(r->processes);
	free(r->live);
	stack_nodes_finish(&r->stack_nodes);
	if (!r->aggregate)
		heap_free(r->heap);
	aggregation_free(r->aggregate);
	checkpoint_release(&r->checkpoint);
	free(r->rotation.files);
	writer_free(r->writer);
	if (r->epoll > 0)
		close(r->epoll);
}
