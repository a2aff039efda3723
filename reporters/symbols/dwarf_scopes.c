/* dwarf_scopes - see dwarf_scopes.h. */
#include "symbols/dwarf_scopes.h"

#include <dwarf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "symbols/demangled.h"
#include "symbols/dwarf_sibling.h"
#include "symbols/stack.h"

/* Files may be hostile: the most nesting, the most references from one entry to the next, and the longest name. */
#define DEPTH_MAX 200
#define HOPS_MAX 8
#define NAME_MAX_BYTES 4096
#define TYPE_DEPTH_MAX 16

struct scope {
	Dwarf_Off function; /* ascending: entries are read in the order of the file */
	const char *prefix; /* "app::net", "" */
};

struct unit_scopes {
	Dwarf_CU *unit;
	struct scope *scopes;
	uint32_t count, room;
	bool deep; /* functions declared in functions are there, too */
};

struct walk {
	struct unit_scopes *unit;
	struct arena *arena;
	bool deep, failed;
	const char *reached; /* dwarf_sibling.h */
};

struct text {
	char bytes[NAME_MAX_BYTES];
	size_t size;
};

static void put(struct text *t, const char *s)
{
	const size_t n = strlen(s), room = sizeof(t->bytes) - 1 - t->size;

	memcpy(t->bytes + t->size, s, n < room ? n : room);
	t->size += n < room ? n : room;
	t->bytes[t->size] = 0;
}

static bool is_class(int tag)
{
	return tag == DW_TAG_class_type || tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
}

/* ---- names of types, as far as parameters of lambdas need them ---- */

static void put_type(struct text *t, Dwarf_Die *die, int depth);

static void put_type_of(struct text *t, Dwarf_Die *die, int depth)
{
	Dwarf_Attribute attr;
	Dwarf_Die type;

	if (depth < TYPE_DEPTH_MAX && dwarf_formref_die(dwarf_attr_integrate(die, DW_AT_type, &attr), &type))
		put_type(t, &type, depth + 1);
	else
		put(t, "void");
}

static void put_type(struct text *t, Dwarf_Die *die, int depth)
{
	static const struct {
		int tag;
		const char *suffix;
	} made[] = {
		{ DW_TAG_pointer_type, "*" },
		{ DW_TAG_reference_type, "&" },
		{ DW_TAG_rvalue_reference_type, "&&" },
		{ DW_TAG_const_type, " const" },
		{ DW_TAG_volatile_type, " volatile" },
	};
	/* gcc's own words for types that have other names in demanglers */
	static const char *const words[][2] = {
		{ "long int", "long" },
		{ "long unsigned int", "unsigned long" },
		{ "short int", "short" },
		{ "short unsigned int", "unsigned short" },
		{ "long long int", "long long" },
		{ "long long unsigned int", "unsigned long long" },
	};
	const char *name = dwarf_diename(die);

	for (size_t i = 0; name && i < sizeof(words) / sizeof(*words); i++)
		name = strcmp(name, words[i][0]) ? name : words[i][1];
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		if (dwarf_tag(die) != made[i].tag)
			continue;
		put_type_of(t, die, depth);
		put(t, made[i].suffix);
		return;
	}
	put(t, name ? name : "?");
}

static void put_parameters(struct text *t, Dwarf_Die *function)
{
	Dwarf_Attribute attr;
	Dwarf_Die die;
	bool first = true, artificial;
	const char *reached = NULL;

	if (dwarf_child(function, &die) != 0)
		return;
	do {
		if (dwarf_tag(&die) != DW_TAG_formal_parameter)
			continue;
		if (dwarf_formflag(dwarf_attr(&die, DW_AT_artificial, &attr), &artificial) == 0 && artificial)
			continue;
		put(t, first ? "" : ", ");
		put_type_of(t, &die, 0);
		first = false;
	} while (dwarf_sibling_next(&die, &reached));
}

