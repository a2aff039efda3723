/* frame_entries - see frame_entries.h. */
#include "frame_entries.h"

#include "cfi_bytes.h"

#define CIE_ID 0xffffffffu
#define LENGTH_64 0xffffffffu /* of the 64-bit format, which nobody writes for code */

static bool cie_read(const struct frame_section *s, uint64_t offset, struct cfi_fde *f)
{
	struct cursor c = { s->bytes + (offset < s->size ? offset : s->size), s->bytes + s->size, false };
	const uint64_t length = take_bytes(&c, 4);

	if (c.bad || length == LENGTH_64 || length > (uint64_t)(c.end - c.at))
		return false;
	c.end = c.at + length;
	if (take_bytes(&c, 4) != CIE_ID)
		return false;

	const uint8_t version = take(&c);

	if (take(&c) != 0 || (version != 1 && version != 3 && version != 4)) /* no augmentation */
		return false;
	if (version == 4 && (take(&c) != sizeof(uintptr_t) || take(&c) != 0))
		return false;
	f->code_align = take_uleb(&c);
	f->data_align = take_sleb(&c);

	const uint64_t ra = version == 1 ? take(&c) : take_uleb(&c);

	f->ra_reg = (uint8_t)ra;
	f->initial = c.at;
	f->initial_end = c.end;
	return !c.bad && ra < REG_COUNT;
}

bool frame_entries_find(const struct frame_section *s, uintptr_t bias, uintptr_t pc, struct cfi_fde *ret)
{
	struct cursor c = { s->bytes, s->bytes + s->size, false };

	while (!c.bad && c.end - c.at > 4) {
		const uint64_t length = take_bytes(&c, 4);

		if (length == LENGTH_64 || length > (uint64_t)(c.end - c.at))
			return false;

		struct cursor e = { c.at, c.at + length, false };

		c.at += length;

		const uint64_t id = take_bytes(&e, 4);
		const uintptr_t start = bias + take_bytes(&e, 8), range = take_bytes(&e, 8);
		struct cfi_fde f = { .start = start, .instructions = e.at, .end = e.end };

		if (e.bad || id == CIE_ID || pc < start || pc - start >= range)
			continue;
		if (!cie_read(s, id, &f))
			return false;
		*ret = f;
		return true;
	}
	return false;
}
