/* dump_line - see dump_line.h. */
#include "dump/dump_line.h"

#include "format/event.h"

static unsigned fields_of(uint8_t kind)
{
	static const unsigned by_form[TRK_FORMS] = {
		[TRK_FORM_BLOCK] = HAS_ADDRESS | HAS_SIZE,
		[TRK_FORM_REALLOC] = HAS_ADDRESS | HAS_SIZE | HAS_OLD,
		[TRK_FORM_MREMAP] = HAS_ADDRESS | HAS_SIZE | HAS_OLD | HAS_OLD_SIZE,
		[TRK_FORM_TRACK] = HAS_ADDRESS | HAS_SIZE | HAS_DOMAIN,
		[TRK_FORM_ADDRESS] = HAS_ADDRESS,
		[TRK_FORM_UNTRACK] = HAS_ADDRESS | HAS_DOMAIN,
		[TRK_FORM_LABEL] = HAS_LABEL,
		[TRK_FORM_LOST] = HAS_LOST,
		[TRK_FORM_COUNT] = HAS_COUNT,
		[TRK_FORM_LOOK] = HAS_NUMBER,
		[TRK_FORM_UNKNOWN] = HAS_NUMBER,
		[TRK_FORM_ACCESS] = HAS_ADDRESS | HAS_SIZE | HAS_ACCESS,
		[TRK_FORM_ADVICE] = HAS_ADDRESS | HAS_SIZE | HAS_ADVICE,
		[TRK_FORM_REQUEST] = HAS_ADDRESS | HAS_SIZE | HAS_CALL,
		[TRK_FORM_TYPED] = HAS_ADDRESS | HAS_OBJECTS | HAS_LABEL,
	};
	const struct trk_kind_row *const row = &trk_kinds[kind];

	return by_form[row->form] | (row->flags & TRK_HAS_STACK ? (unsigned)HAS_STACK : 0);
}

static const char *release_name(uint8_t call)
{
	return call == TRK_MREMAP	? "mremap_release" :
	       call == TRK_REALLOCARRAY ? "reallocarray_release" :
					  "realloc_release";
}

struct dump_line dump_line_of_release(const struct trk_event *e, uint8_t call, uint64_t id)
{
	return (struct dump_line){
		.event = e,
		.kind = release_name(call),
		.half = "release",
		.id = id,
		.has = HAS_ADDRESS | (call == TRK_MREMAP ? (unsigned)HAS_SIZE : 0),
		.address = e->old_address,
		.size = e->old_size,
	};
}

struct dump_line dump_line_of(const struct trk_event *e, uint8_t kind, const char *half, uint64_t id)
{
	const unsigned has = fields_of(kind);

	return (struct dump_line){
		.event = e,
		.has = has,
		.kind = trk_kind_name(kind),
		.half = half,
		.id = id,
		.address = e->address,
		.size = e->size,
		.failed = (has & (HAS_OLD | HAS_CALL)) && !e->address,
	};
}

const char *dump_access_name(const struct trk_event *e)
{
	return e->detail == TRK_ACCESS_NONE ? "none" : "some";
}

const char *dump_advice_name(const struct trk_event *e)
{
	switch (e->detail) {
	case TRK_DONTNEED:
		return "dontneed";
	case TRK_FREE_PAGES:
		return "free";
	case TRK_REMOVE:
		return "remove";
	case TRK_POPULATE_READ:
		return "populate_read";
	case TRK_POPULATE_WRITE:
		return "populate_write";
	default:
		return "other";
	}
}
