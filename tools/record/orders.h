/*
 * orders - what users tell a recorder while it records, and ask it: the recorder's side of tools/contact.h.
 *
 * A recorder that cannot listen (no folder for its socket, no descriptors) records all the same.
 */
#ifndef RECORD_ORDERS_H
#define RECORD_ORDERS_H

#include "recorder.h"
#include "tools/contact.h"

#define ORDERS_CLIENTS 16u

struct client {
	int fd; /* -1: a free place */
	uint32_t kind; /* of the request that is being answered; 0: it has asked nothing yet */
	pid_t writer; /* of a snapshot */
	int file; /* for what lives; -1: none */
	struct process *process; /* of a look */
	uint64_t since; /* the client's number: the oldest one makes room */
};

struct orders {
	struct sockaddr_un address;
	int listener; /* -1: none */
	bool called; /* somebody has come, or says something */
	bool stop; /* somebody wants the recording to end */
	uint32_t waiting; /* clients whose answer is not known yet */
	uint64_t number;
	uint64_t live_from_ns; /* what lives is not counted before */
	struct client clients[ORDERS_CLIENTS];
};

/* Listens, if it is to. r->epoll gets events with a NULL pointer, upon which the caller sets `called`. */
void orders_begin(struct orders *o, const struct recorder *r, bool listens);
/* Called between two rounds. */
void orders_round(struct orders *o, struct recorder *r);
/* The file is finished: answers who wanted that, and listens no more. done: figures; NULL: it was not recorded. */
void orders_end(struct orders *o, struct recorder *r, const struct control_message *done);

#endif
