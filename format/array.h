/*
 * array - room in an array that grows. The caller keeps the pointer, the count and the room.
 *
 * Room at least doubles, so that n elements cost at most 2 n copies. If there is no memory, or the type of `room`
 * cannot hold the number, the array stays as it was.
 */
#ifndef TRK_ARRAY_H
#define TRK_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * array: an lvalue, NULL at first. room: an lvalue of elements, 32 or 64 bits. need: elements. first: room to begin with. False:
 * nothing has changed. With ARRAY_ZEROES elements that had no room before are zero.
 */
#define ARRAY_ROOM(array, room, need, first) \
	((need) <= (room) || array_grow(&(array), sizeof(*(array)), &(room), sizeof(room), (need), (first), false))
#define ARRAY_ZEROES(array, room, need, first) \
	((need) <= (room) || array_grow(&(array), sizeof(*(array)), &(room), sizeof(room), (need), (first), true))

/* For the macros. field: a pointer to the pointer to elements of `bytes`; room: to a number of room_bytes. */
bool array_grow(void *field, size_t bytes, void *room, size_t room_bytes, size_t need, size_t first, bool zeroes);

#endif
