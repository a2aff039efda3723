/*
 * dwarf_index - finds the unit, the function and the calls inlined into it; see
 * dwarf_index.h.
 */
#include "symbols/dwarf_index.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "format/trk.h"
#include "symbols/ada_names.h"
#include "symbols/dwarf_scopes.h"
#include "symbols/dwarf_unit.h"
#include "symbols/dwarf_variables.h"
#include "symbols/keymap.h"

struct dwarf_index {
	Dwarf *dwarf;
	struct arena *arena;
	struct intervals ranges; /* of units, by index into units */
	struct dwarf_unit *units;
	uint32_t count, room;
	struct dwarf_scopes scopes;
	/* What is known of functions of which others are copies: a template's function is inlined in a thousand places. */
	struct dwarf_facts *origins;
	uint32_t origin_count, origin_room;
	struct keymap origin_ids; /* address of the entry -> index into origins */
	uint64_t read_bytes; /* of the units that were looked into */
	char error[160]; /* of libdw, when not all units could be read */
};

static bool add_unit(struct dwarf_index *x, Dwarf_Die *cu)
{
	Dwarf_Addr base, low, high;
	bool added = false;

	for (ptrdiff_t at = 0; (at = dwarf_ranges(cu, at, &base, &low, &high)) > 0;) {
		if (!intervals_add(&x->ranges, low, high, x->count))
			return false;
		added = true;
	}
	if (!added)
		return true; /* only types, or nothing that was linked */
	if (!ARRAY_ROOM(x->units, x->room, (size_t)x->count + 1, 64))
		return false;
	x->units[x->count++] = (struct dwarf_unit){ .cu = *cu };
	return true;
}

int dwarf_index_new(struct dwarf_index **ret, Dwarf *dwarf, struct arena *arena)
{
	struct dwarf_index *const x = calloc(1, sizeof(*x));
	Dwarf_CU *unit = NULL;
	Dwarf_Die cu;
	uint8_t type;
	bool ok = x != NULL;
	int more = 0;

	if (!x)
		return TRK_ERR_NOMEM;
	x->dwarf = dwarf;
	x->arena = arena;
	while (ok && (more = dwarf_get_units(dwarf, unit, &unit, NULL, &type, &cu, NULL)) == 0) {
		if (type == DW_UT_compile || type == DW_UT_skeleton)
			ok = add_unit(x, &cu);
	}
	if (!ok) {
		dwarf_index_free(x);
		return TRK_ERR_NOMEM;
	}
	if (more < 0)
		snprintf(x->error, sizeof(x->error), "%s", dwarf_errmsg(-1));
	intervals_sort(&x->ranges);
	*ret = x;
	return 0;
}

void dwarf_index_free(struct dwarf_index *x)
{
	if (!x)
		return;
	for (uint32_t i = 0; i < x->count; i++)
		dwarf_unit_finish(&x->units[i]);
	free(x->units);
	dwarf_scopes_finish(&x->scopes);
	free(x->origins);
	keymap_finish(&x->origin_ids);
	intervals_finish(&x->ranges);
	free(x);
}

char *dwarf_index_trouble(const struct dwarf_index *x, char *out, size_t room)
{
	const char *first = NULL;
	uint32_t missing = 0;

	out[0] = 0;
	for (uint32_t i = 0; i < x->count; i++) {
		missing += x->units[i].missing != NULL;
		first = first ? first : x->units[i].missing;
	}
	if (first)
		snprintf(out, room, "the functions of %u unit%s are in .dwo files that do not exist, and no .dwp file holds them: %.200s", missing,
			 missing == 1 ? "" : "s", first);
	else if (x->error[0])
		snprintf(out, room, "%s is damaged, or in a version of DWARF that this libdw does not know (libdw: %s)",
			 x->count ? "a unit of it" : "it", x->error);
	return out;
}

static const char *read_name(struct dwarf_index *x, Dwarf_Die *die, bool *ret_linkage)
{
	Dwarf_Attribute attr;
	const char *name;

	name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attr));
	if (!name)
		name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attr));
	*ret_linkage = name != NULL;
	if (!name)
		name = dwarf_scopes_name(&x->scopes, die, x->arena);
	if (!name)
		name = dwarf_diename(die);
	return name && ada_is_unit_of(die) ? ada_name(name, x->arena) : name;
}

/* NULL: no memory. */
static const struct dwarf_facts *origin_of(struct dwarf_index *x, Dwarf_Die *origin)
{
	uint32_t *const id = keymap_at(&x->origin_ids, (uint64_t)(uintptr_t)origin->addr);

	if (!id)
		return NULL;
	if (*id != KEYMAP_NONE)
		return &x->origins[*id];
	if (!ARRAY_ROOM(x->origins, x->origin_room, (size_t)x->origin_count + 1, 64))
		return NULL;
	*id = x->origin_count++;
	x->origins[*id] = (struct dwarf_facts){ 0 };
	x->origins[*id].name = read_name(x, origin, &x->origins[*id].linkage);
	return &x->origins[*id];
}

/* A copy of a function has the name of its original. */
static void name_of(struct dwarf_index *x, Dwarf_Die *die, struct dwarf_facts *ret)
{
	const struct dwarf_facts *known = NULL;
	Dwarf_Attribute attr;
	Dwarf_Die origin;

	if (dwarf_formref_die(dwarf_attr(die, DW_AT_abstract_origin, &attr), &origin))
		known = origin_of(x, &origin);
	if (known) {
		ret->name = known->name;
		ret->linkage = known->linkage;
	} else {
		ret->name = read_name(x, die, &ret->linkage);
	}
}

