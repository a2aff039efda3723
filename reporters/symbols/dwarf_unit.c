/*
 * dwarf_unit - functions, lines and files of a compilation unit; see dwarf_unit.h.
 */
#include "symbols/dwarf_unit.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "symbols/dwarf_sibling.h"
#include "symbols/path.h"

/* The most nesting of namespaces, classes and blocks: a hostile file must not exhaust the stack. */
#define DEPTH_MAX 200

static const char *dwo_name(Dwarf_Die *cu)
{
	Dwarf_Attribute attr;
	const char *const name = dwarf_formstring(dwarf_attr(cu, DW_AT_dwo_name, &attr));

	return name ? name : dwarf_formstring(dwarf_attr(cu, DW_AT_GNU_dwo_name, &attr));
}

static void open_unit(struct dwarf_unit *u)
{
	Dwarf_Attribute attr;
	Dwarf_Die split;

	if (u->opened)
		return;
	u->opened = true;
	u->split = u->cu;
	if (dwarf_tag(&u->cu) == DW_TAG_skeleton_unit ||
	    dwarf_hasattr(&u->cu, DW_AT_GNU_dwo_name)) {
		memset(&split, 0, sizeof(split));
		if (dwarf_cu_info(u->cu.cu, NULL, NULL, NULL, &split, NULL, NULL, NULL) == 0 &&
		    split.addr)
			u->split = split;
		else
			u->missing = dwo_name(&u->cu);
	}
	u->comp_dir = dwarf_formstring(dwarf_attr(&u->cu, DW_AT_comp_dir, &attr));
}

static bool add_function(struct dwarf_unit *u, Dwarf_Die *die)
{
	Dwarf_Addr base, low, high;
	bool added = false;

	for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &low, &high)) > 0;) {
		if (!intervals_add(&u->ranges, low, high, u->function_count))
			return false;
		added = true;
	}
	if (!added)
		return true;
	if (!ARRAY_ROOM(u->functions, u->function_room, (size_t)u->function_count + 1, 64))
		return false;
	u->functions[u->function_count++] = (struct dwarf_function){ .die = *die };
	return true;
}

/* There is no memory: what was found so far can still be used. */
static bool collect(struct dwarf_unit *u, Dwarf_Die *parent, bool deep, int depth, const char **reached)
{
	Dwarf_Die die;
	bool ok = true;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return true;
	do {
		switch (dwarf_tag(&die)) {
		case DW_TAG_subprogram:
			ok = add_function(u, &die) && (!deep || collect(u, &die, deep, depth + 1, reached));
			break;
		case DW_TAG_lexical_block:
			ok = !deep || collect(u, &die, deep, depth + 1, reached);
			break;
		case DW_TAG_namespace:
		case DW_TAG_module:
		case DW_TAG_class_type:
		case DW_TAG_structure_type:
		case DW_TAG_union_type:
			ok = collect(u, &die, deep, depth + 1, reached);
			break;
		default:
			break;
		}
	} while (ok && dwarf_sibling_next(&die, reached));
	return ok;
}

static void forget_functions(struct dwarf_unit *u)
{
	for (uint32_t i = 0; i < u->function_count; i++)
		dwarf_calls_finish(&u->functions[i]);
	u->ranges.count = u->function_count = 0;
}

static void collect_functions(struct dwarf_unit *u, bool deep)
{
	forget_functions(u);
	(void)collect(u, &u->split, deep, 0, &(const char *){ NULL });
	intervals_sort(&u->ranges);
	u->collected = true;
	u->collected_deep = deep;
}

/*
 * Functions nested in functions (GNU C, methods of local classes) are rare, and finding them takes reading the whole
 * unit. So this is done only for an address without another function.
 */
struct dwarf_function *dwarf_unit_function(struct dwarf_unit *u, uint64_t address)
{
	uint32_t found;

