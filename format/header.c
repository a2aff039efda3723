/*
 * header - the first bytes of a capture. They have a file of their own so that a program that only asks whether a
 * file is a capture does not load the code that unpacks blocks.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdio.h>

#include "format/block.h"
#include "format/bytes.h"

static const uint8_t file_magic[8] = { 0x89, 'T', 'R', 'K', '\r', '\n', 0x1a, '\n' };

/* Feature bits of the file header that this build understands. */
#define KNOWN_FEATURES (TRK_FEATURE_SAMPLED | TRK_FEATURE_RESERVED)
#define HEADER_BYTES_MAX 4096u

static uint32_t checksum(const uint8_t *bytes, size_t size)
{
	return XXH32(bytes, size, 0);
}

void trk_header_encode(const struct trk_header *h, uint8_t out[TRK_HEADER_BYTES])
{
	memset(out, 0, TRK_HEADER_BYTES);
	memcpy(out, file_magic, sizeof(file_magic));
	put_u16(out + 8, h->version);
	put_u16(out + 10, h->minor);
	put_u32(out + 12, TRK_HEADER_BYTES);
	put_u64(out + 16, h->required | (h->sample_bytes ? TRK_FEATURE_SAMPLED : 0));
	put_u64(out + 24, h->start_unix_ns);
	put_u32(out + 32, h->content);
	put_u32(out + 36, h->page_bytes);
	put_u64(out + 40, h->id);
	put_u64(out + 48, h->sample_bytes);
	put_u32(out + 60, checksum(out, 60));
}

static int fail(struct trk_fault *f, enum trk_err code, uint64_t offset, const char *fmt,
		unsigned long long number)
{
	f->code = code;
	f->offset = offset;
	snprintf(f->why, sizeof(f->why), fmt, number);
	return code;
}

int trk_header_decode(const uint8_t *bytes, size_t size, struct trk_header *ret,
		      struct trk_fault *fault)
{
	struct trk_header h;

	if (size == 0)
		return fail(fault, TRK_ERR_MAGIC, 0, "the file is empty", 0);
	if (memcmp(bytes, file_magic, size < sizeof(file_magic) ? size : sizeof(file_magic)))
		return fail(fault, TRK_ERR_MAGIC, 0, "the file is not a tracker capture", 0);
	if (size < TRK_HEADER_BYTES)
		return fail(fault, TRK_ERR_CORRUPT, size, "the file ends inside its header", 0);
	if (get_u32(bytes + 60) != checksum(bytes, 60) && get_u16(bytes + 8) > TRK_VERSION)
		return fail(fault, TRK_ERR_CORRUPT, 60,
			    "the checksum of the header is wrong, and its format version, %llu, is "
			    "incompatible with this version; upgrade tracker",
			    get_u16(bytes + 8));
	if (get_u32(bytes + 60) != checksum(bytes, 60))
		return fail(fault, TRK_ERR_CORRUPT, 60, "the checksum of the header is wrong", 0);

	h.version = get_u16(bytes + 8);
	h.minor = get_u16(bytes + 10);
	h.header_bytes = get_u32(bytes + 12);
	h.required = get_u64(bytes + 16);
	h.start_unix_ns = get_u64(bytes + 24);
	h.content = get_u32(bytes + 32);
	h.page_bytes = get_u32(bytes + 36);
	h.id = get_u64(bytes + 40);
	h.sample_bytes = h.required & TRK_FEATURE_SAMPLED ? get_u64(bytes + 48) : 0;
	if (h.version > TRK_VERSION)
		return fail(fault, TRK_ERR_VERSION, 8, "its format version %llu is newer than this tracker; upgrade tracker", h.version);
	if (h.required & ~KNOWN_FEATURES)
		return fail(fault, TRK_ERR_FEATURE, 16, "it uses feature %llu, which this version does not know; upgrade tracker",
			    (unsigned)__builtin_ctzll(h.required & ~KNOWN_FEATURES));
	if (h.content > TRK_CONTENT_AGGREGATED)
		return fail(fault, TRK_ERR_FEATURE, 32, "it holds content of kind %llu, which this version does not know; upgrade tracker", h.content);
	if (h.version == 0)
		return fail(fault, TRK_ERR_CORRUPT, 8, "its format version is 0, which does not exist", 0);
	if (h.header_bytes < TRK_HEADER_BYTES || h.header_bytes > HEADER_BYTES_MAX)
		return fail(fault, TRK_ERR_CORRUPT, 12, "its header claims an impossible length of %llu bytes",
			    h.header_bytes);
	if ((h.required & TRK_FEATURE_SAMPLED) && (!h.sample_bytes || h.sample_bytes > TRK_SAMPLE_BYTES_MAX))
		return fail(fault, TRK_ERR_CORRUPT, 48, "its header claims an impossible sampling interval of %llu bytes",
			    h.sample_bytes);
	*ret = h;
	return 0;
}
