/* failure - see failure.h. */
#include "failure.h"

#include <errno.h>
#include <stdarg.h>

#include "replay/refusal.h"

static _Thread_local struct {
	int code;
	char text[REFUSAL_ROOM];
} last;

int failure(int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(last.text, sizeof(last.text), format, arguments);
	va_end(arguments);
	last.code = code;
	return code;
}

int failure_no_memory(void)
{
	return failure(TRACKER_ENOMEM, "out of memory");
}

int failure_to_open(const char *path, const struct trk_fault *fault, int error)
{
	char text[REFUSAL_ROOM];
	int code = TRACKER_EINVAL;

	if (fault->code == TRK_ERR_NOMEM)
		code = TRACKER_ENOMEM;
	else if (fault->code == TRK_ERR_IO)
		code = error == ENOENT || error == ENOTDIR ? TRACKER_ENOENT : TRACKER_EIO;
	else if (fault->code == TRK_ERR_VERSION || fault->code == TRK_ERR_FEATURE)
		code = TRACKER_ENOTSUP;
	return failure(code, "%s", refusal_words(path, fault, error, NULL, text));
}

int tracker_replay_last_code(void)
{
	return last.code;
}

const char *tracker_replay_last_error(void)
{
	return last.text;
}