	open_unit(u);
	if (!u->collected)
		collect_functions(u, false);
	found = intervals_find(&u->ranges, address);
	if (found == INTERVAL_NONE && !u->collected_deep) {
		collect_functions(u, true);
		found = intervals_find(&u->ranges, address);
	}
	return found == INTERVAL_NONE ? NULL : &u->functions[u->ranges.items[found].value];
}

static bool files_init(struct dwarf_files *f, Dwarf_Files *files, size_t count)
{
	*f = (struct dwarf_files){ .files = files };
	f->paths = calloc(count, sizeof(*f->paths));
	f->count = f->paths ? count : 0;
	return f->count > 0;
}

/* libdw joins names in the unit's own directory, but not those in a directory relative to it. */
static bool is_joined(const char *name, const char *comp_dir)
{
	const size_t n = comp_dir ? strlen(comp_dir) : 0;

	return n && strncmp(name, comp_dir, n) == 0 && name[n] == '/';
}

static const char *files_path(struct dwarf_files *f, size_t number, const char *comp_dir,
			      struct arena *arena)
{
	const char *name;

	if (number >= f->count)
		return NULL;
	if (f->paths[number])
		return f->paths[number];
	name = dwarf_filesrc(f->files, number, NULL, NULL);
	if (!name || strcmp(name, "???") == 0) /* libdw's own word for entry 0 before DWARF 5 */
		return NULL;
	f->paths[number] = path_absolute(name, is_joined(name, comp_dir) ? NULL : comp_dir, arena);
	return f->paths[number];
}

const char *dwarf_unit_file(struct dwarf_unit *u, uint64_t number, struct arena *arena)
{
	open_unit(u);
	if (!u->has_files) {
		Dwarf_Files *files;
		size_t count;

		u->has_files = true;
		if (dwarf_getsrcfiles(&u->split, &files, &count) == 0)
			(void)files_init(&u->files, files, count);
	}
	return files_path(&u->files, number, u->comp_dir, arena);
}

/* The last row at or before the address, NULL when that ends a sequence. */
static Dwarf_Line *find_row(struct dwarf_unit *u, uint64_t address)
{
	size_t low = 0, high = u->line_count;
	Dwarf_Line *row;
	bool end = true;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		Dwarf_Addr at;

		if (dwarf_lineaddr(dwarf_onesrcline(u->lines, middle), &at) != 0)
			return NULL;
		if (at <= address)
			low = middle + 1;
		else
			high = middle;
	}
	row = low ? dwarf_onesrcline(u->lines, low - 1) : NULL;
	return row && dwarf_lineendsequence(row, &end) == 0 && !end ? row : NULL;
}

static const char *row_path(struct dwarf_unit *u, Dwarf_Line *row, struct arena *arena)
{
	Dwarf_Files *files;
	size_t number, count;

	if (dwarf_line_file(row, &files, &number) != 0)
		return NULL;
	if (u->line_files.files != files) {
		free(u->line_files.paths);
		u->line_files = (struct dwarf_files){ 0 };
		if (dwarf_getsrcfiles(&u->cu, &files, &count) != 0 ||
		    !files_init(&u->line_files, files, count))
			return NULL;
	}
	return files_path(&u->line_files, number, u->comp_dir, arena);
}

bool dwarf_unit_line(struct dwarf_unit *u, uint64_t address, struct arena *arena,
		     const char **ret_file, uint32_t *ret_line)
{
	Dwarf_Line *row;
	int line;

	open_unit(u);
	if (!u->has_lines) {
		u->has_lines = true;
		if (dwarf_getsrclines(&u->cu, &u->lines, &u->line_count) != 0)
			u->line_count = 0;
	}
	row = find_row(u, address);
	if (!row || dwarf_lineno(row, &line) != 0)
		return false;
	*ret_file = row_path(u, row, arena);
	*ret_line = line > 0 ? (uint32_t)line : 0;
	return *ret_file != NULL;
}

void dwarf_unit_finish(struct dwarf_unit *u)
{
	forget_functions(u);
	intervals_finish(&u->ranges);
	free(u->functions);
	free(u->files.paths);
	free(u->line_files.paths);
	*u = (struct dwarf_unit){ 0 };
}
