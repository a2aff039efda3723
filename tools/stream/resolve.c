/* resolve - connects to an address, whose host may be a name; see address.h. */
#include "tools/stream/address.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

static int try_address(int family, const struct sockaddr *at, socklen_t size)
{
	const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	address_watch_peer(fd);
	if (connect(fd, at, size) == 0 || errno == EINPROGRESS)
		return fd;

	const int error = errno;

	close(fd);
	errno = error;
	return -1;
}

int address_connect(const struct address *a)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int fd = -1;

	if (a->size)
		return try_address(a->at.any.sa_family, &a->at.any, a->size);
	if (getaddrinfo(a->host, a->port, &hints, &found) != 0) {
		errno = EHOSTUNREACH;
		return -1;
	}
	for (const struct addrinfo *i = found; i && fd < 0; i = i->ai_next)
		fd = try_address(i->ai_family, i->ai_addr, i->ai_addrlen);
	freeaddrinfo(found);
	return fd;
}
