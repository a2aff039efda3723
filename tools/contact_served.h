/*
 * contact_served - the side of contact.h that listens: of recorders, and of keepers of dormant programs.
 */
#ifndef TOOLS_CONTACT_SERVED_H
#define TOOLS_CONTACT_SERVED_H

#include "tools/contact.h"

/* Listens at this process's address, which goes to ret. A descriptor that does not block; -1: there is no folder for it, or no descriptor. */
int contact_listen(struct sockaddr_un *ret, int clients);
/* The next client that may ask: of the same user, or root. flags: of accept4. Others are hung up. -1: there is none. */
int contact_accept(int listener, int flags);
/*
 * A request, and the first descriptor beside it (-1: none), which is the caller's; further ones are closed. flags: of recvmsg. False: errno is EAGAIN
 * or EINTR, or (0) the client has hung up, or said what is no request.
 */
bool contact_receive(int fd, int flags, struct contact_request *ret, int *ret_descriptor);

#endif
