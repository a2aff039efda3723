/* flame_names - see flame_names.h. Lengths are bounded here: no name can make anything large. */
#include "flame/flame_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/trk.h"
#include "format/array.h"

#define NAME_BYTES_MAX 1000u /* of a name as shown in a box */
#define FULL_BYTES_MAX 2000u /* of a whole name, in the tooltip */
#define FULL_BYTES_ALL (8u << 20) /* of all whole names together; after that only short ones are kept */

struct flame_known {
	uint32_t frame, place; /* place: bits 0, 1 hidden and main */
	uint32_t number;
};

const char *flame_text(const struct flame_names *n, uint32_t text)
{
	return n->bytes + n->texts[text].offset;
}

/* ---- texts ---- */
struct text_key {
	const char *s;
	size_t bytes;
};

static bool same_text(const void *owner, uint32_t entry, const void *key)
{
	const struct flame_names *const n = owner;
	const struct text_key *const k = key;

	return n->texts[entry].bytes == k->bytes &&
	       memcmp(flame_text(n, entry), k->s, k->bytes) == 0;
}

static int text_room(struct flame_names *n, size_t bytes)
{
	if (!ARRAY_ROOM(n->bytes, n->byte_room, n->byte_count + bytes + 1, 64))
		return TRK_ERR_NOMEM;
	if (n->byte_count + bytes + 1 > UINT32_MAX)
		return TRK_ERR_NOMEM;
	return ARRAY_ROOM(n->texts, n->text_room, n->text_count + 1, 64) ? 0 : TRK_ERR_NOMEM;
}

/* The start of s that has at most `max` bytes and ends between two characters of UTF-8. */
static size_t cut_text(const char *s, size_t max)
{
	size_t bytes = strnlen(s, max + 1);

	if (bytes <= max)
		return bytes;
	for (bytes = max; bytes > max - 4 && ((unsigned char)s[bytes] & 0xc0) == 0x80; bytes--)
		;
	return bytes;
}

static uint32_t find_text(const struct flame_names *n, const char *s, size_t max)
{
	const struct text_key key = { s, cut_text(s, max) };

	return flame_index_find(&n->by_text, flame_hash(s, key.bytes), same_text, n, &key);
}

uint32_t flame_names_text(const struct flame_names *n, const char *s)
{
	const uint32_t found = find_text(n, s, FULL_BYTES_MAX);

	return found == FLAME_NONE ? 0 : found;
}

static int64_t intern_text(struct flame_names *n, const char *s, size_t max)
{
	const struct text_key key = { s, cut_text(s, max) };
	const uint64_t hash = flame_hash(s, key.bytes);
	const uint32_t found = find_text(n, s, max);

	if (found != FLAME_NONE)
		return found;
	int err = text_room(n, key.bytes);
	if (!err)
		err = flame_index_add(&n->by_text, hash, (uint32_t)n->text_count);
	if (err)
		return err;
	n->texts[n->text_count] =
		(struct flame_text){ (uint32_t)n->byte_count, (uint32_t)key.bytes };
	memcpy(n->bytes + n->byte_count, s, key.bytes);
	n->bytes[n->byte_count + key.bytes] = '\0';
	n->byte_count += key.bytes + 1;
	return (int64_t)n->text_count++;
}

/* ---- frames ---- */
static bool same_frame(const void *owner, uint32_t entry, const void *key)
{
	const struct flame_frame *const a = &((const struct flame_names *)owner)->frames[entry];
	const struct flame_frame *const b = key;

	return a->full == b->full && a->file == b->file && a->module == b->module &&
	       a->line == b->line && a->flags == b->flags;
}

static bool same_function(const void *owner, uint32_t entry, const void *key)
{
	const struct flame_frame *const a = &((const struct flame_names *)owner)->frames[entry];
	const struct flame_frame *const b = key;

	return a->full == b->full && a->module == b->module &&
	       (a->flags & ~FLAME_INLINED) == (b->flags & ~FLAME_INLINED);
}

static int64_t intern_frame(struct flame_names *n, struct flame_frame f)
{
	const uint32_t content[] = { f.full, f.file, f.module, f.line, f.flags };
	const uint32_t function[] = { f.full, f.module, f.flags & ~(uint32_t)FLAME_INLINED };
	const uint64_t hash = flame_hash(content, sizeof(content));
	const uint64_t function_hash = flame_hash(function, sizeof(function));
	const uint32_t found = flame_index_find(&n->by_content, hash, same_frame, n, &f);
	const uint32_t number = (uint32_t)n->frame_count;

	if (found != FLAME_NONE)
		return found;
	int err = ARRAY_ROOM(n->frames, n->frame_room, (size_t)number + 1, 64) ? 0 : TRK_ERR_NOMEM;
	if (err)
		return err;
	f.ident = flame_index_find(&n->by_ident, function_hash, same_function, n, &f);
	n->frames[number] = f;
	if (f.ident == FLAME_NONE) {
		n->frames[number].ident = number;
		err = flame_index_add(&n->by_ident, function_hash, number);
	}
	if (!err)
		err = flame_index_add(&n->by_content, hash, number);
	if (err)
		return err;
	n->frame_count++;
	return number;
}

