/* coded_events - events as PREDICTED blocks, and what comes out of them again. */
#ifndef CODED_EVENTS_H
#define CODED_EVENTS_H

#include "any_event.h"

#include "format/event.h"
#include "format/predict.h"
#include "program.h"

/* Coded blocks: the payload of each at its exact size, so that a sanitizer sees reads beyond it. */
struct coded {
	uint8_t *bytes[64];
	uint32_t size[64], items[64], count;
	uint64_t first_ns[64];
};

static inline void end_block(struct predict_coder *c, struct coded *out, uint64_t last_ns)
{
	const uint32_t n = out->count++;
	uint64_t got_ns;
	const uint8_t *const bytes = predict_end(c, &out->size[n], &out->items[n], &got_ns);

	assert_true(n < 64 && bytes && out->size[n] <= PREDICT_PAYLOAD_MAX);
	assert_true(out->items[n] <= PREDICT_EVENTS_MAX && got_ns == last_ns);
	out->bytes[n] = malloc(out->size[n]);
	memcpy(out->bytes[n], bytes, out->size[n]);
}

static inline uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* In batches of 1..most events, as many as a block takes. */
static inline struct coded encode(const struct trk_event *events, uint32_t count, uint32_t most)
{
	struct predict_coder *const c = predict_coder_new();
	struct coded out = { .count = 0 };
	uint64_t seed = most, last_ns = 0;
	bool open = false;

	assert_non_null(c);
	for (uint32_t i = 0, n; i < count; i += n) {
		n = 1 + (uint32_t)(random_next(&seed) % most);
		n = n < count - i ? n : count - i;
		if (open && !predict_has_room(c)) {
			end_block(c, &out, last_ns);
			open = false;
		}
		if (!open) {
			last_ns = out.first_ns[out.count] = events[i].time_ns;
			predict_begin(c, last_ns);
			open = true;
		}
		assert_true(predict_has_room(c));
		assert_int_equal(predict_encode(c, events + i, n), 0);
		for (uint32_t e = i; e < i + n; e++)
			last_ns = later(last_ns, events[e].time_ns);
	}
	end_block(c, &out, last_ns);
	predict_coder_free(c);
	return out;
}

static inline void forget(struct coded *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		free(c->bytes[i]);
}

/* What predict_decode says behind the last event. */
static inline int decode(const uint8_t *bytes, uint32_t size, uint32_t items, uint64_t first_ns, uint32_t room,
			 struct trk_event *events, uint32_t *ret_count)
{
	struct predict_decoder *const d = predict_decoder_new();
	uint32_t n = 0;
	int err;

	*ret_count = 0;
	assert_non_null(d);
	err = predict_open(d, bytes, size, items, first_ns);
	while (err == 0) {
		err = predict_decode(d, events + *ret_count, room, &n);
		assert_true(n <= room);
		assert_true(n == room || err);
		*ret_count += n;
		assert_true(*ret_count <= items);
	}
	predict_decoder_free(d);
	return err;
}

static inline void assert_comes_back(const struct coded *c, const struct trk_event *events, uint32_t count, uint32_t room)
{
	struct trk_event *const got = calloc(PREDICT_EVENTS_MAX + room, sizeof(*got));
	uint64_t now_ns = 0;
	uint32_t n, i = 0;

	for (uint32_t b = 0; b < c->count; b++) {
		const int err = decode(c->bytes[b], c->size[b], c->items[b], c->first_ns[b], room, got, &n);

		assert_int_equal(err, TRK_END);
		assert_int_equal(n, c->items[b]);
		now_ns = c->first_ns[b];
		for (uint32_t e = 0; e < n; e++, i++) {
			struct trk_event want = events[i];

			want.time_ns = now_ns = later(now_ns, want.time_ns);
			assert_event_equal(&got[e], &want);
		}
	}
	assert_int_equal(i, count);
	free(got);
}

#endif
