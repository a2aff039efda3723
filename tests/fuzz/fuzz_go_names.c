/*
 * fuzz_go_names - the table of Go's runtime out of any bytes, in a file or by itself: whatever it says, names lie in it and end
 * there. The first byte chooses: even, the rest is a table, which is put into a file; odd, it is a file.
 */
#include "fuzz.h"

#include <gelf.h>

#include "symbols/go_names.h"

static const char names[] = "\0.gopclntab\0.shstrtab";

/* An ELF file of two sections, and no more than go_names reads of one. */
static uint8_t *make_file(const uint8_t *table, size_t size, size_t *ret_size)
{
	const Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_shoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 3,
		.e_shstrndx = 2,
	};
	const size_t at = sizeof(header) + 3 * sizeof(Elf64_Shdr);
	const Elf64_Shdr sections[3] = {
		{ 0 },
		{ .sh_name = 1, .sh_type = SHT_PROGBITS, .sh_offset = at + sizeof(names), .sh_size = size, .sh_addralign = 1 },
		{ .sh_name = 12, .sh_type = SHT_STRTAB, .sh_offset = at, .sh_size = sizeof(names), .sh_addralign = 1 },
	};
	uint8_t *const file = malloc(at + sizeof(names) + size);

	MUST(file);
	memcpy(file, &header, sizeof(header));
	memcpy(file + sizeof(header), sections, sizeof(sections));
	memcpy(file + at, names, sizeof(names));
	memcpy(file + at + sizeof(names), table, size);
	*ret_size = at + sizeof(names) + size;
	return file;
}

static void look_up(const struct go_names *g, uint64_t address)
{
	const char *const name = go_names_find(g, address);

	if (name)
		MUST((const uint8_t *)name >= g->table && (const uint8_t *)name + strlen(name) < g->table + g->size && *name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct go_names g;
	size_t file_size = size;
	uint8_t *file = NULL;

	if (!size)
		return 0;
	if (data[0] % 2 == 0) {
		file = make_file(data + 1, size - 1, &file_size);
	} else {
		file = malloc(size);
		MUST(file);
		memcpy(file, data + 1, --file_size);
	}
	elf_version(EV_CURRENT);
	Elf *const elf = elf_memory((char *)file, file_size);

	go_names_init(&g, elf);
	for (uint64_t i = 0; g.table && i < 64; i++) {
		look_up(&g, g.text + i * 5);
		look_up(&g, i * (UINT64_MAX / 64));
	}
	elf_end(elf);
	free(file);
	return 0;
}
