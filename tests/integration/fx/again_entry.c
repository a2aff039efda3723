/* again_entry - what makes libtracker attach to a recording that somebody hands over, for again.c. */
#include "libtracker/session.h"
#include "libtracker/thread.h"

EXPORT bool again_attach(int fd, uint64_t recording);
EXPORT void again_leave(void);

bool again_attach(int fd, uint64_t recording)
{
	const struct inherited from = { .fd = fd, .recording = recording };

	if (session_may_attach() != 0 || !session_attach(NULL, &from))
		return false;
	thread_watch_forks();
	return true;
}

void again_leave(void)
{
	session_leave();
}
