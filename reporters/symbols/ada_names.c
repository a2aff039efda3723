/* ada_names - see ada_names.h. */
#include "symbols/ada_names.h"

#include <dwarf.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/stack.h"

/* Newer than some dwarf.h. */
#define ADA_2005 0x2e
#define ADA_2012 0x2f

bool ada_is_unit_of(Dwarf_Die *die)
{
	Dwarf_Die unit;
	const int language = dwarf_diecu(die, &unit, NULL, NULL) ? dwarf_srclang(&unit) : -1;

	return language == DW_LANG_Ada83 || language == DW_LANG_Ada95 || language == ADA_2005 || language == ADA_2012;
}

static bool is_runtime(const char *library)
{
	return strncmp(library, "libgnat", 7) == 0 || strncmp(library, "libgnarl", 8) == 0;
}

bool ada_is_file(Elf *elf)
{
	GElf_Shdr h;
	GElf_Dyn d;

	for (Elf_Scn *s = NULL; elf && (s = elf_nextscn(elf, s));) {
		Elf_Data *const data = gelf_getshdr(s, &h) && h.sh_type == SHT_DYNAMIC ? elf_getdata(s, NULL) : NULL;

		for (int i = 0; data && gelf_getdyn(data, i, &d) && d.d_tag != DT_NULL; i++) {
			const char *const text = d.d_tag == DT_NEEDED || d.d_tag == DT_SONAME ? elf_strptr(elf, h.sh_link, d.d_un.d_val) : NULL;

			if (text && is_runtime(text))
				return true;
		}
	}
	return false;
}

const char *ada_name(const char *name, struct arena *arena)
{
	char *const decoded = symbols_demangle_ada(name);
	const char *const kept = decoded ? arena_string(arena, decoded, strlen(decoded)) : NULL;

	free(decoded);
	return kept ? kept : name;
}
