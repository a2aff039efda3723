/* mkcapture_events - statements that are events. */
#include "mkcapture.h"

#include <string.h>
#include <strings.h>

#include "format/event.h"

/*
 * Operands: a address, o old address, s size, p old size, d domain, l label, x detail,
 * S stack (may be left out).
 */
static const char *const operands_of[TRK_FORMS] = {
	[TRK_FORM_BLOCK] = "as",
	[TRK_FORM_REALLOC] = "oas",
	[TRK_FORM_MREMAP] = "opas",
	[TRK_FORM_TRACK] = "das",
	[TRK_FORM_ADDRESS] = "a",
	[TRK_FORM_UNTRACK] = "da",
	[TRK_FORM_LABEL] = "l",
	[TRK_FORM_LOST] = "s",
	[TRK_FORM_COUNT] = "s",
	[TRK_FORM_LOOK] = "s",
	[TRK_FORM_BARE] = "",
	[TRK_FORM_ACCESS] = "asx",
	[TRK_FORM_ADVICE] = "asx",
	[TRK_FORM_REQUEST] = "asxp",
	[TRK_FORM_TYPED] = "asl",
	[TRK_FORM_UNKNOWN] = "sxl",
};

/* Kinds whose word is not the one of kind.h in small letters. */
static const struct {
	const char *name, *operands;
	uint8_t kind, call;
} events[] = {
	{ "new[]", "as", TRK_NEW_ARRAY },
	{ "delete[]", "a", TRK_DELETE_ARRAY },
	{ "realloc_release", "o", TRK_REALLOC_RELEASE, TRK_REALLOC },
	{ "realloc_acquire", "oas", TRK_REALLOC_ACQUIRE, TRK_REALLOC },
	{ "realloc_withdraw", "os", TRK_REALLOC_WITHDRAW, TRK_REALLOC },
	{ "reallocarray_release", "o", TRK_REALLOC_RELEASE, TRK_REALLOCARRAY },
	{ "reallocarray_acquire", "oas", TRK_REALLOC_ACQUIRE, TRK_REALLOCARRAY },
	{ "reallocarray_withdraw", "os", TRK_REALLOC_WITHDRAW, TRK_REALLOCARRAY },
	{ "mremap_release", "op", TRK_REALLOC_RELEASE, TRK_MREMAP },
	{ "mremap_acquire", "opas", TRK_REALLOC_ACQUIRE, TRK_MREMAP },
	{ "mremap_withdraw", "ops", TRK_REALLOC_WITHDRAW, TRK_MREMAP },
};

#define WORD(a, id, number, name, form, does, told, flags) [number] = #id,
static const char *const words_of[TRK_KINDS] = { TRK_KIND_TABLE(WORD, ) };

/* Sets kind and call; returns the operands without the stack. NULL: the word is no event. */
static const char *find_event(const char *word, struct trk_event *ret)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (strcmp(word, events[i].name) != 0)
			continue;
		ret->kind = events[i].kind;
		ret->call = events[i].call;
		return events[i].operands;
	}
	for (uint8_t kind = 0; kind < TRK_KINDS; kind++) {
		if (!words_of[kind] || strcasecmp(word, words_of[kind]) != 0)
			continue;
		ret->kind = kind;
		return operands_of[trk_kinds[kind].form];
	}
	return NULL;
}

static void set_operand(struct trk_event *e, char what, const struct word *w)
{
	switch (what) {
	case 'a':
		e->address = address(w->text);
		return;
	case 'o':
		e->old_address = address(w->text);
		return;
	case 's':
		e->size = number(w->text);
		return;
	case 'p':
		e->old_size = number(w->text);
		return;
	case 'd':
		e->domain = (uint32_t)number(w->text);
		return;
	case 'x':
		e->detail = (uint32_t)number(w->text);
		return;
	case 'l':
		e->label = w->text;
		e->label_bytes = (uint32_t)w->size;
		return;
	default:
		e->node = stack(w->text);
	}
}

static void assume_thread(void)
{
	struct word process[] = { { (char[]){ "process" }, 7 }, { (char[]){ "0" }, 1 } };
	struct word thread[] = { { (char[]){ "thread" }, 6 }, { (char[]){ "0" }, 1 }, { (char[]){ "main" }, 4 } };

	if (!cap.process_known[0])
		do_process(process, 2);
	if (!cap.thread_known[0])
		do_thread(thread, 3);
}

bool do_event(const struct word *w, int n)
{
	struct trk_event e = { .time_ns = cap.time_ns };
	const char *operands = find_event(w[0].text, &e);

	if (!operands)
		return false;
	assume_thread();
	e.thread = cap.thread;
	e.process = cap.threads[cap.thread].process;
	for (int i = 1; i < n; i++) {
		if (!*operands && (i + 1 < n || !trk_kind_has_stack(e.kind)))
			die("too many words", w[i].text);
		set_operand(&e, *operands ? *operands++ : 'S', &w[i]);
	}
	if (*operands)
		die("too few words", w[0].text);
	if (e.time_ns < cap.earliest_ns)
		die("not later than the keyframe", w[0].text);
	if (heap_apply(cap.heap, &e) < 0)
		die("cannot replay", w[0].text);
	e.ref = heap_last_ref(cap.heap);
	if (!cap.unseen && e.kind == TRK_MARK)
		writer_mark(writer(), &e);
	if (!cap.unseen)
		writer_event(writer(), &e);
	return true;
}
