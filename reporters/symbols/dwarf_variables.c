/* dwarf_variables - see dwarf_variables.h. */
#include "symbols/dwarf_variables.h"

#include <dwarf.h>
#include <stdio.h>
#include <string.h>

#include "symbols/dwarf_sibling.h"

/* The most blocks and calls inside each other, and types that stand for others: files may be hostile. */
#define DEPTH_MAX 60

struct finding {
	const char *file;
	uint32_t line;
	Dwarf_Die found; /* the type */
	unsigned count; /* of different types */
	const char *reached; /* dwarf_sibling.h */
};

static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;

	return dwarf_formref_die(dwarf_attr_integrate(die, DW_AT_type, &attr), ret) != NULL;
}

/* What remains without const and its like, and, if `whole`, without names that programs gave it. */
static bool strip(Dwarf_Die *die, bool whole)
{
	for (int i = 0; i < DEPTH_MAX; i++) {
		Dwarf_Die next;

		switch (dwarf_tag(die)) {
		case DW_TAG_typedef:
			if (!whole)
				return true;
			break;
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
			break;
		default:
			return true;
		}
		if (!type_of(die, &next))
			return false;
		*die = next;
	}
	return false;
}

static const char *base_name(const char *path)
{
	const char *const slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void take_variable(struct finding *f, Dwarf_Die *variable)
{
	const char *const file = dwarf_decl_file(variable);
	Dwarf_Die type, pointee;
	int line;

	if (dwarf_decl_line(variable, &line) != 0 || line < 0 || (uint32_t)line != f->line || !file || strcmp(base_name(file), base_name(f->file)) != 0)
		return;
	if (!type_of(variable, &type) || !strip(&type, true) || dwarf_tag(&type) != DW_TAG_pointer_type || !type_of(&type, &pointee) || !strip(&pointee, false))
		return;
	f->count += !f->count || f->found.addr != pointee.addr;
	f->found = pointee;
}

static void collect(struct finding *f, Dwarf_Die *parent, int depth)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return;
	do {
		switch (dwarf_tag(&die)) {
		case DW_TAG_variable:
			take_variable(f, &die);
			break;
		case DW_TAG_lexical_block:
		case DW_TAG_inlined_subroutine:
			collect(f, &die, depth + 1);
			break;
		default:
			break;
		}
	} while (dwarf_sibling_next(&die, &f->reached));
}

static bool print_type(Dwarf_Die *type, char *buf, size_t room, int depth)
{
	const int tag = dwarf_tag(type);
	const char *const name = dwarf_diename(type);
	char inner[256];
	Dwarf_Die pointee;

	if (tag == DW_TAG_pointer_type) {
		if (!type_of(type, &pointee))
			return snprintf(buf, room, "void*") > 0;
		if (depth > 4 || !strip(&pointee, false) || !print_type(&pointee, inner, sizeof(inner), depth + 1))
			return false;
		return snprintf(buf, room, "%s*", inner) > 0;
	}
	if (!name)
		return false;
	snprintf(buf, room, "%s%s", tag == DW_TAG_structure_type ? "struct " : tag == DW_TAG_union_type ? "union " :
								       tag == DW_TAG_enumeration_type	? "enum " :
													  "",
		 name);
	return true;
}

static bool is_c(Dwarf_Die *function)
{
	Dwarf_Die cu;

	if (!dwarf_diecu(function, &cu, NULL, NULL))
		return false;
	switch (dwarf_srclang(&cu)) {
	case DW_LANG_C:
	case DW_LANG_C89:
	case DW_LANG_C99:
	case DW_LANG_C11:
		return true;
	default:
		return false;
	}
}

bool dwarf_variables_pointee(Dwarf_Die *function, const char *file, uint32_t line, char *buf, size_t room, uint64_t *ret_size)
{
	struct finding f = { .file = file, .line = line };
	Dwarf_Word size;

	if (!is_c(function))
		return false;
	collect(&f, function, 0);
	if (f.count != 1 || dwarf_aggregate_size(&f.found, &size) != 0 || !size)
		return false;
	*ret_size = size;
	return print_type(&f.found, buf, room, 0);
}
