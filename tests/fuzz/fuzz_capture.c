/*
 * fuzz_capture - whole files: opened, every event of every process replayed into
 * a heap. The first byte chooses: even, the rest is the file; odd, the rest is a
 * list of blocks {type, process, items, flags, 2 bytes length, payload}, which
 * become a file with right checksums, so that the tables behind them are reached.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#include "format/bytes.h"
#include "replay/capture.h"
#include "replay/heap.h"

#define FILE_MAX (1u << 20)
#define DESCRIPTION_BYTES 6u

static uint8_t file[FILE_MAX];

static size_t build_file(const uint8_t *data, size_t size)
{
	const struct trk_header header = { .version = TRK_VERSION, .page_bytes = 4096 };
	size_t n = TRK_HEADER_BYTES, at = 0;

	trk_header_encode(&header, file);
	while (size - at >= DESCRIPTION_BYTES) {
		const uint8_t *d = data + at;
		const size_t left = size - at - DESCRIPTION_BYTES, want = get_u16(d + 4);
		struct trk_block_header h = {
			.type = d[0],
			.process = d[1] == 255 ? TRK_NO_PROCESS : d[1],
			.items = d[2],
			.flags = d[3] == 255 ? TRK_BLOCK_MUST_UNDERSTAND : 0,
			.raw_bytes = (uint32_t)(want < left ? want : left),
			.first_time_ns = d[3],
			.last_time_ns = 1000,
		};

		if (n + TRK_BLOCK_HEADER_BYTES + trk_block_bound(h.raw_bytes) > FILE_MAX)
			break;
		n += trk_block_encode(&h, d + DESCRIPTION_BYTES, file + n);
		at += DESCRIPTION_BYTES + h.raw_bytes;
	}
	return n;
}

static void replay(struct capture *c)
{
	struct cursor *k = NULL;
	struct heap *heap = NULL;
	struct trk_event e;
	uint64_t seq;

	if (cursor_open(&k, c, UINT32_MAX) == 0 && heap_new(&heap, 1, NULL) == 0) {
		while (cursor_next(k, &e, &seq) == 0) {
			MUST(e.node == 0 || e.node < c->node_count);
			(void)heap_apply(heap, &e);
		}
	}
	heap_free(heap);
	cursor_close(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture *c = NULL;
	struct trk_fault fault;
	char path[64];
	int fd;

	if (!size || size > FILE_MAX)
		return 0;
	fd = memfd_create("capture", MFD_CLOEXEC);
	if (fd < 0)
		return 0;
	if (data[0] % 2) {
		size = build_file(data + 1, size - 1);
		data = file;
	} else {
		data++;
		size--;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, data, size) == (ssize_t)size && capture_open(&c, path, &fault) == 0) {
		replay(c);
		capture_close(c);
	}
	close(fd);
	return 0;
}
