/* array - see array.h. */
#include "format/array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static size_t get_room(const void *room, size_t room_bytes)
{
	uint32_t narrow;
	uint64_t wide;

	if (room_bytes == sizeof(narrow)) {
		memcpy(&narrow, room, sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, room, sizeof(wide));
	return wide;
}

static void set_room(void *room, size_t room_bytes, size_t value)
{
	const uint32_t narrow = (uint32_t)value;
	const uint64_t wide = value;

	if (room_bytes == sizeof(narrow))
		memcpy(room, &narrow, sizeof(narrow));
	else
		memcpy(room, &wide, sizeof(wide));
}

bool array_grow(void *field, size_t bytes, void *room, size_t room_bytes, size_t need, size_t first, bool zeroes)
{
	const size_t most = (room_bytes == sizeof(uint32_t) && UINT32_MAX < SIZE_MAX / bytes) ? UINT32_MAX : SIZE_MAX / bytes;
	const size_t before = get_room(room, room_bytes);
	size_t more = before ? before : first;
	char *array;

	if (need > most)
		return false;
	if (before)
		more = before <= most / 2 ? before * 2 : most;
	if (more < need)
		more = need;
	memcpy(&array, field, sizeof(array));
	array = realloc(array, more * bytes);
	if (!array)
		return false;
	if (zeroes)
		memset(array + before * bytes, 0, (more - before) * bytes);
	memcpy(field, &array, sizeof(array));
	set_room(room, room_bytes, more);
	return true;
}
