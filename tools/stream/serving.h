/*
 * serving - what tracker-send does first for a program that captures itself (tracker.h): it waits for a client, makes the file from which the
 * capture is sent, and gives the program that file.
 */
#ifndef STREAM_SERVING_H
#define STREAM_SERVING_H

#include <stdbool.h>

struct serving {
	int listen, client, file;
};

/* owner: the socket to the program. False: nobody can be waited for, which the program was told, or the program has gone. */
bool serving_begin(struct serving *s, int owner, const char *address);

#endif
