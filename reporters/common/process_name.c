/* process_name - see process_name.h. */
#include "common/process_name.h"

#include <stdio.h>
#include <string.h>

const char *process_name(const struct trk_process *p, char buf[PROCESS_NAME_ROOM])
{
	if (!p->title[0])
		return p->name;
	if (p->titled == TRK_TITLED && strstr(p->title, p->name))
		return p->title;
	snprintf(buf, PROCESS_NAME_ROOM, "%.48s (%.128s)", p->name, p->title);
	return buf;
}
