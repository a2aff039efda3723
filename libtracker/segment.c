#include "segment.h"

#include <stddef.h>
#include <string.h>
#include <sys/shm.h>

#include "raw.h"

#define HEAD_BYTES offsetof(struct shm, processes)
#define CHUNK_PIECE_BYTES (SEGMENT_CHUNKS * sizeof(struct shm_chunk))
#define THREAD_PIECE_BYTES (SEGMENT_THREADS * sizeof(struct shm_thread))
#define STRIDE (1u << 20)

_Static_assert(SHM_PAGE_MOST == RAW_PAGE_MOST && HEAD_BYTES % RAW_PAGE_MOST == 0 && THREAD_PIECE_BYTES % RAW_PAGE_MOST == 0 &&
		       CHUNK_PIECE_BYTES % RAW_PAGE_MOST == 0 && RAW_PAGE_LEAST % sizeof(struct shm_process) == 0,
	       "whole pages; a process's slot lies in one");

static int file = -1; /* used only while the process attaches */
static bool replaces; /* what is mapped is another recording's, up to segment_take_process */

/* The head, the page of the process's own slot, and the first parts, next to each other. */
static size_t start_bytes(void)
{
	return HEAD_BYTES + raw_page_bytes + THREAD_PIECE_BYTES + CHUNK_PIECE_BYTES;
}

/* ---- mapping without a descriptor ---- */

/*
 * Maps the page that lies `distance` bytes behind `page` in the segment. It goes in strides, because for a moment it
 * needs as much more address space. NULL: refused.
 */
static uint8_t *walk(uint8_t *page, size_t distance)
{
	uint8_t *at = page;

	while (at && distance) {
		const size_t step = distance < STRIDE ? distance : STRIDE;
		uint8_t *const next = raw_map_again(at, step + raw_page_bytes);

		if (at != page)
			raw_munmap(at, raw_page_bytes);
		if (next)
			raw_munmap(next, step);
		at = next ? next + step : NULL;
		distance -= step;
	}
	return at;
}

/* A page of the segment that is mapped, and its offset in the segment. */
struct anchor {
	void *page;
	size_t offset;
};

static bool place_walking(void *at, size_t bytes, size_t offset, struct anchor anchor)
{
	uint8_t *const from = walk(anchor.page, offset - anchor.offset);
	const bool placed = from && raw_map_again_at(from, bytes, at);

	if (from && from != anchor.page)
		raw_munmap(from, raw_page_bytes);
	return placed;
}

/* Maps the part that begins at `offset` of the segment, at address `at`. */
static bool place(void *at, size_t bytes, size_t offset, struct anchor anchor)
{
	const bool placed = file >= 0 ? raw_map_file_at(at, bytes, file, offset) :
					place_walking(at, bytes, offset, anchor);

	if (placed)
		(void)raw_madvise(at, bytes, MADV_DONTDUMP);
	return placed;
}

/* The same at any address, between guards. */
static void *place_anywhere(size_t bytes, size_t offset, struct anchor anchor)
{
	void *const at = raw_reserve(bytes);

	if (!at || place(at, bytes, offset, anchor))
		return at;
	raw_release(at, bytes);
	return NULL;
}

/* ---- the beginning ---- */

static bool is_segment(const struct shm_header *h)
{
	return h->magic == SHM_MAGIC && h->version == SHM_VERSION;
}

/* recording: the one that it must be; 0: any. It is looked at before it is mapped: another segment may be mapped `at`. */
static bool map_descriptor(int fd, uint64_t recording, void *at)
{
	struct shm_header h;
	struct stat st;

	if (!raw_stat_fd(fd, &st) || (size_t)st.st_size != sizeof(struct shm) ||
	    arch_syscall(SYS_pread64, fd, (long)&h, sizeof(h), 0, 0, 0) != sizeof(h) || !is_segment(&h) ||
	    (recording && h.recording != recording) || !raw_map_file_at(at, HEAD_BYTES, fd, 0))
		return false;
	state.segment_inode = st.st_ino;
	return true;
}

static bool map_file(const char *path, struct shm *at)
{
	file = raw_open(path, O_RDWR | O_CLOEXEC);
	return file >= 0 && map_descriptor(file, 0, at);
}

/* The descriptor may be closed by now, and its number may belong to another file. Then that file stays open. */
static bool map_inherited(const struct inherited *from, struct shm *at)
{
	if (!map_descriptor(from->fd, from->recording, at))
		return false;
	file = from->fd;
	return true;
}

