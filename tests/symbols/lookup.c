/*
 * lookup - prints what the resolver knows about addresses, for comparison with
 * llvm-symbolizer and addr2line: `lookup FILE < addresses`.
 *
 * Per address (hexadecimal) a line "0xADDRESS STATE", then a line
 * "FUNCTION\tFILE\tLINE" per frame, innermost first, then an empty line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "symbols/resolver.h"

static const char *or_unknown(const char *s)
{
	return s ? s : "??";
}

int main(int argc, char **argv)
{
	struct resolved_frame frames[64];
	struct resolver *resolver = NULL;
	struct resolver_module *module;
	uint64_t address;

	if (argc != 2 || resolver_new(&resolver) != 0)
		return 2;
	module = resolver_module(resolver, argv[1], NULL, 0);
	while (module && scanf("%" SCNx64, &address) == 1) {
		const size_t n = resolver_lookup(module, address, frames, 64);

		printf("0x%" PRIx64 " %d\n", address, (int)resolver_module_state(module));
		for (size_t i = 0; i < n; i++)
			printf("%s\t%s\t%u\n", or_unknown(frames[i].function),
			       or_unknown(frames[i].file), frames[i].line);
		printf("\n");
	}
	resolver_free(resolver);
	return module ? 0 : 1;
}
