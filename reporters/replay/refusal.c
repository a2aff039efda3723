/* refusal - see refusal.h. */
#include "replay/refusal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

char *refusal_words(const char *path, const struct trk_fault *fault, int error, const char *failed, char buf[REFUSAL_ROOM])
{
	if (!failed)
		failed = "Failed to parse allocation records in";
	switch (fault->code) {
	case TRK_ERR_IO:
		if (error == ENOENT || error == ENOTDIR)
			snprintf(buf, REFUSAL_ROOM, "No such file: %s", path);
		else
			snprintf(buf, REFUSAL_ROOM, "Cannot read %s: %s", path, strerror(error));
		break;
	case TRK_ERR_MAGIC:
	case TRK_ERR_VERSION:
		snprintf(buf, REFUSAL_ROOM, "%s %s: Reason: %s", failed, path, fault->why);
		break;
	case TRK_ERR_NOMEM:
		snprintf(buf, REFUSAL_ROOM, "Cannot read %s: out of memory", path);
		break;
	default:
		snprintf(buf, REFUSAL_ROOM, "%s %s: Reason: %s (at byte %" PRIu64 ")", failed, path, fault->why, fault->offset);
	}
	return buf;
}