static uint64_t number_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	return dwarf_formudata(dwarf_attr(die, name, &attr), &value) == 0 ? value : UINT64_MAX;
}

static const struct dwarf_facts *facts_of_call(struct dwarf_index *x, struct dwarf_unit *u, struct dwarf_function *f, uint32_t call)
{
	struct dwarf_facts *const facts = &f->calls[call].facts;

	if (!facts->known) {
		Dwarf_Die die = dwarf_calls_die(f, call);
		const uint64_t line = number_of(&die, DW_AT_call_line);

		name_of(x, &die, facts);
		facts->file = dwarf_unit_file(u, number_of(&die, DW_AT_call_file), x->arena);
		facts->line = facts->file && line <= UINT32_MAX ? (uint32_t)line : 0;
		facts->known = true;
	}
	return facts;
}

static const struct dwarf_facts *facts_of_function(struct dwarf_index *x, struct dwarf_function *f)
{
	if (!f->facts.known)
		name_of(x, &f->die, &f->facts);
	f->facts.known = true;
	return &f->facts;
}

static size_t frames_of(struct dwarf_index *x, struct dwarf_unit *u, struct dwarf_function *f, uint64_t address,
			struct resolved_frame *out, size_t max, bool *ret_linkage)
{
	uint32_t call = dwarf_calls_find(f, address);
	const struct dwarf_facts *inner = NULL; /* the call in the frame before */
	bool inlined = true;
	size_t n = 0;

	for (; inlined && n < max; n++) {
		inlined = call != DWARF_CALL_NONE;

		const struct dwarf_facts *const facts = inlined ? facts_of_call(x, u, f, call) : facts_of_function(x, f);

		out[n] = (struct resolved_frame){ .function = facts->name, .inlined = inlined };
		*ret_linkage = facts->linkage;
		if (inner) {
			out[n].file = inner->file;
			out[n].line = inner->line;
		} else {
			(void)dwarf_unit_line(u, address, x->arena, &out[n].file, &out[n].line);
		}
		inner = facts;
		call = inlined ? f->calls[call].outer : call;
	}
	return n;
}

static uint64_t unit_bytes(const struct dwarf_index *x, Dwarf_Die *cu)
{
	const Dwarf_Off at = dwarf_dieoffset(cu) - dwarf_cuoffset(cu);
	Dwarf_Off next;
	size_t head;

	return dwarf_nextcu(x->dwarf, at, &next, &head, NULL, NULL, NULL) == 0 ? next - at : 0;
}

/* Its functions are known from now on. */
static struct dwarf_function *function_at(struct dwarf_index *x, struct dwarf_unit *u, uint64_t address)
{
	const bool first = !u->collected;
	struct dwarf_function *const ret = dwarf_unit_function(u, address);

	if (first && u->collected)
		x->read_bytes += unit_bytes(x, &u->cu);
	return ret;
}

struct seeking {
	bool (*is)(void *data, const char *name);
	void *data;
	bool found;
};

static int is_sought(Dwarf_Die *function, void *data)
{
	struct seeking *const s = data;
	Dwarf_Attribute attr;
	const char *const linkage = dwarf_formstring(dwarf_attr_integrate(function, DW_AT_linkage_name, &attr));
	const char *const name = linkage ? linkage : dwarf_diename(function);

	s->found |= name && s->is(s->data, name);
	return s->found ? DWARF_CB_ABORT : DWARF_CB_OK;
}

bool dwarf_index_any_name(struct dwarf_index *x, bool (*is)(void *data, const char *name), void *data)
{
	struct seeking s = { is, data, false };

	for (uint32_t i = 0; i < x->count && !s.found; i++)
		(void)dwarf_getfuncs(&x->units[i].cu, is_sought, &s, 0);
	return s.found;
}

uint64_t dwarf_index_read_bytes(const struct dwarf_index *x)
{
	return x->read_bytes;
}

bool dwarf_index_pointee(struct dwarf_index *x, uint64_t address, const char *file, uint32_t line, char *buf, size_t room, uint64_t *ret_size)
{
	for (uint32_t i = intervals_find(&x->ranges, address); i != INTERVAL_NONE; i = intervals_next(&x->ranges, i, address)) {
		struct dwarf_function *const f = function_at(x, &x->units[x->ranges.items[i].value], address);

		if (f)
			return dwarf_variables_pointee(&f->die, file, line, buf, room, ret_size);
	}
	return false;
}

size_t dwarf_index_lookup(struct dwarf_index *x, uint64_t address, struct resolved_frame *out,
			  size_t max, bool *ret_linkage)
{
	size_t n = 0;

	if (max == 0)
		return 0;
	/* Ranges of units overlap only if one of them is wrong: the unit with a function wins. */
	for (uint32_t i = intervals_find(&x->ranges, address); i != INTERVAL_NONE;
	     i = intervals_next(&x->ranges, i, address)) {
		struct dwarf_unit *const u = &x->units[x->ranges.items[i].value];
		struct resolved_frame line = { 0 };
		struct dwarf_function *const function = function_at(x, u, address);

		if (function)
			return frames_of(x, u, function, address, out, max, ret_linkage);
		if (n == 0 && dwarf_unit_line(u, address, x->arena, &line.file, &line.line)) {
			out[n++] = line;
			*ret_linkage = false;
		}
	}
	return n;
}
