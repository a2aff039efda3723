/*
 * fuzz_inflate - a packed section out of any bytes: libtracker unpacks it exactly where zlib does, to the same bytes. The first
 * byte chooses: even, the next three say how many bytes it shall be and the rest is the stream; odd, the rest is packed by zlib at first.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <zlib.h>

#include "libtracker/inflate.h"

static void compare(const uint8_t *stream, size_t bytes, size_t size)
{
	static struct inflate room;
	uint8_t *const ours = malloc(size), *const theirs = malloc(size);
	uLongf got = size;

	MUST(ours && theirs);
	const bool ok = uncompress(theirs, &got, stream, bytes) == Z_OK && got == size;

	MUST(inflate_zlib(&room, stream, bytes, ours, size) == ok);
	MUST(!ok || memcmp(ours, theirs, size) == 0);
	free(ours);
	free(theirs);
}

static void pack_and_compare(const uint8_t *data, size_t size, int level)
{
	uLongf bytes = compressBound(size);
	uint8_t *const stream = malloc(bytes);

	MUST(stream && compress2(stream, &bytes, data, size, level) == Z_OK);
	compare(stream, bytes, size);
	free(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 4 && data[0] % 2 == 0)
		compare(data + 4, size - 4, 1u + data[1] + 256u * data[2] + 65536u * (data[3] % 16));
	else if (size > 1)
		pack_and_compare(data + 1, size - 1, data[0] / 2 % 10);
	return 0;
}
