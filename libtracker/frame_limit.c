/* frame_limit - see frame_limit.h. */
#include "frame_limit.h"

#include <stdbool.h>

#include "tracker.h"

int frame_limit(const char *text)
{
	bool negative;
	int n = 0;

	if (!*text)
		return 0;
	while (*text == ' ' || (*text >= '\t' && *text <= '\r'))
		text++;
	negative = *text == '-';
	text += *text == '+' || negative;
	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9' && n <= TRACKER_NFRAME_MAX; text++)
		n = n * 10 + *text - '0';
	return *text || n > TRACKER_NFRAME_MAX || (negative && n) ? -1 : n;
}