static int64_t add_plain(struct flame_names *n, const char *name, uint32_t flags)
{
	const int64_t text = intern_text(n, name, NAME_BYTES_MAX);

	if (text < 0)
		return text;
	return intern_frame(n, (struct flame_frame){ .name = (uint32_t)text,
						     .full = (uint32_t)text,
						     .flags = flags });
}

/* A function without a name is called by its place: "libfoo.so.1+0x12ab". */
static const char *shown_name(const struct source_frame *s, char *room, size_t bytes)
{
	const char *const slash = strrchr(s->module, '/');

	if (s->function[0])
		return s->function;
	snprintf(room, bytes, "%s+0x%llx", slash ? slash + 1 : s->module,
		 (unsigned long long)s->offset);
	return room;
}

/* The whole name; the short one if there is no other, or no room for one more. */
static int64_t intern_full(struct flame_names *n, const char *full, uint32_t name)
{
	if (!full || !full[0])
		return name;
	if (n->full_bytes > FULL_BYTES_ALL) {
		const uint32_t found = find_text(n, full, FULL_BYTES_MAX);
		return found != FLAME_NONE ? found : name;
	}
	const size_t before = n->byte_count;
	const int64_t text = intern_text(n, full, FULL_BYTES_MAX);
	n->full_bytes += n->byte_count - before;
	return text;
}

static int64_t describe(struct flame_names *n, const struct source_frame *s, uint32_t flags)
{
	char room[300];
	const bool unknown = strcmp(s->module, "<unknown>") == 0;
	const int64_t name =
		unknown && !s->function[0] ? intern_text(n, "<unknown>", NAME_BYTES_MAX) : intern_text(n, shown_name(s, room, sizeof(room)), NAME_BYTES_MAX);
	if (name < 0)
		return name;
	const int64_t full = intern_full(n, s->full_function, (uint32_t)name);
	const int64_t file = full < 0 ? full : intern_text(n, s->file, FULL_BYTES_MAX);
	const int64_t module =
		file < 0 ? file : intern_text(n, unknown ? "" : s->module, FULL_BYTES_MAX);
	if (module < 0)
		return module;
	return intern_frame(n, (struct flame_frame){ .name = (uint32_t)name,
						     .full = (uint32_t)full,
						     .file = (uint32_t)file,
						     .module = (uint32_t)module,
						     .line = s->line,
						     .flags = flags });
}

static bool same_known(const void *owner, uint32_t entry, const void *key)
{
	const struct flame_known *const a = &((const struct flame_names *)owner)->known[entry];
	const struct flame_known *const b = key;

	return a->frame == b->frame && a->place == b->place;
}

int64_t flame_names_frame(struct flame_names *n, const struct source_frame *s, uint32_t place,
			  bool hidden, bool main)
{
	struct flame_known k = { s->frame, place << 2 | (uint32_t)hidden << 1 | (uint32_t)main, 0 };
	const uint64_t hash = flame_hash(&k, offsetof(struct flame_known, number));
	const uint32_t found = flame_index_find(&n->by_capture, hash, same_known, n, &k);

	if (found != FLAME_NONE)
		return n->known[found].number;
	const uint32_t flags = (hidden ? FLAME_HIDDEN : 0u) | (s->inlined ? FLAME_INLINED : 0u) |
			       (main ? FLAME_MAIN : 0u);
	const int64_t number = describe(n, s, flags);
	if (number < 0)
		return number;
	int err = ARRAY_ROOM(n->known, n->known_room, n->known_count + 1, 64) ? 0 : TRK_ERR_NOMEM;
	if (!err)
		err = flame_index_add(&n->by_capture, hash, (uint32_t)n->known_count);
	if (err)
		return err;
	k.number = (uint32_t)number;
	n->known[n->known_count++] = k;
	return number;
}

int flame_names_init(struct flame_names *n)
{
	*n = (struct flame_names){ 0 };
	if (intern_text(n, "", 0) < 0 || add_plain(n, "<root>", FLAME_ROOT) < 0 ||
	    add_plain(n, "(other)", FLAME_OTHER) < 0) {
		flame_names_finish(n);
		return TRK_ERR_NOMEM;
	}
	return 0;
}

void flame_names_finish(struct flame_names *n)
{
	flame_index_finish(&n->by_content);
	flame_index_finish(&n->by_ident);
	flame_index_finish(&n->by_text);
	flame_index_finish(&n->by_capture);
	free(n->frames);
	free(n->texts);
	free(n->bytes);
	free(n->known);
	*n = (struct flame_names){ 0 };
}