/* It can be attached only as a whole. */
static bool map_system_v(const char *number, void *at)
{
	struct shmid_ds d;
	long id = 0, whole;
	bool mapped;

	for (; *number >= '0' && *number <= '9'; number++)
		id = id * 10 + *number - '0';
	if (arch_syscall(SYS_shmctl, id, IPC_STAT, (long)&d, 0, 0, 0) < 0 ||
	    d.shm_segsz != sizeof(struct shm))
		return false;
	whole = arch_syscall(SYS_shmat, id, 0, 0, 0, 0, 0);
	if (raw_is_error(whole))
		return false;
	mapped = is_segment((const void *)whole) && raw_map_again_at((void *)whole, HEAD_BYTES, at);
	if (mapped)
		state.segment_inode = 0;
	(void)arch_syscall(SYS_shmdt, whole, 0, 0, 0, 0, 0);
	return mapped;
}

static bool map_head(const char *name, const struct inherited *inherited, struct shm *at)
{
	const size_t n = strlen(SHM_SYSTEM_V);

	if (inherited)
		return map_inherited(inherited, at);
	return strncmp(name, SHM_SYSTEM_V, n) == 0 ? map_system_v(name + n, at) : map_file(name, at);
}

/* Hooks, and what they find, look at a segment at any time, so the next one is mapped in the place of the last one. */
bool segment_open(const char *name, const struct inherited *inherited)
{
	struct shm *const s = state.shm ? state.shm : raw_reserve(start_bytes());

	if (inherited && inherited->late)
		file = inherited->fd;
	if (!s) {
		segment_opened();
		return false;
	}
	if (!map_head(name, inherited, s)) {
		segment_opened();
		if (!state.shm)
			raw_release(s, start_bytes());
		return false;
	}
	(void)raw_madvise(s, HEAD_BYTES, MADV_DONTDUMP);
	replaces = state.shm != NULL;
	state.shm = s;
	return true;
}

void segment_opened(void)
{
	if (file >= 0)
		raw_close(file);
	file = -1;
}

/* ---- pieces ---- */

static struct anchor head(void)
{
	return (struct anchor){ (uint8_t *)state.shm + HEAD_BYTES - raw_page_bytes, HEAD_BYTES - raw_page_bytes };
}

static struct anchor own_slot(void)
{
	return (struct anchor){ (uint8_t *)state.shm + HEAD_BYTES, raw_page_of(offsetof(struct shm, processes[state.process_slot])) };
}

/*
 * The first threads and chunks are mapped before the program does anything, because it may forbid itself to map
 * memory. A forked child has its parent's.
 */
static bool map_first_pieces(uint8_t *at)
{
	if (!atomic_load(&state.thread_pieces[0])) {
		if (!place(at, THREAD_PIECE_BYTES, offsetof(struct shm, threads), own_slot()))
			return false;
		atomic_store(&state.thread_pieces[0], (void *)at);
	}
	if (!atomic_load(&state.chunk_pieces[0])) {
		at += THREAD_PIECE_BYTES;
		if (!place(at, CHUNK_PIECE_BYTES, offsetof(struct shm, chunks), own_slot()))
			return false;
		atomic_store(&state.chunk_pieces[0], (void *)at);
		atomic_store(&state.chunk_words, SEGMENT_CHUNKS / 64u);
	}
	return true;
}

/* In the place of all that another recording needed, too. */
static bool replace_pieces(void)
{
	bool placed = true;

	for (uint32_t i = 0; i < SEGMENT_THREAD_PIECES; i++) {
		void *const piece = atomic_load(&state.thread_pieces[i]);

		if (piece)
			placed &= place(piece, THREAD_PIECE_BYTES, offsetof(struct shm, threads[i * SEGMENT_THREADS]), own_slot());
	}
	for (uint32_t i = 0; i < SEGMENT_CHUNK_PIECES; i++) {
		void *const piece = atomic_load(&state.chunk_pieces[i]);

		if (piece)
			placed &= place(piece, CHUNK_PIECE_BYTES, offsetof(struct shm, chunks[i * SEGMENT_CHUNKS]), own_slot());
	}
	return placed;
}

bool segment_take_process(uint32_t slot)
{
	uint8_t *const at = (uint8_t *)state.shm + HEAD_BYTES;
	const size_t offset = offsetof(struct shm, processes[slot]), page = raw_page_of(offset);

	if (!place(at, raw_page_bytes, page, head()))
		return false;
	state.process_slot = slot;
	state.process = (void *)(at + (offset - page));
	if (!replaces)
		return map_first_pieces(at + raw_page_bytes);
	replaces = false;
	return replace_pieces() && map_first_pieces(at + raw_page_bytes);
}

