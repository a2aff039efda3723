/*
 * fuzz_wire - a thread's records out of any bytes, as a dying or hostile program
 * leaves them: decoding ends, counts are bounded, texts lie inside the input.
 */
#include "fuzz.h"

#include "format/event.h"
#include "format/wire.h"

static void must_lie_inside(const void *p, uint32_t bytes, const uint8_t *data, size_t size)
{
	const uint8_t *at = p;

	MUST(p ? at >= data && at <= data + size && bytes <= (size_t)(data + size - at) : !bytes);
}

/* What is read quickly is what is read with care. */
static void read_quickly(const uint8_t *data, size_t size)
{
	struct byte_reader r = byte_reader_of(data, size);
	struct wire_state s = { 0 };
	struct wire_record record;
	struct wire_quick q;

	while (bytes_left(&r) >= WIRE_RECORD_MAX) {
		const uint8_t *const after = wire_quick(r.at, s.time_ns, s.address, &q);

		if (wire_decode(&s, &r, &record) != 0)
			break;
		if (!after)
			continue;
		MUST(after == r.at && q.kind == record.kind && q.has_stack == record.has_stack && q.pops == record.pops && q.known == record.known);
		MUST(q.pushes.bytes == record.pushes.bytes && q.pushes.count == record.pushes.count && q.pushes.wide == record.pushes.wide);
		MUST(q.time_ns == record.time_ns && q.address == record.address && q.size == record.size);
	}
}

static volatile uint64_t sink; /* keeps the sum alive */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct byte_reader r = byte_reader_of(data, size);
	struct wire_state s = { 0 };
	struct wire_record record;
	uint64_t epoch = 0, sum = 0;
	size_t records = 0;

	while (wire_decode(&s, &r, &record) == 0) {
		MUST(++records <= size);
		MUST(record.pushes.count <= WIRE_FRAMES_MAX);
		must_lie_inside(record.pushes.bytes, (uint32_t)wire_frames_bytes(&record.pushes), data, size);
		for (uint32_t i = 0; i < record.pushes.count; i++)
			sum += wire_frame(&record.pushes, &s.bases, i); /* a sanitizer sees what is outside */
		must_lie_inside(record.text, record.text_bytes, data, size);
		must_lie_inside(record.build_id, record.build_id_bytes, data, size);
		MUST(record.epoch >= epoch);
		epoch = record.epoch;
	}
	sink = sum;
	read_quickly(data, size);
	return 0;
}
