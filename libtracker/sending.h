/*
 * sending - the process beside this one that sends a capture to a client while it is recorded: memray's SocketDestination for tracker.h.
 *
 * It listens, waits for the client, and makes a file without a name. What is recorded goes into that file as into any other. So this
 * program does nothing over the network, and never waits for a client that is slow, or gone.
 */
#ifndef SENDING_H
#define SENDING_H

#include <stdbool.h>
#include <stdint.h>

#define SENDING_ADDRESS_ROOM 300u

struct sending {
	int socket; /* to it; -1: there is none */
	uint64_t inode; /* of the socket: the program may have closed it, and given its number to another file */
};

/*
 * Where to listen, as one text: a path of a Unix socket if it has a slash, otherwise that address (NULL: 127.0.0.1) and port. TRACKER_OK, or
 * TRACKER_EINVAL with a sentence.
 */
int sending_address(const char *address, unsigned port, char ret[SENDING_ADDRESS_ROOM]);
/*
 * Starts it, and waits until a client has connected, however long that takes. *ret_file: the file, which becomes the caller's. TRACKER_OK, or
 * TRACKER_EIO or TRACKER_ENOMEM with a sentence. A signal whose handler does not restart system calls ends the waiting.
 */
int sending_start(struct sending *s, const char *address, int *ret_file);
/* The capture has ended: waits until the client has it, or cannot get it. TRACKER_OK, or TRACKER_EIO with a sentence. */
int sending_finish(struct sending *s);
/* Nothing was recorded, or not in this process. `ends`: the sender shall end; waits for that, a second at most. */
void sending_leave(struct sending *s, bool ends);

#endif
