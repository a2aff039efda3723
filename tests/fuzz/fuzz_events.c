/*
 * fuzz_events - an EVENTS payload out of any bytes: decoding ends, what was
 * decoded codes and decodes to the same again, labels lie inside the payload.
 */
#include "fuzz.h"

#include "format/event.h"

static void same_again(const struct trk_event *e, uint64_t before_ns)
{
	static uint8_t bytes[TRK_EVENT_BYTES_MAX + TRK_PAYLOAD_MAX];
	struct event_state s = event_state_init(before_ns);
	const uint8_t *end = event_encode(&s, e, bytes);
	const uint32_t label_max = e->kind == TRK_UNKNOWN ? TRK_PAYLOAD_MAX : TRK_LABEL_MAX;
	const uint32_t label_bytes = e->label_bytes < label_max ? e->label_bytes : label_max;
	struct byte_reader r = byte_reader_of(bytes, (size_t)(end - bytes));
	struct trk_event got = { .process = e->process };

	MUST((size_t)(end - bytes) <= TRK_EVENT_BYTES_MAX + label_bytes);
	s = event_state_init(before_ns);
	MUST(event_decode(&s, &r, &got) == 0);
	MUST(got.kind == e->kind && got.time_ns == e->time_ns && got.thread == e->thread);
	MUST(got.node == e->node && got.domain == e->domain && got.size == e->size);
	MUST(got.detail == e->detail);
	MUST(got.address == e->address && got.old_address == e->old_address);
	MUST(got.old_size == e->old_size && got.label_bytes == label_bytes);
	MUST(!label_bytes || memcmp(got.label, e->label, label_bytes) == 0);
	MUST(event_decode(&s, &r, &got) == TRK_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event_state s = event_state_init(1000);
	struct byte_reader r = byte_reader_of(data, size);
	struct trk_event e = { .process = 1 };
	uint64_t before_ns = 1000;
	size_t events = 0;

	while (event_decode(&s, &r, &e) == 0) {
		MUST(++events <= size);
		MUST(e.time_ns >= before_ns);
		MUST(!e.label_bytes || ((const uint8_t *)e.label >= data &&
					(const uint8_t *)e.label + e.label_bytes <= data + size));
		same_again(&e, before_ns);
		before_ns = e.time_ns;
	}
	return 0;
}
