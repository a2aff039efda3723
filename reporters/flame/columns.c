/* columns - see columns.h. */
#include "flame/columns.h"

#include "format/array.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "format/trk.h"

static const char *const type_names[] = {
	[COLUMN_U8] = "u8", [COLUMN_U32] = "u32", [COLUMN_F64] = "f64"
};

static void append(struct columns *c, const void *bytes, size_t n)
{
	c->failed |= !ARRAY_ROOM(c->bytes, c->room, c->count + n, 1u << 16);
	if (c->failed || n == 0)
		return;
	memcpy(c->bytes + c->count, bytes, n);
	c->count += n;
}

void columns_begin(struct columns *c, const char *name, enum column_type type)
{
	static const uint8_t zeroes[8];

	assert(c->list_count < COLUMNS_MAX);
	append(c, zeroes, (8 - c->count % 8) % 8);
	c->list[c->list_count++] = (struct column){ .name = name, .type = type };
}

void columns_u8(struct columns *c, const void *bytes, size_t n)
{
	append(c, bytes, n);
	c->list[c->list_count - 1].elements += n;
}

static void append_le(struct columns *c, uint64_t value, size_t n)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	append(c, bytes, n);
	c->list[c->list_count - 1].elements++;
}

void columns_u32(struct columns *c, uint32_t value)
{
	append_le(c, value, sizeof(value));
}

void columns_f64(struct columns *c, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	append_le(c, bits, sizeof(bits));
}

void columns_describe(const struct columns *c, struct ui_json *j, const char *key)
{
	ui_json_array(j, key);
	for (size_t i = 0; i < c->list_count; i++) {
		ui_json_object(j, NULL);
		ui_json_string(j, "name", c->list[i].name);
		ui_json_string(j, "type", type_names[c->list[i].type]);
		ui_json_uint(j, "count", c->list[i].elements);
		ui_json_end(j);
	}
	ui_json_end(j);
}

static void write_base64(FILE *f, const uint8_t *p, size_t n)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char line[96 + 1];
	size_t used = 0;

	for (size_t i = 0; i < n; i += 3) {
		const uint32_t b = (uint32_t)p[i] << 16 |
				   (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) |
				   (i + 2 < n ? p[i + 2] : 0u);
		line[used++] = letters[b >> 18];
		line[used++] = letters[b >> 12 & 63];
		line[used++] = i + 1 < n ? letters[b >> 6 & 63] : '=';
		line[used++] = i + 2 < n ? letters[b & 63] : '=';
		if (used == sizeof(line) - 1) {
			line[used] = '\n';
			fwrite(line, 1, used + 1, f);
			used = 0;
		}
	}
	fwrite(line, 1, used, f);
}

int columns_write(const struct columns *c, FILE *f)
{
	z_stream z = { 0 };
	uint8_t *packed = NULL;
	int err = TRK_ERR_NOMEM;

	/* One call of deflate takes at most as many bytes as 32 bits can count. */
	if (c->failed || c->count > UINT32_MAX)
		return err;
	if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return err;
	const size_t bound = deflateBound(&z, c->count);
	packed = bound <= UINT32_MAX ? malloc(bound) : NULL;
	if (!packed)
		goto out;
	z.next_in = c->bytes;
	z.avail_in = (uInt)c->count;
	z.next_out = packed;
	z.avail_out = (uInt)bound;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		goto out;
	write_base64(f, packed, bound - z.avail_out);
	err = 0;
out:
	free(packed);
	deflateEnd(&z);
	return err;
}

void columns_finish(struct columns *c)
{
	free(c->bytes);
	*c = (struct columns){ 0 };
}
