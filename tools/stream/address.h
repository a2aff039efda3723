/*
 * address - where streams go: a Unix socket (a path with a slash), or HOST:PORT, [HOST]:PORT or PORT of TCP, where no
 * host means 127.0.0.1.
 */
#ifndef STREAM_ADDRESS_H
#define STREAM_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT 300u
#define ADDRESS_WHY 400u

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_storage storage;
	} at;
	socklen_t size; /* 0: HOST is a name that is to be looked up */
	char text[ADDRESS_TEXT]; /* as it was given */
	char host[ADDRESS_TEXT], port[8];
};

/* False: `why` says what is wrong with it, and what to write. */
bool address_parse(struct address *ret, const char *text, char why[ADDRESS_WHY]);

/*
 * A socket that listens there, which no program inherits. Replaces a Unix socket on which nobody listens any more; only its own user can
 * connect to it. -1: errno. The port 0 becomes one that is free, also in the text.
 */
int address_listen(struct address *a);

/* The Unix socket is removed from its folder. */
void address_remove(const struct address *a);

/* A socket that is connected, or is about to be: it is writable then. -1: errno, which may come from looking up the name. */
int address_connect(const struct address *a);

/* A peer that vanished without a word is noticed. */
void address_watch_peer(int socket);

#endif
