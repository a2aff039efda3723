/*
 * demangled - a hash table of linkage names; see demangled.h.
 */
#include "symbols/demangled.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "format/mix.h"
#include "format/trk.h"
#include "symbols/arena.h"
#include "symbols/skip.h"
#include "symbols/stack.h"

/* Longer display names are cut. */
#define DISPLAY_MAX 4096

struct names {
	struct name **slots; /* open addressing; room is a power of two, at most half full */
	size_t count, room;
	struct arena arena;
	bool short_of_memory;
};

int names_new(struct names **ret)
{
	struct names *const n = calloc(1, sizeof(*n));

	if (!n)
		return TRK_ERR_NOMEM;
	n->room = 256;
	n->slots = calloc(n->room, sizeof(*n->slots));
	if (!n->slots) {
		names_free(n);
		return TRK_ERR_NOMEM;
	}
	*ret = n;
	return 0;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	free(n->slots);
	arena_finish(&n->arena);
	free(n);
}

static struct name **slot_of(struct name **slots, size_t room, const char *linkage)
{
	size_t i = trk_mix_bytes(linkage, strlen(linkage)) & (room - 1);

	while (slots[i] && strcmp(slots[i]->linkage, linkage) != 0)
		i = (i + 1) & (room - 1);
	return &slots[i];
}

static bool grow(struct names *n)
{
	const size_t room = n->room * 2;
	struct name **const slots = calloc(room, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < n->room; i++) {
		if (n->slots[i])
			*slot_of(slots, room, n->slots[i]->linkage) = n->slots[i];
	}
	free(n->slots);
	n->slots = slots;
	n->room = room;
	return true;
}

/* What programs call std::string, of both of libstdc++'s ABIs, and of libc++. */
static const char *const STRINGS[] = {
	"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::",
	"std::basic_string<char, std::char_traits<char>, std::allocator<char> >::",
	"std::__1::basic_string<char, std::__1::char_traits<char>, std::__1::allocator<char> >::",
};

static const char *via_of(struct names *n, const char *full, const char *display)
{
	char text[DISPLAY_MAX], member[DISPLAY_MAX];

	if (skip_is_kind(display))
		return NULL;
	for (size_t i = 0; i < sizeof(STRINGS) / sizeof(*STRINGS); i++) {
		const size_t prefix = strlen(STRINGS[i]);

		if (strncmp(full, STRINGS[i], prefix) != 0)
			continue;
		symbols_shorten(full + prefix, member, sizeof(member));
		const int size = snprintf(text, sizeof(text), "std::string::%s", member);

		return arena_string(&n->arena, text, size < (int)sizeof(text) ? (size_t)size : sizeof(text) - 1);
	}
	return display;
}

static struct name *make(struct names *n, const char *linkage)
{
	struct name *const name = arena_room(&n->arena, sizeof(*name));
	char display[DISPLAY_MAX];

	errno = 0;
	char *const demangled = symbols_demangle(linkage);

	if (!demangled && errno == ENOMEM)
		n->short_of_memory = true;
	if (name) {
		const char *const full = demangled ? demangled : linkage;

		symbols_shorten(full, display, sizeof(display));
		name->linkage = arena_string(&n->arena, linkage, strlen(linkage));
		name->full = demangled ? arena_string(&n->arena, full, strlen(full)) : name->linkage;
		name->display = arena_string(&n->arena, display, strlen(display));
		name->via = name->full && name->display ? via_of(n, name->full, name->display) : NULL;
		name->allocator = skip_is_allocator(display);
		name->runtime = skip_is_runtime(display);
	}
	free(demangled);
	return name && name->linkage && name->full && name->display ? name : NULL;
}

const struct name *names_get(struct names *n, const char *linkage_name)
{
	static const struct name none = { .linkage = "", .full = "", .display = "" };
	struct name **slot;

	if (!*linkage_name)
		return &none;
	if (n->count * 2 >= n->room && !grow(n))
		goto no_memory;
	slot = slot_of(n->slots, n->room, linkage_name);
	if (!*slot) {
		*slot = make(n, linkage_name);
		n->count += *slot != NULL;
	}
	if (*slot)
		return *slot;
no_memory:
	n->short_of_memory = true;
	return &none;
}

bool names_short_of_memory(const struct names *n)
{
	return n->short_of_memory;
}