struct shm_thread *segment_thread(uint32_t slot)
{
	const uint32_t i = slot / SEGMENT_THREADS;
	struct shm_thread *piece = atomic_load_explicit(&state.thread_pieces[i], memory_order_acquire), *expected = NULL;

	if (!piece) {
		piece = place_anywhere(THREAD_PIECE_BYTES, offsetof(struct shm, threads[i * SEGMENT_THREADS]), own_slot());
		if (!piece)
			return NULL;
		if (!atomic_compare_exchange_strong(&state.thread_pieces[i], &expected, piece)) {
			raw_release(piece, THREAD_PIECE_BYTES);
			piece = expected;
		}
	}
	return &piece[slot % SEGMENT_THREADS];
}

/*
 * A control group may leave the program little memory, and the program is charged for each page that it touches
 * first. One chunk for each thread does not count; otherwise many threads would wait for each other.
 */
uint32_t segment_words_max(void)
{
	const uint32_t limit = atomic_load_explicit(&state.shm->header.chunk_limit, memory_order_relaxed);
	const uint32_t threads = atomic_load_explicit(&state.shm->header.thread_high, memory_order_relaxed);

	if (likely(!limit) || limit >= SHM_CHUNKS || threads >= SHM_CHUNKS - limit)
		return SHM_BITMAP_WORDS;
	return (limit + threads + 63) / 64;
}

/* Maps that part of the chunks. NULL: the part before it is not mapped, or there is no room. */
static struct shm_chunk *map_chunks(uint32_t piece)
{
	const size_t offset = offsetof(struct shm, chunks[piece * SEGMENT_CHUNKS]);
	uint8_t *const before = (void *)atomic_load_explicit(&state.chunk_pieces[piece - 1], memory_order_acquire);
	struct anchor last;

	if (!before)
		return NULL;
	last = (struct anchor){ before + CHUNK_PIECE_BYTES - raw_page_bytes, offset - raw_page_bytes };
	return place_anywhere(CHUNK_PIECE_BYTES, offset, last);
}

bool segment_grow(void)
{
	uint32_t words = atomic_load(&state.chunk_words);
	const uint32_t i = words / (SEGMENT_CHUNKS / 64u);
	struct shm_chunk *piece, *expected = NULL;

	if (i == 0 || words >= segment_words_max())
		return false;
	piece = map_chunks(i);
	if (!piece)
		return false;
	if (!atomic_compare_exchange_strong(&state.chunk_pieces[i], &expected, piece))
		raw_release(piece, CHUNK_PIECE_BYTES);
	(void)atomic_compare_exchange_strong(&state.chunk_words, &words, words + SEGMENT_CHUNKS / 64u);
	return true;
}

/* ---- private memory in its place ---- */

static bool make_private(void *at, size_t bytes)
{
	return !at || raw_map_private_at(at, bytes);
}

void segment_leave(void)
{
	(void)make_private(state.shm, start_bytes());
	for (unsigned i = 1; i < SEGMENT_CHUNK_PIECES; i++)
		(void)make_private(atomic_load(&state.chunk_pieces[i]), CHUNK_PIECE_BYTES);
	for (unsigned i = 1; i < SEGMENT_THREAD_PIECES; i++)
		(void)make_private(atomic_load(&state.thread_pieces[i]), THREAD_PIECE_BYTES);
}

bool segment_move(void)
{
	struct shm *const old = state.shm, *const anew = raw_reserve(start_bytes());
	bool moved = anew && raw_map_again_at(old, HEAD_BYTES, anew);

	if (moved)
		state.shm = anew;
	moved &= raw_map_private_at(old, start_bytes());
	atomic_store(&state.chunk_words, 0);
	for (unsigned i = 0; i < SEGMENT_CHUNK_PIECES; i++) {
		struct shm_chunk *const piece = atomic_exchange(&state.chunk_pieces[i], NULL);

		moved &= i == 0 || make_private(piece, CHUNK_PIECE_BYTES);
	}
	for (unsigned i = 0; i < SEGMENT_THREAD_PIECES; i++) {
		struct shm_thread *const piece = atomic_exchange(&state.thread_pieces[i], NULL);

		moved &= i == 0 || make_private(piece, THREAD_PIECE_BYTES);
	}
	return moved;
}

struct shm_thread *segment_moved_thread(struct shm *old)
{
	return (void *)((uint8_t *)old + HEAD_BYTES);
}
