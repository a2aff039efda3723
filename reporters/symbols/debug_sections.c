/* debug_sections - see debug_sections.h. */
#include "symbols/debug_sections.h"

#include <gelf.h>
#include <string.h>

static const char *name_of(Elf *elf, const GElf_Shdr *header)
{
	size_t names;
	const char *const name = elf_getshdrstrndx(elf, &names) == 0 ? elf_strptr(elf, names, header->sh_name) : NULL;

	return name ? name : "";
}

enum debug_sections debug_sections_of(Elf *elf)
{
	GElf_Shdr header;
	GElf_Chdr compressed;

	for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
		if (!gelf_getshdr(s, &header) || strcmp(name_of(elf, &header), ".debug_info") || header.sh_type == SHT_NOBITS)
			continue;
		if (!(header.sh_flags & SHF_COMPRESSED))
			return DEBUG_SECTIONS_PLAIN;
		return gelf_getchdr(s, &compressed) && compressed.ch_type == ELFCOMPRESS_ZLIB ? DEBUG_SECTIONS_PLAIN :
												DEBUG_SECTIONS_UNKNOWN_COMPRESSION;
	}
	return DEBUG_SECTIONS_NONE;
}

bool debug_alt_is_missing(Dwarf *dwarf)
{
	Elf *const elf = dwarf_getelf(dwarf);
	GElf_Shdr header;

	for (Elf_Scn *s = NULL; elf && (s = elf_nextscn(elf, s));)
		if (gelf_getshdr(s, &header) && !strcmp(name_of(elf, &header), ".gnu_debugaltlink"))
			return !dwarf_getalt(dwarf);
	return false;
}
