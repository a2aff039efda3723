/* demangled - see demangled.h. */
#include "symbols/demangled.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "format/idmap.h"
#include "format/mix.h"
#include "format/trk.h"
#include "symbols/arena.h"
#include "symbols/skip.h"
#include "symbols/stack.h"

/* Longer display names are cut. */
#define DISPLAY_MAX 4096

struct demangled {
	struct idmap by_linkage; /* places in `all`, from 1 */
	struct demangled_name **all;
	size_t count, room;
	struct arena arena;
	bool short_of_memory;
};

int demangled_new(struct demangled **ret)
{
	struct demangled *const n = calloc(1, sizeof(*n));

	if (!n)
		return TRK_ERR_NOMEM;
	*ret = n;
	return 0;
}

void demangled_free(struct demangled *n)
{
	if (!n)
		return;
	idmap_finish(&n->by_linkage);
	free(n->all);
	arena_finish(&n->arena);
	free(n);
}

/* What programs call std::string, of both of libstdc++'s ABIs, and of libc++. */
static const char *const STRINGS[] = {
	"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::",
	"std::basic_string<char, std::char_traits<char>, std::allocator<char> >::",
	"std::__1::basic_string<char, std::__1::char_traits<char>, std::__1::allocator<char> >::",
};

static const char *via_of(struct demangled *n, const char *full, const char *display)
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

static struct demangled_name *make(struct demangled *n, const char *linkage)
{
	struct demangled_name *const name = arena_room(&n->arena, sizeof(*name));
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

static const struct demangled_name *find(const struct demangled *n, uint32_t hash, const char *linkage)
{
	uint32_t at = hash, id;

	while ((id = idmap_next(&n->by_linkage, hash, &at)))
		if (strcmp(n->all[id - 1]->linkage, linkage) == 0)
			return n->all[id - 1];
	return NULL;
}

/* NULL: no memory. */
static const struct demangled_name *add(struct demangled *n, uint32_t hash, const char *linkage)
{
	struct demangled_name *const name = idmap_reserve(&n->by_linkage) && ARRAY_ROOM(n->all, n->room, n->count + 1, 128) ? make(n, linkage) : NULL;

	if (!name)
		return NULL;
	n->all[n->count++] = name;
	idmap_add(&n->by_linkage, hash, (uint32_t)n->count);
	return name;
}

const struct demangled_name *demangled_get(struct demangled *n, const char *linkage_name)
{
	static const struct demangled_name none = { .linkage = "", .full = "", .display = "" };
	const uint32_t hash = (uint32_t)trk_mix_bytes(linkage_name, strlen(linkage_name));
	const struct demangled_name *name;

	if (!*linkage_name)
		return &none;
	name = find(n, hash, linkage_name);
	if (!name)
		name = add(n, hash, linkage_name);
	if (name)
		return name;
	n->short_of_memory = true;
	return &none;
}

bool demangled_short_of_memory(const struct demangled *n)
{
	return n->short_of_memory;
}
