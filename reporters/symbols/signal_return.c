/* signal_return - see signal_return.h. */
#include "symbols/signal_return.h"

#include <gelf.h>
#include <string.h>

/* mov $__NR_rt_sigreturn, %rax; syscall. On other processors the code is in the vDSO, with its name. */
static const uint8_t x86_64[] = { 0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05 };

bool signal_return_at(Elf *elf, uint64_t address)
{
	size_t count;
	GElf_Ehdr header;
	GElf_Phdr h;

	if (!elf || !gelf_getehdr(elf, &header) || header.e_machine != EM_X86_64 || elf_getphdrnum(elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(elf, (int)i, &h) || h.p_type != PT_LOAD || !(h.p_flags & PF_X) || address < h.p_vaddr ||
		    address - h.p_vaddr >= h.p_filesz || sizeof(x86_64) > h.p_filesz - (address - h.p_vaddr))
			continue;
		size_t bytes;
		const char *const file = elf_rawfile(elf, &bytes); /* it is mapped: nothing is read */
		const uint64_t at = h.p_offset + (address - h.p_vaddr);

		return file && at < bytes && sizeof(x86_64) <= bytes - at && memcmp(file + at, x86_64, sizeof(x86_64)) == 0;
	}
	return false;
}