/* A closure is a class without a name that can be called. */
static bool call_operator(Dwarf_Die *class, Dwarf_Die *ret)
{
	const char *reached = NULL;

	if (dwarf_child(class, ret) != 0)
		return false;
	do {
		const char *const name = dwarf_tag(ret) == DW_TAG_subprogram ? dwarf_diename(ret) : NULL;

		if (name && !strcmp(name, "operator()"))
			return true;
	} while (dwarf_sibling_next(ret, &reached));
	return false;
}

/* ---- scopes ---- */

/* Numbers as compilers use them in linkage names: from 1 among the closures with the same parameters in one scope. */
static unsigned lambda_number(const struct unit_scopes *u, const char *prefix, const char *signature)
{
	const size_t n = strlen(prefix), m = strlen(signature);
	unsigned number = 1;

	for (uint32_t i = u->count; i-- > 0 && !strncmp(u->scopes[i].prefix, prefix, n);) {
		const char *const rest = u->scopes[i].prefix + n;

		if (strncmp(rest, signature, m) || rest[m] != '#')
			continue;
		number = (unsigned)strtoul(rest + m + 1, NULL, 10) + 1;
		break;
	}
	return number;
}

static void put_class(const struct walk *w, struct text *t, Dwarf_Die *class)
{
	const char *const name = dwarf_diename(class);
	const size_t before = t->size;
	char number[16];
	Dwarf_Die call;

	/* gcc 8 to 11 name closures "<lambda(int)>" */
	if (name && strncmp(name, "<lambda", 7) != 0) {
		put(t, name);
		return;
	}
	if (!call_operator(class, &call)) {
		put(t, "{unnamed type}");
		return;
	}
	put(t, "{lambda(");
	put_parameters(t, &call);
	put(t, ")");

	struct text signature = { .size = 0 };
	char outer[NAME_MAX_BYTES];

	put(&signature, t->bytes + before);
	memcpy(outer, t->bytes, before);
	outer[before] = 0;
	snprintf(number, sizeof(number), "#%u}", lambda_number(w->unit, outer, signature.bytes));
	put(t, number);
}

/* A function as the scope of what is declared in it. */
static void put_function(struct text *t, Dwarf_Die *function)
{
	Dwarf_Attribute attr;
	const char *const linkage =
		dwarf_formstring(dwarf_attr_integrate(function, DW_AT_linkage_name, &attr));
	char *const demangled = linkage ? symbols_demangle(linkage) : NULL;
	const char *const name = dwarf_diename(function);

	if (demangled) { /* it begins with all its scopes */
		t->size = 0;
		put(t, demangled);
	} else {
		put(t, name ? name : "?");
		put(t, "(");
		put_parameters(t, function);
		put(t, ")");
	}
	free(demangled);
}

static void add(struct walk *w, Dwarf_Die *function, const char *prefix)
{
	struct unit_scopes *const u = w->unit;

	w->failed = !ARRAY_ROOM(u->scopes, u->room, (size_t)u->count + 1, 64);
	if (w->failed)
		return;
	u->scopes[u->count++] = (struct scope){ dwarf_dieoffset(function), prefix };
}

static void walk(struct walk *w, Dwarf_Die *parent, const char *prefix, int depth);

/* Reads what is declared in `die`, whose own name stands behind the prefix. */
static void walk_scope(struct walk *w, Dwarf_Die *die, const char *prefix, int depth)
{
	const int tag = dwarf_tag(die);
	struct text t = { .size = 0 };
	const char *inner;

	put(&t, prefix);
	put(&t, *prefix ? "::" : "");
	if (is_class(tag))
		put_class(w, &t, die);
	else if (tag == DW_TAG_subprogram)
		put_function(&t, die);
	else
		put(&t, dwarf_diename(die) ? dwarf_diename(die) : "(anonymous namespace)");
	inner = arena_string(w->arena, t.bytes, t.size);
	if (inner)
		walk(w, die, inner, depth + 1);
	else
		w->failed = true;
}

