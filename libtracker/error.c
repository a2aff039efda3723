/* error - see error.h. */
#include "error.h"

#include <stdatomic.h>

#include "raw.h"

/*
 * Of the sentences that are put together, the newest so many are kept, because a thread that ends gives nothing back.
 */
#define ROOMS 64u
#define ROOM_BYTES 1024u

static _Atomic(char *) rooms; /* mapped when the first one is needed */
static _Atomic unsigned used;

static __thread const char *last __attribute__((tls_model("initial-exec")));
static __thread int last_code __attribute__((tls_model("initial-exec")));

int error_set(int code, const char *sentence)
{
	last = sentence;
	last_code = code;
	return code;
}

static unsigned append(char *room, unsigned at, const char *text)
{
	while (*text && at < ROOM_BYTES - 1)
		room[at++] = *text++;
	return at;
}

static char *next_room(void)
{
	char *all = atomic_load(&rooms), *none = NULL;

	if (!all) {
		all = raw_map_private((size_t)ROOMS * ROOM_BYTES);
		if (all && !atomic_compare_exchange_strong(&rooms, &none, all)) {
			raw_release(all, (size_t)ROOMS * ROOM_BYTES);
			all = none;
		}
	}
	return all ? all + (size_t)(atomic_fetch_add(&used, 1) % ROOMS) * ROOM_BYTES : NULL;
}

int error_about(int code, const char *before, const char *about, const char *after)
{
	char *const room = next_room();

	if (!room)
		return error_set(code, before);
	room[append(room, append(room, append(room, 0, before), about), after)] = 0;
	return error_set(code, room);
}

const char *error_last(void)
{
	return last ? last : "";
}

int error_last_code(void)
{
	return last_code;
}
