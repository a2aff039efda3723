/* packing - see packing.h. */
#include "packing.h"

#include <stddef.h>
#include <string.h>

#include "format/writer.h"
#include "ui/ui.h"

static const struct {
	const char *name;
	enum trk_packing packing;
} packings[] = {
	{ "zstd", TRK_PACK_BEST },
	{ "lz4", TRK_PACK_LZ4 },
	{ "none", TRK_PACK_NONE },
};

bool packing_parse(const char *name, uint32_t *ret)
{
	for (size_t i = 0; i < sizeof(packings) / sizeof(*packings); i++)
		if (!strcmp(name, packings[i].name)) {
			*ret = packings[i].packing;
			return true;
		}
	ui_error("argument --compress: invalid choice '%s'; use zstd, lz4 or none", name);
	return false;
}
