/* kind - see kind.h. */
#include "format/kind.h"

#define ROW(a, id, number, name_, form_, does_, told_, flags_) \
	[number] = { .name = name_, .flags = flags_, .form = TRK_FORM_##form_, .does = TRK_DOES_##does_, .told = TRK_TOLD_##told_ },

const struct trk_kind_row trk_kinds[TRK_KINDS] = { TRK_KIND_TABLE(ROW, ) };

const char *trk_kind_name(uint8_t kind)
{
	return kind < TRK_KINDS && trk_kinds[kind].name ? trk_kinds[kind].name : "unknown";
}