static void walk(struct walk *w, Dwarf_Die *parent, const char *prefix, int depth)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return;
	do {
		const int tag = dwarf_tag(&die);

		if (tag == DW_TAG_subprogram)
			add(w, &die, prefix);
		if (tag == DW_TAG_namespace || is_class(tag) || (tag == DW_TAG_subprogram && w->deep))
			walk_scope(w, &die, prefix, depth);
		else if (tag == DW_TAG_lexical_block && w->deep)
			walk(w, &die, prefix, depth + 1);
	} while (!w->failed && dwarf_sibling_next(&die, &w->reached));
}

static void read_unit(struct unit_scopes *u, bool deep, struct arena *arena)
{
	struct walk w = { .unit = u, .arena = arena, .deep = deep };
	Dwarf_Die cu;

	u->count = 0;
	u->deep = deep;
	if (dwarf_cu_info(u->unit, NULL, NULL, &cu, NULL, NULL, NULL, NULL) == 0)
		walk(&w, &cu, "", 0);
}

static struct unit_scopes *unit_of(struct dwarf_scopes *s, Dwarf_CU *unit, struct arena *arena)
{
	for (uint32_t i = s->count; i-- > 0;)
		if (s->units[i].unit == unit)
			return &s->units[i];
	if (!ARRAY_ROOM(s->units, s->room, (size_t)s->count + 1, 16))
		return NULL;
	s->units[s->count] = (struct unit_scopes){ .unit = unit };
	read_unit(&s->units[s->count], false, arena);
	return &s->units[s->count++];
}

static const char *find(const struct unit_scopes *u, Dwarf_Off function)
{
	size_t low = 0, high = u->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (u->scopes[middle].function == function)
			return u->scopes[middle].prefix;
		if (u->scopes[middle].function < function)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Languages whose functions have scopes, and that leave out linkage names. */
static bool has_scopes(Dwarf_Die *function)
{
	Dwarf_Die cu;

	if (!dwarf_diecu(function, &cu, NULL, NULL))
		return false;
	switch (dwarf_srclang(&cu)) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
	case 0x2a: /* C++17 and C++20, which older headers lack */
	case 0x2b:
	case DW_LANG_D:
		return true;
	default:
		return false;
	}
}

/* Where the function is declared, from one of its copies. */
static void find_declaration(Dwarf_Die *function)
{
	static const unsigned ways[] = { DW_AT_abstract_origin, DW_AT_specification };
	Dwarf_Attribute attr;
	Dwarf_Die next;

	for (unsigned hops = 0; hops < HOPS_MAX; hops++) {
		bool moved = false;

		for (size_t i = 0; i < 2 && !moved; i++)
			moved = dwarf_formref_die(dwarf_attr(function, ways[i], &attr), &next) != NULL;
		if (!moved)
			return;
		*function = next;
	}
}

const char *dwarf_scopes_name(struct dwarf_scopes *s, Dwarf_Die *function, struct arena *arena)
{
	Dwarf_Die declaration = *function;
	struct text t = { .size = 0 };
	struct unit_scopes *unit;
	const char *prefix, *name;

	if (!has_scopes(function))
		return NULL;
	find_declaration(&declaration);
	name = dwarf_diename(&declaration);
	unit = name ? unit_of(s, declaration.cu, arena) : NULL;
	if (!unit)
		return NULL;
	prefix = find(unit, dwarf_dieoffset(&declaration));
	if (!prefix && !unit->deep) {
		read_unit(unit, true, arena);
		prefix = find(unit, dwarf_dieoffset(&declaration));
	}
	if (!prefix || !*prefix)
		return NULL;
	put(&t, prefix);
	put(&t, "::");
	put(&t, name);
	return arena_string(arena, t.bytes, t.size);
}

void dwarf_scopes_finish(struct dwarf_scopes *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		free(s->units[i].scopes);
	free(s->units);
	*s = (struct dwarf_scopes){ 0 };
}
