/*
 * memory_parts - what the memory of a process consisted of when it was looked at <-> payloads of MEMORY blocks (docs/FORMAT.md).
 * Neither side knows of files; the coder may allocate, the decoder does not.
 */
#ifndef TRK_MEMORY_H
#define TRK_MEMORY_H

#include "format/bytes.h"
#include "format/trk.h"

#define MEMORY_PART_BYTES (512u << 10) /* a payload is written when it reaches this */
#define MEMORY_NAME_BYTES 4096u /* writers cut names */

enum memory_column { MEMORY_AREAS,
		     MEMORY_RUNS,
		     MEMORY_CHUNKS,
		     MEMORY_EXTRAS,
		     MEMORY_CONTENTS,
		     MEMORY_COLUMNS };

#define MEMORY_GLIBC 1u /* the C library's chunks were read: what is no chunk and no block is not known */
#define MEMORY_NO_ZERO_PAGES 2u /* the kernel cannot tell pages of zeros, which take no memory, from others */
#define MEMORY_HAS_CONTENTS 4u /* blocks were compared */
#define MEMORY_CUT 8u /* it was too much: some of it is missing */

enum memory_area_kind { MEMORY_UNKNOWN,
			MEMORY_FILE, /* name; with the variables behind it */
			MEMORY_STACK, /* tid */
			MEMORY_OLD_STACK, /* of a thread that has ended */
			MEMORY_HEAP, /* of the C library, the first one */
			MEMORY_ARENA, /* another one, or a part of it */
			MEMORY_CHUNK, /* mapped for one block */
			MEMORY_ALLOCATOR, /* of another allocator */
			MEMORY_MAPPED, /* by the program itself */
			MEMORY_SHARED, /* name, perhaps */
			MEMORY_KERNEL,
			MEMORY_TRACKER,
			MEMORY_AREA_KINDS };

/* Whether pages and chunks of such an area are told. */
static inline bool memory_area_is_heap(uint32_t kind)
{
	return kind >= MEMORY_HEAP && kind <= MEMORY_ALLOCATOR;
}

/* Bytes of it that are in memory, swapped out, and in memory in huge pages. */
struct trk_memory_area {
	uint64_t start, end, resident, swapped, huge;
	uint32_t kind; /* enum memory_area_kind, or a later one */
	uint32_t tid;
	const char *name; /* NULL: "" */
	size_t name_bytes;
};

enum memory_page { MEMORY_ABSENT, /* never touched, or given back */
		   MEMORY_RESIDENT,
		   MEMORY_SWAPPED,
		   MEMORY_ZERO, /* read, and never written: it takes no memory */
		   MEMORY_PAGES };

/* What a chunk of the C library's is that holds no block. */
enum memory_chunk { MEMORY_IN_USE, /* by its header; it may be in a cache, or was allocated unseen */
		    MEMORY_TCACHE,
		    MEMORY_FASTBIN,
		    MEMORY_UNSORTED,
		    MEMORY_SMALL,
		    MEMORY_LARGE,
		    MEMORY_TOP,
		    MEMORY_OWN, /* the allocator's own tables */
		    MEMORY_CHUNK_KINDS };

struct trk_memory {
	uint32_t number; /* of the look */
	uint32_t process, flags;
	uint64_t page_bytes;
	/* What the kernel said while all threads stood still. */
	uint64_t resident, resident_anonymous, resident_files, resident_shared, swapped;
	uint64_t took_ns;
	const char *lacks; /* why some of it is missing; NULL: "" */
	size_t lacks_bytes;
};

/* A chunk without a block; addresses ascend. */
struct trk_memory_chunk {
	uint64_t start, bytes; /* multiples of 16 */
	uint32_t kind; /* enum memory_chunk */
};

/* What a block takes beside its size, where that is not what the C library usually takes: memory_usual. */
struct trk_memory_extra {
	uint32_t block; /* its number in the look */
	uint64_t slack, header; /* bytes behind and before it */
};

/* A block that is the only one of its kind; one of zeros; or a number that equal blocks have. */
#define MEMORY_UNIQUE 0u
#define MEMORY_ZEROS 1u
#define MEMORY_EQUAL 2u

/* What glibc takes for a block of that size in a heap: a header of 8 bytes, and chunks of 16, at least 32. */
static inline struct trk_memory_extra memory_usual(uint64_t size)
{
	const uint64_t chunk = size + 8 <= 32 ? 32 : (size + 8 + 15) & ~15ull;

	return (struct trk_memory_extra){ .slack = chunk - 8 - size, .header = 8 };
}

/* ---- writing ---- */

struct memory_coder;

struct memory_coder *memory_coder_new(void); /* NULL: no memory */
void memory_coder_free(struct memory_coder *c); /* NULL-safe */

void memory_coder_begin(struct memory_coder *c, const struct trk_memory *head);
void memory_coder_area(struct memory_coder *c, const struct trk_memory_area *a);
/* The next pages of the heap areas, in their order, which they fill. */
void memory_coder_run(struct memory_coder *c, uint64_t pages, enum memory_page state);
void memory_coder_chunk(struct memory_coder *c, const struct trk_memory_chunk *chunk);
void memory_coder_extra(struct memory_coder *c, const struct trk_memory_extra *e);
/* Of the next block. */
void memory_coder_content(struct memory_coder *c, uint64_t content);
bool memory_coder_full(const struct memory_coder *c);
/* The payload of the part, and how many items it holds. Valid until the next call. The next part begins. NULL: there is no memory. */
const uint8_t *memory_coder_end(struct memory_coder *c, bool last, uint32_t *ret_bytes, uint32_t *ret_items);

/* ---- reading ---- */

struct memory_part {
	struct trk_memory head; /* only of the first part: later ones have its number, and zeros */
	uint32_t part;
	bool last;
	struct byte_reader columns[MEMORY_COLUMNS];
};

/* The payload must outlive the part, which points into it. TRK_ERR_CORRUPT. */
int memory_part_open(struct memory_part *p, const uint8_t *raw, size_t bytes);

/* The columns of all parts behind each other. */
struct memory_decoder {
	struct byte_reader columns[MEMORY_COLUMNS];
	uint64_t chunk_end; /* of the chunk before */
	uint64_t next_block; /* behind that of the extra before */
};

/* 0; TRK_END: there are no more; TRK_ERR_CORRUPT. */
int memory_next_area(struct memory_decoder *d, struct trk_memory_area *ret);
int memory_next_run(struct memory_decoder *d, uint64_t *ret_pages, enum memory_page *ret_state);
int memory_next_chunk(struct memory_decoder *d, struct trk_memory_chunk *ret);
int memory_next_extra(struct memory_decoder *d, struct trk_memory_extra *ret);
int memory_next_content(struct memory_decoder *d, uint64_t *ret);

#endif
