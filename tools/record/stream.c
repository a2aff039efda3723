/* stream - see stream.h. */
#include "stream.h"

#include "format/array.h"
#include "python_codes.h"

#include <stdlib.h>

#define FIRST_ROOM 4096u

struct stream *stream_new(struct process *p, uint32_t slot, uint64_t serial)
{
	struct stream *const s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->process = p;
	s->slot = slot;
	s->serial = serial;
	s->busy = SHM_IDLE;
	return s;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	free(s->bytes);
	free(s->deferred);
	free(s->levels);
	free(s->hashes);
	python_told_free(s->python);
	free(s->known);
	free(s);
}

/* Fields of the head that point into the buffer move with it. */
static void rebase_head(struct stream *s, const uint8_t *old_bytes, size_t dropped)
{
	struct wire_record *const h = &s->head;

	if (s->has_head && h->text)
		h->text = (const char *)s->bytes + ((const uint8_t *)h->text - old_bytes) - dropped;
	if (s->has_head && h->build_id)
		h->build_id = s->bytes + (h->build_id - old_bytes) - dropped;
	if (s->has_head && h->pushes.bytes)
		h->pushes.bytes = s->bytes + (h->pushes.bytes - old_bytes) - dropped;
}

static size_t earlier(const struct stream *s, size_t first, const void *at)
{
	const size_t offset = at ? (size_t)((const uint8_t *)at - s->bytes) : first;

	return offset < first ? offset : first;
}

/* Where the bytes begin that are still needed: those that the head points at. */
static size_t first_needed(const struct stream *s)
{
	if (!s->has_head)
		return s->at;
	return earlier(s, earlier(s, earlier(s, s->at, s->head.text), s->head.build_id), s->head.pushes.bytes);
}

static int make_room(struct stream *s, size_t more)
{
	const size_t first = first_needed(s), kept = s->size - first;
	size_t room = s->room ? s->room : FIRST_ROOM;
	uint8_t *const old = s->bytes;

	while (room < kept + more)
		room *= 2;
	if (room == s->room) {
		memmove(s->bytes, s->bytes + first, kept);
	} else {
		uint8_t *const bytes = malloc(room);

		if (!bytes)
			return TRK_ERR_NOMEM;
		if (kept)
			memcpy(bytes, s->bytes + first, kept);
		s->bytes = bytes;
		s->room = room;
	}
	s->at -= first;
	s->size = kept;
	rebase_head(s, old, first);
	if (s->bytes != old)
		free(old);
	return 0;
}

int stream_append(void *stream, const void *bytes, size_t size)
{
	struct stream *const s = stream;

	if (s->broken)
		return 0;
	if (s->at == s->size && !s->has_head)
		s->at = s->size = 0;
	if (s->size + size > s->room) {
		const int err = make_room(s, size);

		if (err < 0)
			return err;
	}
	memcpy(s->bytes + s->size, bytes, size);
	s->size += size;
	return 0;
}

static int defer_push(struct stream *s, uint64_t pc)
{
	if (!ARRAY_ROOM(s->deferred, s->deferred_room, (s->deferred_count + 1) * sizeof(pc), 256 * sizeof(pc)))
		return TRK_ERR_NOMEM;
	put_u64(s->deferred + s->deferred_count++ * sizeof(pc), pc);
	return 0;
}

/* A frames-only record takes effect with the event that follows it. */
static int defer(struct stream *s, struct wire_record *r)
{
	const uint32_t own = r->pops < s->deferred_count ? r->pops : s->deferred_count;
	const uint32_t pops = r->pops - own;

	s->deferred_count -= own;
	/* more than the deepest stack means all of it, so it need not count on */
	s->deferred_pops = pops > WIRE_DEPTH_MAX - s->deferred_pops ? WIRE_DEPTH_MAX :
								      s->deferred_pops + pops;
	for (uint32_t i = 0; i < r->pushes.count; i++) {
		const int err = s->deferred_count < WIRE_DEPTH_MAX ?
					defer_push(s, wire_frame(&r->pushes, &s->state.bases, i)) :
					TRK_ERR_CORRUPT;

		if (err)
			return err;
	}
	return 0;
}

static bool give_up(struct stream *s, int err)
{
	s->broken = true;
	s->fault = err;
	s->at = s->size;
	return false;
}

bool stream_advance(struct stream *s)
{
	s->has_head = false;
	while (s->at < s->size) {
		struct byte_reader r = byte_reader_of(s->bytes + s->at, s->size - s->at);

		if (wire_decode(&s->state, &r, &s->head) != 0)
			return give_up(s, TRK_ERR_CORRUPT);
		s->at = (size_t)(r.at - s->bytes);
		if (s->head.kind != WIRE_FRAMES) {
			s->has_head = true;
			return true;
		}
		const int err = defer(s, &s->head);
		if (err)
			return give_up(s, err);
	}
	return false;
}

int stream_grow_stack(struct stream *s, uint32_t frames)
{
	if (frames > WIRE_DEPTH_MAX - s->depth)
		return TRK_ERR_CORRUPT;
	return ARRAY_ROOM(s->levels, s->level_room, s->depth + frames, 64) ? 0 : TRK_ERR_NOMEM;
}

int stream_grow_hashes(struct stream *s)
{
	return ARRAY_ROOM(s->hashes, s->hash_room, s->depth, 64) ? 0 : TRK_ERR_NOMEM;
}

int stream_learn(struct stream *s, uint32_t number)
{
	if (!s->known)
		s->known = calloc(WIRE_KNOWN_STACKS, sizeof(*s->known));
	if (!s->known)
		return TRK_ERR_NOMEM;
	s->known[number] = s->node + 1;
	return 0;
}
