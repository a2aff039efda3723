/*
 * dwarf_index - finds the unit, the function and the calls inlined into it; see
 * dwarf_index.h.
 */
#include "symbols/dwarf_index.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "format/trk.h"
#include "symbols/dwarf_scopes.h"
#include "symbols/dwarf_unit.h"

#define INLINED_MAX 255 /* calls at one address: files may be hostile */

struct dwarf_index {
	Dwarf *dwarf;
	struct arena *arena;
	struct intervals ranges; /* of units, by index into units */
	struct dwarf_unit *units;
	uint32_t count, room;
	struct dwarf_scopes scopes;
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
	if (x->count == x->room) {
		const uint32_t room = x->room ? x->room * 2 : 64;
		struct dwarf_unit *const units = reallocarray(x->units, room, sizeof(*units));

		if (!units)
			return false;
		x->units = units;
		x->room = room;
	}
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

	if (!x)
		return TRK_ERR_NOMEM;
	x->dwarf = dwarf;
	x->arena = arena;
	while (ok && dwarf_get_units(dwarf, unit, &unit, NULL, &type, &cu, NULL) == 0) {
		if (type == DW_UT_compile || type == DW_UT_skeleton)
			ok = add_unit(x, &cu);
	}
	if (!ok) {
		dwarf_index_free(x);
		return TRK_ERR_NOMEM;
	}
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
	intervals_finish(&x->ranges);
	free(x);
}

static const char *function_name(struct dwarf_index *x, Dwarf_Die *die, bool *ret_linkage)
{
	Dwarf_Attribute attr;
	const char *name;

	name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attr));
	if (!name)
		name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attr));
	*ret_linkage = name != NULL;
	if (!name)
		name = dwarf_scopes_name(&x->scopes, die, x->arena);
	return name ? name : dwarf_diename(die);
}

static uint64_t number_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	return dwarf_formudata(dwarf_attr(die, name, &attr), &value) == 0 ? value : UINT64_MAX;
}

/* Where the function that `call` was inlined into calls it. */
static void call_site(struct dwarf_index *x, struct dwarf_unit *u, Dwarf_Die *call,
		      struct resolved_frame *caller)
{
	const uint64_t line = number_of(call, DW_AT_call_line);

	caller->file = dwarf_unit_file(u, number_of(call, DW_AT_call_file), x->arena);
	caller->line = caller->file && line <= UINT32_MAX ? (uint32_t)line : 0;
}

static size_t frames_of(struct dwarf_index *x, struct dwarf_unit *u, struct dwarf_call *function,
			uint64_t address, struct resolved_frame *out, size_t max,
			bool *ret_linkage)
{
	struct dwarf_call *path[INLINED_MAX + 1]; /* the function, then ever further in */
	size_t depth = 1, n = 0;

	path[0] = function;
	while (depth <= INLINED_MAX && (path[depth] = dwarf_call_at(path[depth - 1], address)))
		depth++;
	for (; n < depth && n < max; n++) {
		const size_t i = depth - 1 - n;

		out[n] = (struct resolved_frame){ .inlined = i > 0 };
		out[n].function = function_name(x, &path[i]->die, ret_linkage);
		if (n == 0)
			(void)dwarf_unit_line(u, address, x->arena, &out[n].file, &out[n].line);
		else
			call_site(x, u, &path[i + 1]->die, &out[n]);
	}
	return n;
}

size_t dwarf_index_lookup(struct dwarf_index *x, uint64_t address, struct resolved_frame *out,
			  size_t max, bool *ret_linkage)
{
	size_t n = 0;

	if (max == 0)
		return 0;
	/* Ranges of units overlap only when one of them is wrong: the one with a function wins. */
	for (uint32_t i = intervals_find(&x->ranges, address); i != INTERVAL_NONE;
	     i = intervals_next(&x->ranges, i, address)) {
		struct dwarf_unit *const u = &x->units[x->ranges.items[i].value];
		struct resolved_frame line = { 0 };
		struct dwarf_call *const function = dwarf_unit_function(u, address);

		if (function)
			return frames_of(x, u, function, address, out, max, ret_linkage);
		if (n == 0 && dwarf_unit_line(u, address, x->arena, &line.file, &line.line)) {
			out[n++] = line;
			*ret_linkage = false;
		}
	}
	return n;
}
