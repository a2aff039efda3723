/* sending - see sending.h. */
#include "sending.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "error.h"
#include "format/sent_report.h"
#include "hook.h"
#include "raw.h"
#include "spawn.h"
#include "tracker.h"

#define END_MS 1000
#define PORT_MOST 65535u

int sending_address(const char *address, unsigned port, char ret[SENDING_ADDRESS_ROOM])
{
	const char *const host = address ? address : "127.0.0.1";
	const bool is_path = strchr(host, '/') != NULL, is_v6 = strchr(host, ':') && host[0] != '[';
	const size_t n = strlen(host);
	char digits[16];
	const char *const number = spawn_number(digits + sizeof(digits), port);
	char *at = ret;

	if (!is_path && (!port || port > PORT_MOST))
		return error_about(TRACKER_EINVAL, "Invalid port: ", number, "");
	if (!n || n + sizeof("[]:65535") > SENDING_ADDRESS_ROOM)
		return error_set(TRACKER_EINVAL, "the address is neither that of this host nor the path of a Unix socket (with a slash)");
	if (is_v6 && !is_path)
		*at++ = '[';
	memcpy(at, host, n + 1);
	if (is_path)
		return TRACKER_OK;
	at += n;
	if (is_v6)
		*at++ = ']';
	*at++ = ':';
	memcpy(at, number, strlen(number) + 1);
	return TRACKER_OK;
}

static int wait_for_client(int socket, int *ret_file)
{
	struct stream_ready ready = { .error = 0 };
	const long n = spawn_receive(socket, &ready, sizeof(ready), 0, ret_file);

	if (n == sizeof(ready) && !ready.error && *ret_file >= 0)
		return TRACKER_OK;
	if (*ret_file >= 0)
		raw_close(*ret_file);
	*ret_file = -1;
	ready.why[sizeof(ready.why) - 1] = 0;
	if (n == sizeof(ready) && ready.error)
		return error_about(TRACKER_EIO, ready.why, "", "");
	if (n == -EINTR)
		return error_set(TRACKER_EIO, "a signal came before a client had connected");
	return error_set(TRACKER_EIO, "the sender of this program did not start: tracker-send must lie in the bin folder beside libtracker.so's, "
				      "and be of the same build");
}

int sending_start(struct sending *s, const char *address, int *ret_file)
{
	char *const more[] = { (char *)"--at", (char *)address, NULL };
	struct stat st = { 0 };
	int code = spawn_program("tracker-send", more, &s->socket);

	*ret_file = -1;
	if (code != TRACKER_OK)
		return code;
	(void)raw_stat_fd(s->socket, &st);
	s->inode = st.st_ino;
	code = wait_for_client(s->socket, ret_file);
	if (code != TRACKER_OK)
		sending_leave(s, true);
	return code;
}

static bool is_ours(const struct sending *s)
{
	struct stat st;

	return s->socket >= 0 && raw_stat_fd(s->socket, &st) && S_ISSOCK(st.st_mode) && st.st_ino == s->inode;
}

int sending_finish(struct sending *s)
{
	struct stream_report r = { .is_whole = false };
	int fd = -1;
	long n = 0;

	if (!is_ours(s)) {
		s->socket = -1;
		return error_set(TRACKER_EIO, "whether the capture was sent is not known: the program has closed tracker's descriptor");
	}
	do
		n = spawn_receive(s->socket, &r, sizeof(r), 0, &fd);
	while (n == -EINTR);
	if (fd >= 0)
		raw_close(fd);
	sending_leave(s, false);
	r.why[sizeof(r.why) - 1] = 0;
	if (n != sizeof(r))
		return error_set(TRACKER_EIO, "the capture was not sent completely: its sender was killed");
	return r.is_whole ? TRACKER_OK : error_about(TRACKER_EIO, "the capture was not sent completely: ", r.why, "");
}

/* Its address can be used again as soon as it has ended. */
void sending_leave(struct sending *s, bool ends)
{
	struct pollfd p = { .fd = s->socket, .events = POLLIN };
	const struct timespec limit = { .tv_sec = END_MS / 1000 };

	if (is_ours(s)) {
		if (ends && arch_syscall(SYS_shutdown, s->socket, SHUT_WR, 0, 0, 0, 0) == 0)
			(void)arch_syscall(SYS_ppoll, (long)&p, 1, (long)&limit, 0, 0, 0);
		raw_close(s->socket);
	}
	s->socket = -1;
}
