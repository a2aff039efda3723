/*
 * cfi_rows - prints the unwind rule that libtracker's interpreter finds at given
 * addresses of a shared library, in the words of `readelf
 * --debug-dump=frames-interp`, for cfi_rows.py to compare.
 *
 * Usage: cfi_rows LIBRARY < hexadecimal offsets, one a line
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "libtracker/cfi.h"

struct tracker_state state;

static const char *const names[REG_COUNT] = { ARCH_REGISTER_NAMES };

static void print_cfa(const struct cfi_row *row)
{
	if (row->cfa.how == CFI_REGISTER)
		printf("%s%+" PRId64, names[row->cfa_reg], row->cfa.value);
	else
		printf("exp");
}

static void print_register(const struct cfi_row *row, unsigned i)
{
	switch (row->reg[i].how) {
	case CFI_SAME: printf(" %s=s", names[i]); break;
	case CFI_UNDEFINED: printf(" %s=u", names[i]); break;
	case CFI_AT_CFA: printf(" %s=c%+" PRId64, names[i], row->reg[i].value); break;
	case CFI_IS_CFA: printf(" %s=v%+" PRId64, names[i], row->reg[i].value); break;
	case CFI_REGISTER: printf(" %s=%s", names[i], names[row->reg[i].value % REG_COUNT]); break;
	case CFI_EXPRESSION: printf(" %s=exp", names[i]); break;
	case CFI_IS_EXPRESSION: printf(" %s=vexp", names[i]); break;
	}
}

static void print_row(uintptr_t bias, uintptr_t offset)
{
	static struct cfi_scratch scratch;
	struct cfi_module m;
	struct cfi_fde f;

	printf("%" PRIxPTR " ", offset);
	if (!cfi_module_at(bias + offset, &m) || cfi_fde_at(&m, bias + offset, &f) != 0 ||
	    cfi_row_at(&f, bias + offset, &scratch) != 0) {
		puts("none");
		return;
	}
	print_cfa(&scratch.row);
	for (unsigned i = 0; i < REG_COUNT; i++)
		print_register(&scratch.row, i);
	putchar('\n');
}

int main(int argc, char **argv)
{
	const struct link_map *const l = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
	uintptr_t offset;

	if (!l) {
		fprintf(stderr, "cfi_rows: cannot load %s\n", argc == 2 ? argv[1] : "nothing");
		return 1;
	}
	while (scanf("%" SCNxPTR, &offset) == 1)
		print_row(l->l_addr, offset);
	return 0;
}
