/*
 * block - the header of a capture and of its blocks: bytes <-> structs.
 *
 * Layout: docs/FORMAT.md. Nothing here allocates. The decoders believe only what they have checked.
 */
#ifndef TRK_BLOCK_H
#define TRK_BLOCK_H

#include "format/trk.h"

#define TRK_HEADER_BYTES 64u
#define TRK_BLOCK_HEADER_BYTES 48u
#define TRK_TRAILER_BYTES 16u
#define TRK_BLOCK_RAW_MAX (1u << 20)
#define TRK_BLOCK_STORED_MAX (TRK_BLOCK_RAW_MAX + 4096u)
#define TRK_VERSION 1u
#define TRK_NO_PROCESS UINT32_MAX

enum trk_content { TRK_CONTENT_EVENTS = 0,
		   TRK_CONTENT_AGGREGATED = 1 };

enum trk_block_type {
	TRK_BLOCK_MODULES = 1,
	TRK_BLOCK_FRAMES = 2,
	TRK_BLOCK_NODES = 3,
	TRK_BLOCK_STRINGS = 4,
	TRK_BLOCK_PROCESSES = 5,
	TRK_BLOCK_THREADS = 6,
	TRK_BLOCK_MAPPINGS = 7,
	TRK_BLOCK_EVENTS = 8,
	TRK_BLOCK_RSS = 9,
	TRK_BLOCK_SYMBOLS = 10,
	TRK_BLOCK_NOTICES = 11,
	TRK_BLOCK_HEALTH = 12,
	TRK_BLOCK_SUMMARY = 13,
	TRK_BLOCK_INDEX = 14,
	TRK_BLOCK_PREDICTED = 15,
	/* In aggregated captures, instead of events. */
	TRK_BLOCK_SUMS = 16,
	TRK_BLOCK_TOTALS = 17,
	TRK_BLOCK_SIZES = 18,
	TRK_BLOCK_HISTORY = 19,
	TRK_BLOCK_KEYFRAME = 20,
	TRK_BLOCK_MARKS = 21,
	TRK_BLOCK_PADDING = 22,
	TRK_BLOCK_DOMAINS = 23,
	TRK_BLOCK_LOOK = 24,
	TRK_BLOCK_MEMORY = 30,
};

#define TRK_BLOCK_LZ4 0x0001u
#define TRK_BLOCK_ZSTD 0x0002u
#define TRK_BLOCK_MUST_UNDERSTAND 0x8000u

struct trk_header {
	uint16_t version, minor;
	uint32_t header_bytes;
	uint64_t required;
	uint64_t start_unix_ns;
	uint32_t content; /* enum trk_content */
	uint32_t page_bytes;
	uint64_t id;
	uint64_t sample_bytes; /* allocations were sampled, one every so many bytes; 0: the capture has all */
};

/* trk_header.required */
#define TRK_FEATURE_SAMPLED 0x2ull
#define TRK_FEATURE_RESERVED 0x4ull /* kinds from 32 on may occur */
#define TRK_SAMPLE_BYTES_MAX (1ull << 40)

struct trk_block_header {
	uint16_t type, flags;
	uint32_t raw_bytes, stored_bytes;
	uint32_t process; /* TRK_NO_PROCESS: it is not of one process */
	uint32_t items;
	uint64_t first_time_ns, last_time_ns;
	uint32_t payload_checksum;
};

/*
 * An item may take almost no bytes in the file and still cost a reader time and memory. So at every place of a file,
 * the number of items so far is bounded: some are free, and the others depend on the length.
 */
#define TRK_ITEMS_FREE (1u << 20)
#define TRK_ITEMS_PER_BYTE 32u

/* INDEX blocks do not count, because readers keep nothing of them. */
static inline uint32_t trk_block_counts(const struct trk_block_header *h)
{
	return h->type == TRK_BLOCK_INDEX ? 0 : h->items;
}

/* How long a file must be for that many items. */
static inline uint64_t trk_items_bytes(uint64_t items)
{
	return items <= TRK_ITEMS_FREE ? 0 : (items - TRK_ITEMS_FREE - 1) / TRK_ITEMS_PER_BYTE + 1;
}

/* Whether that many items may stand in the first `bytes` of a file. */
static inline bool trk_items_fit(uint64_t items, uint64_t bytes)
{
	return trk_items_bytes(items) <= bytes;
}

static inline bool trk_block_has_events(const struct trk_block_header *h)
{
	return h->type == TRK_BLOCK_EVENTS || h->type == TRK_BLOCK_PREDICTED;
}

/* Both write exactly TRK_HEADER_BYTES / TRK_BLOCK_HEADER_BYTES, checksum included. */
void trk_header_encode(const struct trk_header *h, uint8_t out[TRK_HEADER_BYTES]);
void trk_block_header_encode(const struct trk_block_header *h, uint8_t out[TRK_BLOCK_HEADER_BYTES]);
void trk_trailer_encode(uint64_t index_offset, uint8_t out[TRK_TRAILER_BYTES]);

/*
 * Decode a file header from bytes[0..size). TRK_ERR_MAGIC, _VERSION, _FEATURE or
 * _CORRUPT with `fault` filled; `ret` is untouched then.
 */
int trk_header_decode(const uint8_t *bytes, size_t size, struct trk_header *ret,
		      struct trk_fault *fault);

/* Decode a block header and check its own checksum and its limits; the payload is not looked at. */
int trk_block_header_decode(const uint8_t *bytes, size_t size, struct trk_block_header *ret);
int trk_trailer_decode(const uint8_t bytes[TRK_TRAILER_BYTES], uint64_t *ret_index_offset);

/* How payloads are packed. BEST: zstd for long payloads that shrink by it, LZ4 for the others. */
enum trk_packing { TRK_PACK_BEST,
		   TRK_PACK_LZ4,
		   TRK_PACK_NONE };

size_t trk_block_bound(uint32_t raw_bytes);

/*
 * Builds a whole block: compresses `raw[0..h->raw_bytes)` if that makes it smaller, and writes header and payload to
 * `out`, whose room must be at least TRK_BLOCK_HEADER_BYTES + trk_block_bound(h->raw_bytes). The caller sets the
 * fields type, flags (only must understand), raw_bytes, process, items and times; the others are set here. Returns
 * the number of bytes written.
 */
size_t trk_block_encode(struct trk_block_header *h, const uint8_t *raw, uint8_t *out,
			enum trk_packing packing);

/* The header of a PADDING block of `payload[0..bytes)`, at most TRK_BLOCK_RAW_MAX, stored as it is. */
void trk_padding_encode(struct trk_block_header *ret, const uint8_t *payload, uint32_t bytes,
			uint8_t out[TRK_BLOCK_HEADER_BYTES]);

/*
 * Check the payload's checksum and decode it into `raw` (room: h->raw_bytes,
 * which header_decode has bounded). TRK_ERR_CORRUPT when either fails, TRK_ERR_NOMEM.
 */
int trk_block_payload_decode(const struct trk_block_header *h, const uint8_t *payload,
			     uint8_t *raw);

#endif
