/*
 * fuzz_predict - a PREDICTED payload out of any bytes, behind 3 bytes `items` and one byte of how many events
 * are decoded at once. Decoding ends, labels lie inside the payload, and what was decoded codes
 * and decodes to the same again.
 */
#include "fuzz.h"

#include "format/bytes.h"
#include "format/event.h"
#include "format/predict.h"

#define HEAD_BYTES 4u
#define FIRST_NS 1000u
/* Events that are coded again. */
#define KEPT_MAX 4096u

static struct trk_event kept[KEPT_MAX], again[KEPT_MAX];

static void must_be_sound(const struct trk_event *e, const uint8_t *data, size_t size)
{
	const uint8_t *const label = (const uint8_t *)e->label;

	MUST(e->kind < TRK_KINDS && trk_kinds[e->kind].name);
	MUST(e->time_ns >= FIRST_NS);
	MUST(!e->label_bytes || (label >= data && label + e->label_bytes <= data + size));
}

/* All events; the first ones into `kept`. Returns how many are there. */
static uint32_t decode(struct predict_decoder *d, const uint8_t *data, size_t size)
{
	const uint32_t items = data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16;
	const uint32_t room = data[3] % 128 + 1;
	uint32_t total = 0, n = 0;
	int err = predict_open(d, data + HEAD_BYTES, (uint32_t)(size - HEAD_BYTES), items, FIRST_NS);

	while (err == 0) {
		static struct trk_event events[128];
		uint64_t before_ns = FIRST_NS;

		err = predict_decode(d, events, room, &n);
		MUST(n <= room && (n == room || err));
		for (uint32_t i = 0; i < n; i++, total++) {
			must_be_sound(&events[i], data, size);
			MUST(events[i].time_ns >= before_ns);
			before_ns = events[i].time_ns;
			if (total < KEPT_MAX)
				kept[total] = events[i];
		}
	}
	MUST(total <= items && (err != TRK_END || total == items));
	return total < KEPT_MAX ? total : KEPT_MAX;
}

static void must_be_same(const struct trk_event *a, const struct trk_event *b)
{
	const uint32_t label_max = a->kind == TRK_UNKNOWN ? TRK_PAYLOAD_MAX : TRK_LABEL_MAX;
	const uint32_t label_bytes = a->label_bytes < label_max ? a->label_bytes : label_max;

	MUST(a->kind == b->kind && a->time_ns == b->time_ns && a->thread == b->thread);
	MUST(a->node == b->node && a->domain == b->domain && a->size == b->size);
	MUST(a->address == b->address && a->old_address == b->old_address && a->old_size == b->old_size);
	MUST(b->label_bytes == label_bytes && (!label_bytes || memcmp(a->label, b->label, label_bytes) == 0));
}

static void same_again(struct predict_coder *c, struct predict_decoder *d, uint32_t count)
{
	uint32_t coded = 0, bytes, items, n;
	const uint8_t *payload;
	uint64_t last_ns;

	predict_begin(c, FIRST_NS);
	while (coded < count && predict_has_room(c)) {
		const uint32_t left = count - coded, batch = left < PREDICT_BATCH_MAX ? left : PREDICT_BATCH_MAX;

		if (predict_encode(c, kept + coded, batch) != 0)
			return;
		coded += batch;
	}
	payload = predict_end(c, &bytes, &items, &last_ns);
	if (!payload)
		return;
	MUST(items == coded && bytes <= PREDICT_PAYLOAD_MAX);
	MUST(predict_open(d, payload, bytes, items, FIRST_NS) == 0);
	MUST(predict_decode(d, again, KEPT_MAX, &n) == TRK_END && n == coded);
	for (uint32_t i = 0; i < n; i++)
		must_be_same(&kept[i], &again[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct predict_decoder *d;
	static struct predict_coder *c;

	if (!d)
		d = predict_decoder_new();
	if (!c)
		c = predict_coder_new();
	if (!d || !c || size < HEAD_BYTES || size > PREDICT_PAYLOAD_MAX)
		return 0;
	same_again(c, d, decode(d, data, size));
	return 0;
}
