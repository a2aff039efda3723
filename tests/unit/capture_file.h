/*
 * capture_file - captures in memory for tests: a memfd that has a path, filled
 * by the writer or block by block.
 */
#ifndef TEST_CAPTURE_FILE_H
#define TEST_CAPTURE_FILE_H

#include "unit.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/bytes.h"
#include "format/event.h"
#include "format/writer.h"
#include "replay/capture.h"

struct capture_file {
	int fd;
	char path[64];
};

static inline struct capture_file capture_file_new(void)
{
	struct capture_file f = { .fd = memfd_create("capture", MFD_CLOEXEC) };

	assert_true(f.fd >= 0);
	snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d", f.fd);
	return f;
}

static inline struct writer *capture_file_writer(const struct capture_file *f)
{
	const struct trk_header h = { .version = TRK_VERSION,
				      .start_unix_ns = 1700000000000000000ull,
				      .page_bytes = 4096,
				      .id = 42 };
	struct writer *w = NULL;

	assert_int_equal(writer_new(&w, f->fd, &h), 0);
	return w;
}

static inline void capture_file_finish(struct writer *w)
{
	assert_int_equal(writer_finish(w), 0);
	writer_free(w);
}

static inline void capture_file_append(const struct capture_file *f, const void *bytes, size_t n)
{
	assert_int_equal(lseek(f->fd, 0, SEEK_END) >= 0, 1);
	assert_int_equal(write(f->fd, bytes, n), (ssize_t)n);
}

/* The bytes as they are now; free() them. */
static inline uint8_t *capture_file_bytes(const struct capture_file *f, size_t *ret_size)
{
	const off_t size = lseek(f->fd, 0, SEEK_END);
	uint8_t *bytes = malloc((size_t)size + 1);

	assert_non_null(bytes);
	assert_int_equal(pread(f->fd, bytes, (size_t)size, 0), size);
	*ret_size = (size_t)size;
	return bytes;
}

/* One block of any type as it stands in a file. */
static inline void capture_file_block(const struct capture_file *f, struct trk_block_header h,
				      const uint8_t *raw, size_t n)
{
	uint8_t *out = malloc(TRK_BLOCK_HEADER_BYTES + trk_block_bound((uint32_t)n) + 64);

	h.raw_bytes = (uint32_t)n;
	assert_non_null(out);
	capture_file_append(f, out, trk_block_encode(&h, raw, out, TRK_PACK_BEST));
	free(out);
}

static inline struct capture *capture_file_open(const struct capture_file *f)
{
	struct trk_fault fault;
	struct capture *c = NULL;

	assert_int_equal(capture_open(&c, f->path, &fault), 0);
	return c;
}

/* All events of a capture (labels not kept); free() them. */
static inline struct trk_event *capture_file_events(struct capture *c, uint32_t process,
						    size_t *ret_count)
{
	struct trk_event *events = NULL, e;
	struct cursor *k = NULL;
	uint64_t seq;
	size_t n = 0, room = 0;
	int err;

	assert_int_equal(cursor_open(&k, c, process), 0);
	while ((err = cursor_next(k, &e, &seq)) == 0) {
		assert_int_equal(seq, n);
		if (n == room) { /* not one by one: a sanitizer copies every time */
			room = 2 * room + 64;
			events = realloc(events, room * sizeof(*events));
			assert_non_null(events);
		}
		e.label = NULL;
		events[n++] = e;
	}
	assert_int_equal(err, TRK_END);
	cursor_close(k);
	*ret_count = n;
	return events;
}

static inline struct trk_event event_of(uint32_t process, uint64_t time_ns, uint8_t kind,
					uint64_t address, uint64_t size)
{
	return (struct trk_event){ .process = process, .time_ns = time_ns, .kind = kind, .address = address, .size = size };
}

#endif
