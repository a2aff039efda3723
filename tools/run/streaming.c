/* streaming - see streaming.h. */
#include "tools/run/streaming.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/contact.h"
#include "tools/home.h"
#include "tools/new_segment.h"
#include "tools/run/launch.h"
#include "format/sent_report.h"
#include "ui/ui.h"

/* ---- the socket ---- */

static bool listen_there(struct streaming *s)
{
	s->listen = descriptor_high(address_listen(&s->address));
	if (s->listen < 0)
		ui_error("cannot listen on %s: %s; nothing was started", s->address.text, strerror(errno));
	return s->listen >= 0;
}

bool streaming_begin(struct streaming *s, const struct run_options *o, pid_t program)
{
	char why[ADDRESS_WHY], text[ADDRESS_TEXT] = "", folder[ADDRESS_TEXT - 32];

	*s = (struct streaming){ .is_on = o->send_to || o->live_remote, .listen = -1, .client = -1, .report = -1 };
	if (!s->is_on)
		return true;
	if (o->live_port)
		snprintf(text, sizeof(text), "127.0.0.1:%s", o->live_port);
	else if (contact_folder(folder, sizeof(folder)))
		snprintf(text, sizeof(text), "%s/%d.stream", folder, (int)program);
	else
		strcpy(text, "127.0.0.1:0");
	if (!address_parse(&s->address, o->send_to ? o->send_to : text, why)) {
		ui_error("%s; nothing was started", why);
		return false;
	}
	return o->send_to || listen_there(s);
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

bool streaming_wait(struct streaming *s, const struct run_options *o)
{
	const struct sigaction action = { .sa_handler = on_interrupt };
	struct pollfd p = { .fd = s->listen, .events = POLLIN };
	struct sigaction before;

	if (s->listen < 0)
		return true;
	sigaction(SIGINT, &action, &before);
	if (!o->quiet)
		fprintf(stderr, "tracker: waiting for a receiver. Run 'tracker live %s' in another shell to see live results, or 'tracker receive -o FILE %s' to keep them\n",
			s->address.text, s->address.text);
	while (s->client < 0 && !interrupted) {
		if (poll(&p, 1, 200) > 0)
			s->client = descriptor_high(accept4(s->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
	}
	sigaction(SIGINT, &before, NULL);
	return s->client >= 0;
}

/* ---- the sender ---- */

bool streaming_start(struct streaming *s, const struct capture_file *file, pid_t recorder)
{
	char path[PATH_MAX];
	int pair[2], pidfd;

	if (!s->is_on)
		return true;
	if (!home_find("tracker-send", path, sizeof(path))) {
		ui_error("cannot find tracker-send beside this program; install tracker again or set TRACKER_HOME");
		return false;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		ui_error("cannot create a socket: %s; nothing was started", strerror(errno));
		return false;
	}
	s->report = descriptor_high(pair[0]);
	pair[1] = descriptor_high(pair[1]);
	pidfd = descriptor_high((int)syscall(SYS_pidfd_open, recorder, 0));
	s->sender = sender_start(&(struct sender_options){
		.path = path,
		.file = file->fd,
		.report = pair[1],
		.recorder = pidfd,
		.to = s->listen < 0 ? s->address.text : NULL,
		.listen = s->listen,
		.client = s->client,
		.is_spool = file->is_spool,
	});
	if (s->sender < 0)
		ui_error("cannot start the sender: %s; nothing was started", strerror(errno));
	close(pair[1]);
	if (pidfd >= 0)
		close(pidfd);
	if (s->client >= 0)
		close(s->client);
	if (s->listen >= 0)
		close(s->listen);
	return s->sender > 0;
}

void streaming_cancel(struct streaming *s)
{
	if (!s->is_on)
		return;
	if (s->sender > 0) {
		kill(s->sender, SIGKILL);
		while (waitpid(s->sender, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (s->listen >= 0)
		address_remove(&s->address);
	streaming_leave(s);
}

void streaming_leave(struct streaming *s)
{
	if (s->report >= 0)
		close(s->report);
	s->report = -1;
}

static void say_unsent(const struct streaming *s, const struct capture_file *file, const struct stream_report *r)
{
	char has[32], all[32];
	const char *const rest = file->is_spool ? "the rest is lost; with -o FILE tracker run keeps the capture, too" : "the file here has all of it";

	ui_size(has, sizeof(has), (int64_t)r->has, false);
	ui_size(all, sizeof(all), (int64_t)r->file_bytes, false);
	if (!s->address.text[0] || !r->why[0])
		fprintf(stderr, "tracker: the sender died, so the capture was not sent completely; %s\n", rest);
	else
		fprintf(stderr, "tracker: %s of the capture's %s were sent (%s): %.*s; %s\n", has, all, s->address.text, (int)sizeof(r->why), r->why, rest);
}

void streaming_finish(struct streaming *s, const struct capture_file *file, bool quiet)
{
	struct stream_report r = { .is_whole = false };
	char size[32];
	ssize_t n;

	if (s->report < 0)
		return;
	do
		n = recv(s->report, &r, sizeof(r), 0);
	while (n < 0 && errno == EINTR);
	streaming_leave(s);
	if (n != (ssize_t)sizeof(r))
		r = (struct stream_report){ .is_whole = false };
	if (!r.is_whole)
		say_unsent(s, file, &r);
	else if (!quiet)
		fprintf(stderr, "tracker: sent the capture (%s)\n", ui_size(size, sizeof(size), (int64_t)r.file_bytes, false));
}
