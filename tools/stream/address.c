/* address - see address.h. Names of hosts: resolve.c, which programs that only listen do not need. */
#include "tools/stream/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 8
#define PEER_IDLE_S 15
#define PEER_PROBE_S 5
#define PEER_PROBES 3
#define PEER_SILENT_MS 30000u

static bool is_path(const char *text)
{
	return strchr(text, '/');
}

static bool take_path(struct address *a, char why[ADDRESS_WHY])
{
	struct sockaddr_un u = { .sun_family = AF_UNIX };

	if (strlen(a->text) >= sizeof(u.sun_path)) {
		snprintf(why, ADDRESS_WHY, "the path of a Unix socket has at most %zu bytes", sizeof(u.sun_path) - 1);
		return false;
	}
	strcpy(u.sun_path, a->text);
	memcpy(&a->at.storage, &u, sizeof(u));
	a->size = sizeof(u);
	return true;
}

static bool take_port(struct address *a, const char *text, char why[ADDRESS_WHY])
{
	char *end;
	const unsigned long port = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || port > 65535) {
		snprintf(why, ADDRESS_WHY, "Invalid port: %.100s", text);
		return false;
	}
	snprintf(a->port, sizeof(a->port), "%lu", port);
	return true;
}

/* A host that is no name. */
static void take_number(struct address *a)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(a->port)) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = v4.sin_port };

	if (inet_pton(AF_INET, strcmp(a->host, "localhost") ? a->host : "127.0.0.1", &v4.sin_addr) == 1) {
		memcpy(&a->at.storage, &v4, sizeof(v4));
		a->size = sizeof(v4);
	} else if (inet_pton(AF_INET6, a->host, &v6.sin6_addr) == 1) {
		memcpy(&a->at.storage, &v6, sizeof(v6));
		a->size = sizeof(v6);
	}
}

bool address_parse(struct address *ret, const char *text, char why[ADDRESS_WHY])
{
	const char *colon;

	*ret = (struct address){ .size = 0 };
	if (!*text || strlen(text) >= sizeof(ret->text)) {
		snprintf(why, ADDRESS_WHY, "it is neither the path of a socket (with a slash) nor HOST:PORT");
		return false;
	}
	strcpy(ret->text, text);
	if (is_path(text))
		return take_path(ret, why);
	colon = strrchr(text, ':');
	if (!take_port(ret, colon ? colon + 1 : text, why))
		return false;
	snprintf(ret->host, sizeof(ret->host), "%.*s", colon ? (int)(colon - text) : 0, text);
	if (ret->host[0] == '[' && ret->host[strlen(ret->host) - 1] == ']') {
		ret->host[strlen(ret->host) - 1] = 0;
		memmove(ret->host, ret->host + 1, strlen(ret->host));
	}
	if (!ret->host[0])
		strcpy(ret->host, "127.0.0.1");
	take_number(ret);
	return true;
}

void address_remove(const struct address *a)
{
	if (a->at.any.sa_family == AF_UNIX)
		unlink(a->text);
}

/* A socket whose listener is gone refuses. */
static bool is_abandoned(const struct address *a)
{
	struct stat st;
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const bool refused = fd >= 0 && connect(fd, &a->at.any, a->size) < 0 && errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return refused && lstat(a->text, &st) == 0 && S_ISSOCK(st.st_mode);
}

static int bind_path(int fd, const struct address *a)
{
	const mode_t before = umask(0077);
	int failed = bind(fd, &a->at.any, a->size);

	if (failed && errno == EADDRINUSE) {
		if (is_abandoned(a)) {
			unlink(a->text);
			failed = bind(fd, &a->at.any, a->size);
		} else {
			errno = EADDRINUSE;
		}
	}
	umask(before);
	return failed;
}

/* The port that the kernel has chosen. */
static void learn_port(struct address *a, int fd)
{
	struct sockaddr_storage s = { 0 };
	socklen_t size = sizeof(s);
	const bool six = a->at.any.sa_family == AF_INET6;

	if (strcmp(a->port, "0") || getsockname(fd, (struct sockaddr *)&s, &size) < 0)
		return;
	snprintf(a->port, sizeof(a->port), "%u", (unsigned)ntohs(six ? ((struct sockaddr_in6 *)&s)->sin6_port : ((struct sockaddr_in *)&s)->sin_port));
	snprintf(a->text, sizeof(a->text), six ? "[%.200s]:%s" : "%.200s:%s", a->host, a->port);
}

int address_listen(struct address *a)
{
	const int family = a->at.any.sa_family, yes = 1;
	int fd, error;

	if (!a->size) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if ((family == AF_UNIX ? bind_path(fd, a) : bind(fd, &a->at.any, a->size)) == 0 && listen(fd, BACKLOG) == 0) {
		if (family != AF_UNIX)
			learn_port(a, fd);
		return fd;
	}
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

void address_watch_peer(int socket)
{
	const int yes = 1, idle = PEER_IDLE_S, probe = PEER_PROBE_S, probes = PEER_PROBES;
	const unsigned silent = PEER_SILENT_MS;

	/* Unix sockets know nothing of this, and need it not */
	setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
	setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &probe, sizeof(probe));
	setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent, sizeof(silent));
	setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}
