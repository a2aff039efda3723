/*
 * kind - the names of event kinds, as reports print them.
 *
 * The array forms of new and delete share the name of the single ones: reports
 * sum by name, and people ask "how much by new".
 */
#include "format/trk.h"

static const char *const names[] = {
	[TRK_MALLOC] = "malloc",
	[TRK_CALLOC] = "calloc",
	[TRK_REALLOC] = "realloc",
	[TRK_REALLOCARRAY] = "reallocarray",
	[TRK_POSIX_MEMALIGN] = "posix_memalign",
	[TRK_ALIGNED_ALLOC] = "aligned_alloc",
	[TRK_MEMALIGN] = "memalign",
	[TRK_VALLOC] = "valloc",
	[TRK_PVALLOC] = "pvalloc",
	[TRK_NEW] = "new",
	[TRK_NEW_ARRAY] = "new",
	[TRK_MMAP] = "mmap",
	[TRK_MREMAP] = "mremap",
	[TRK_TRACK] = "track",
	[TRK_SKIPPED] = "skipped",
	[TRK_FREE] = "free",
	[TRK_DELETE] = "delete",
	[TRK_DELETE_ARRAY] = "delete",
	[TRK_FREE_SIZED] = "free_sized",
	[TRK_FREE_ALIGNED_SIZED] = "free_aligned_sized",
	[TRK_CFREE] = "cfree",
	[TRK_MUNMAP] = "munmap",
	[TRK_UNTRACK] = "untrack",
	[TRK_REALLOC_RELEASE] = "realloc_release",
	[TRK_REALLOC_ACQUIRE] = "realloc_acquire",
	[TRK_REALLOC_WITHDRAW] = "realloc_withdraw",
	[TRK_MARK] = "mark",
	[TRK_REGION_BEGIN] = "region_begin",
	[TRK_REGION_END] = "region_end",
	[TRK_EXEC] = "exec",
	[TRK_GAP] = "gap",
	[TRK_RESERVE] = "mmap",
	[TRK_ARENA] = "mmap",
	[TRK_MPROTECT] = "mprotect",
	[TRK_MADVISE] = "madvise",
	[TRK_TOUCHED] = "touched",
	[TRK_CLEAR] = "clear",
};

const char *trk_kind_name(uint8_t kind)
{
	if (kind >= sizeof(names) / sizeof(names[0]) || !names[kind])
		return "unknown";
	return names[kind];
}
