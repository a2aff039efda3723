/* mapped_only - see mapped_only.h. */
#include "symbols/mapped_only.h"

#include <unistd.h>

/* One more reference to `elf`, which needs its descriptor no more. */
static bool hold(struct mapped_only *m, Elf *elf)
{
	if (m->count == sizeof(m->files) / sizeof(*m->files) || elf_cntl(elf, ELF_C_FDREAD) != 0)
		return false;
	m->files[m->count] = elf_begin(-1, ELF_C_READ, elf);
	return m->files[m->count] && ++m->count;
}

void mapped_only_close(struct mapped_only *m, Elf *elf, int *fd)
{
	if (!elf || *fd < 0 || !hold(m, elf))
		return;
	close(*fd);
	*fd = -1;
}

Elf *mapped_only_debug_file(Dwfl_Module *module, Elf *own)
{
	Dwarf *const dwarf = dwfl_module_getdwarf(module, &(Dwarf_Addr){ 0 });
	Elf *elf = dwarf ? dwarf_getelf(dwarf) : NULL;

	if ((!elf || elf == own) && dwfl_module_getsymtab(module) > 0)
		(void)dwfl_module_getsym_info(module, 1, &(GElf_Sym){ 0 }, &(GElf_Addr){ 0 }, NULL, &elf, NULL);
	return elf == own ? NULL : elf;
}

/* libdw closes the descriptor that it opened when it is given another Dwarf in the place of its own. */
void mapped_only_close_alt(struct mapped_only *m, Dwarf *dwarf)
{
	Dwarf *const theirs = dwarf_getalt(dwarf);
	Elf *const elf = theirs ? dwarf_getelf(theirs) : NULL;

	if (!elf || !hold(m, elf))
		return;
	dwarf_setalt(dwarf, NULL);
	m->alt = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	dwarf_setalt(dwarf, m->alt);
}

void mapped_only_finish(struct mapped_only *m)
{
	if (m->alt)
		dwarf_end(m->alt);
	while (m->count)
		elf_end(m->files[--m->count]);
	*m = (struct mapped_only){ 0 };
}
