/* send_rare - events that are rare: see send.h. */
#include "send_private.h"

#include <string.h>

/* The same for any kind that is told PLAIN or RARE. */
static bool begin_any(struct thread *t, uint8_t kind, const struct site *at, size_t operands, struct draft *d)
{
	const bool rare = trk_kind_among(kind, TRK_KINDS_TOLD(TRK_TOLD_RARE));

	if (!send_begin_with_stack(t, rare ? (uint8_t)WIRE_RARE : kind, at, operands, d))
		return false;
	if (rare)
		*d->at++ = kind;
	return true;
}

void send_skipped(struct thread *t, uint32_t allocations)
{
	struct draft d;

	if (!send_begin_plain(t, WIRE_SKIPPED, &d))
		return;
	d.at = put_varint(d.at, allocations);
	finish(t, &d);
}

void send_label(struct thread *t, uint8_t kind, const char *label, const struct site *at)
{
	const uint32_t size = (uint32_t)strnlen(label, 1024);
	struct draft d;

	if (!begin_any(t, kind, at, OPERANDS_MAX + size, &d))
		return;
	put_string(&d, label, size);
	finish(t, &d);
}

void send_bare(struct thread *t, uint8_t kind, const struct site *at)
{
	struct draft d;

	if (!begin_any(t, kind, at, OPERANDS_MAX, &d))
		return;
	d.at = put_varint(d.at, 0);
	finish(t, &d);
}

void send_about(struct thread *t, const struct trk_event *e, const struct site *at)
{
	struct draft d;

	if (!begin_any(t, e->kind, at, OPERANDS_MAX + e->label_bytes, &d))
		return;
	put_address(t, &d, e->address);
	if (e->kind != TRK_RELEASING)
		d.at = put_varint(d.at, e->size);
	if (e->kind == TRK_REQUEST)
		d.at = put_varint(put_varint(d.at, e->detail), e->old_size);
	if (e->kind == TRK_ANNOTATE || e->kind == TRK_CLASS)
		put_string(&d, e->label, e->label_bytes);
	finish(t, &d);
}

bool send_question(struct thread *t, uint32_t entry, const struct site *at)
{
	struct draft d;

	if (at ? !send_begin_with_stack(t, WIRE_RARE, at, OPERANDS_MAX, &d) : !send_begin_plain(t, WIRE_RARE, &d))
		return false;
	*d.at++ = WIRE_QUESTION;
	d.at = put_varint(d.at, entry);
	finish(t, &d);
	return true;
}

void send_track(struct thread *t, uint32_t domain, uintptr_t address, uint64_t size, const struct site *at)
{
	struct draft d;

	if (!send_begin_with_stack(t, TRK_TRACK, at, OPERANDS_MAX, &d))
		return;
	d.at = put_varint(d.at, domain);
	put_address(t, &d, address);
	d.at = put_varint(d.at, size);
	finish(t, &d);
}

void send_untrack(struct thread *t, uint32_t domain, uintptr_t address)
{
	struct draft d;

	if (!send_begin_plain(t, TRK_UNTRACK, &d))
		return;
	d.at = put_varint(d.at, domain);
	put_address(t, &d, address);
	finish(t, &d);
}

void send_untrack_range(struct thread *t, uint32_t domain, uintptr_t address, uint64_t size)
{
	struct draft d;

	if (!send_begin_plain(t, WIRE_RARE, &d))
		return;
	*d.at++ = WIRE_UNTRACK_RANGE;
	d.at = put_varint(d.at, domain);
	put_address(t, &d, address);
	d.at = put_varint(d.at, size);
	finish(t, &d);
}

bool send_module(struct thread *t, const struct wire_record *m, const char *directory, uint32_t directory_bytes)
{
	const uint32_t before = directory_bytes ? directory_bytes + 1 : 0;
	struct draft d;

	if (!send_make_room(t, OPERANDS_MAX + before + m->text_bytes + m->build_id_bytes))
		return false;
	d = send_begin(t, WIRE_MODULE);
	d.at = put_varint(d.at, m->bias);
	d.at = put_varint(d.at, m->start);
	d.at = put_varint(d.at, m->end);
	d.at = put_varint(d.at, m->module_flags);
	d.at = put_varint(d.at, before + m->text_bytes);
	if (before) {
		memcpy(d.at, directory, directory_bytes);
		d.at[directory_bytes] = '/';
		d.at += before;
	}
	memcpy(d.at, m->text, m->text_bytes);
	d.at += m->text_bytes;
	put_string(&d, m->build_id, m->build_id_bytes);
	finish(t, &d);
	return true;
}
