/*
 * tracker-send - sends a capture to one receiver while it is recorded. tracker-run starts it beside the recorder, or a program that captures
 * itself (serving.h).
 *
 * It follows the file that the recorder writes, so neither the recorder nor the program ever waits for a receiver:
 * what a receiver has not taken waits in the file. If a connection is lost, the next one goes on behind what the
 * receiver has.
 */
#include "format/sent_report.h"
#include "tools/stream/address.h"
#include "tools/stream/outgoing.h"
#include "tools/stream/serving.h"
#include "ui/ui.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MS_NS 1000000ull
#define LOOK_FIRST_MS 5 /* for what was written meanwhile; ever less often while nothing is */
#define LOOK_MOST_MS 200
#define AGAIN_FIRST_MS 20 /* until the next attempt to connect, likewise */
#define AGAIN_MOST_MS 2000
#define PING_MS 5000
#define ANSWER_MS 15000 /* for an answer to the hello */
#define GIVE_UP_MS 10000 /* without progress after the end of the recording */
#define GIVE_UP_SOON_MS 1000 /* the same, if a program waits at its end, and nobody is connected */

struct sender {
	struct outgoing out;
	struct address to;
	uint64_t file, report, recorder, listen, client; /* descriptors; 0: none */
	const char *to_text, *at_text;
	uint64_t serve; /* the program that has started this one; then it is `report`, too */
	bool is_spool;

	int socket; /* -1: none */
	bool answered; /* the receiver has said where to go on */
	uint8_t hello[STREAM_HELLO_BYTES], answer[STREAM_ANSWER_BYTES];
	size_t hello_sent, answer_size, part_sent;
	uint64_t has; /* bytes that the receiver has */
	bool done; /* it has said that it has all */
	uint64_t since_ms, again_ms, again_wait_ms, idle_ms, progress_ms;
	int look_ms;
	char why[STREAM_REPORT_WHY]; /* the last connection ended, or none came about */
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / MS_NS;
}

/* ---- connections ---- */

static void drop(struct sender *s, const char *why)
{
	close(s->socket);
	s->socket = -1;
	snprintf(s->why, sizeof(s->why), "%s", why);
	s->again_ms = now_ms() + s->again_wait_ms;
	s->again_wait_ms = s->again_wait_ms * 2 < AGAIN_MOST_MS ? s->again_wait_ms * 2 : AGAIN_MOST_MS;
}

static void greet(struct sender *s, int socket)
{
	struct stream_hello h = { .kept = s->out.given_back };

	memcpy(h.header, s->out.header, sizeof(h.header));
	stream_hello_encode(&h, s->hello);
	s->socket = socket;
	s->hello_sent = s->answer_size = s->part_sent = 0;
	s->out.part_bytes = 0;
	s->answered = false;
	s->since_ms = s->idle_ms = now_ms();
	s->look_ms = LOOK_FIRST_MS;
}

static void try_to_connect(struct sender *s)
{
	const int fd = address_connect(&s->to);

	if (fd >= 0) {
		greet(s, fd);
		return;
	}
	snprintf(s->why, sizeof(s->why), "%s", strerror(errno));
	s->again_ms = now_ms() + s->again_wait_ms;
	s->again_wait_ms = s->again_wait_ms * 2 < AGAIN_MOST_MS ? s->again_wait_ms * 2 : AGAIN_MOST_MS;
}

static void wait_for_client(struct sender *s)
{
	struct pollfd p = { .fd = (int)s->listen, .events = POLLIN };
	int fd;

	if (poll(&p, 1, LOOK_MOST_MS) <= 0)
		return;
	fd = accept4((int)s->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	address_watch_peer(fd);
	greet(s, fd);
}

static void find_receiver(struct sender *s)
{
	const uint64_t now = now_ms();

	if (s->listen) {
		wait_for_client(s);
	} else if (now >= s->again_ms) {
		try_to_connect(s);
	} else {
		poll(NULL, 0, (int)(s->again_ms - now < LOOK_MOST_MS ? s->again_ms - now : LOOK_MOST_MS));
	}
}

/* ---- what the receiver says ---- */

static const char *refusal(enum stream_code code)
{
	static const char *const sentences[STREAM_CODES] = {
		[STREAM_OTHER] = "the receiver is there for another recording",
		[STREAM_GONE] = "the receiver lacks the beginning, which is not here any more",
		[STREAM_FULL] = "the receiver cannot write its file",
		[STREAM_DAMAGED] = "the receiver got damaged bytes",
	};

	return sentences[code];
}

static void take_answer(struct sender *s)
{
	struct stream_answer a;

	if (stream_answer_decode(s->answer, &a) != 0) {
		drop(s, "the other side is no receiver of tracker's");
		return;
	}
	if (a.code == STREAM_DONE && s->out.is_over && a.bytes == s->out.file_bytes) {
		s->has = a.bytes;
		s->done = true;
		return;
	}
	if (a.code != STREAM_GO_ON) {
		drop(s, a.code == STREAM_DONE ? "the receiver has another capture" : refusal(a.code));
		return;
	}
	if ((!s->answered && !outgoing_seek(&s->out, a.bytes)) || a.bytes > s->out.next) {
		drop(s, "the receiver has bytes that are not those of this recording");
		return;
	}
	if (!s->answered || a.bytes > s->has) {
		s->progress_ms = now_ms();
		s->again_wait_ms = AGAIN_FIRST_MS;
	}
	s->answered = true;
	s->has = a.bytes;
	outgoing_give_back(&s->out, a.bytes);
}

/* One answer, or a part of it; false: there is no more to read now. */
static bool hear(struct sender *s)
{
	const ssize_t n = recv(s->socket, s->answer + s->answer_size, STREAM_ANSWER_BYTES - s->answer_size, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		drop(s, n < 0 ? strerror(errno) : "the receiver has closed the connection");
		return false;
	}
	s->answer_size += (size_t)n;
	if (s->answer_size < STREAM_ANSWER_BYTES)
		return true;
	s->answer_size = 0;
	take_answer(s);
	return s->socket >= 0 && !s->done;
}

/* ---- what is sent ---- */

static void say(struct sender *s, const uint8_t *bytes, size_t size, size_t *sent)
{
	const ssize_t n = send(s->socket, bytes + *sent, size - *sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		drop(s, strerror(errno));
		return;
	}
	if (n <= 0)
		return;
	*sent += (size_t)n;
	s->idle_ms = now_ms();
	if (s->answered) /* a peer that takes greetings and no more is no progress */
		s->progress_ms = s->idle_ms;
}

/* Whether something waits to be sent. */
static bool has_more(struct sender *s)
{
	if (s->hello_sent < STREAM_HELLO_BYTES)
		return true;
	if (!s->answered)
		return false;
	if (s->part_sent < s->out.part_bytes)
		return true;
	s->part_sent = 0;
	if (outgoing_next(&s->out)) {
		s->look_ms = LOOK_FIRST_MS;
		return true;
	}
	if (!s->out.is_end && now_ms() - s->idle_ms >= PING_MS)
		outgoing_ping(&s->out);
	s->look_ms = s->look_ms * 2 < LOOK_MOST_MS ? s->look_ms * 2 : LOOK_MOST_MS;
	return s->out.part_bytes;
}

static void talk(struct sender *s)
{
	const bool more = has_more(s);
	struct pollfd p = { .fd = s->socket, .events = (short)(POLLIN | (more ? POLLOUT : 0)) };
	const int n = poll(&p, 1, more ? LOOK_MOST_MS : s->look_ms);

	if (n > 0 && p.revents & (POLLIN | POLLHUP | POLLERR))
		while (hear(s))
			;
	if (s->socket < 0 || s->done)
		return;
	if (n > 0 && p.revents & POLLOUT) {
		if (s->hello_sent < STREAM_HELLO_BYTES)
			say(s, s->hello, STREAM_HELLO_BYTES, &s->hello_sent);
		else
			say(s, s->out.part, s->out.part_bytes, &s->part_sent);
	}
	if (s->socket >= 0 && !s->answered && now_ms() - s->since_ms >= ANSWER_MS)
		drop(s, "the receiver did not answer");
}

/* ---- the whole ---- */

/* tracker-run, or who else has started this program, is there. It says nothing. */
static bool has_owner(const struct sender *s)
{
	struct pollfd p = { .fd = (int)s->report, .events = POLLIN };

	return poll(&p, 1, LOOK_MOST_MS) <= 0;
}

/* False: nothing was recorded. */
static bool wait_for_begin(struct sender *s)
{
	uint64_t alone_ms = 0;

	while (!outgoing_has_header(&s->out)) {
		if (s->out.error)
			return false;
		if (has_owner(s))
			continue;
		if (!alone_ms)
			alone_ms = now_ms();
		if (s->serve) /* a program that has begun has been told so */
			return outgoing_has_header(&s->out);
		if (now_ms() - alone_ms >= GIVE_UP_MS) /* until then the recorder may be about to begin */
			return false;
		poll(NULL, 0, LOOK_FIRST_MS);
	}
	return true;
}

static bool may_go_on(struct sender *s)
{
	if (s->done)
		return false;
	if (s->out.error) {
		snprintf(s->why, sizeof(s->why), "cannot read what was recorded: %s", strerror(s->out.error));
		return false;
	}
	if (s->socket < 0)
		outgoing_look(&s->out);
	if (s->out.is_over)
		return now_ms() - s->progress_ms < (s->serve && s->socket < 0 ? GIVE_UP_SOON_MS : GIVE_UP_MS);
	s->progress_ms = now_ms();
	return true;
}

static void tell_owner(const struct sender *s)
{
	struct stream_report r = { .is_whole = s->done || (s->out.is_over && s->has == s->out.file_bytes), .has = s->has, .file_bytes = s->out.file_bytes };

	snprintf(r.why, sizeof(r.why), "%s", s->why[0] ? s->why : "the receiver took no more of it");
	(void)!send((int)s->report, &r, sizeof(r), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The receiver need not wait for another connection. */
static void say_heard(struct sender *s)
{
	outgoing_ping(&s->out);
	(void)!send(s->socket, s->out.part, s->out.part_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(s->socket);
}

/* Nobody is waited for any more. */
static void remove_socket(const struct sender *s)
{
	struct sockaddr_un u = { 0 };
	socklen_t size = sizeof(u) - 1;

	if (s->listen && getsockname((int)s->listen, (struct sockaddr *)&u, &size) == 0 && u.sun_family == AF_UNIX && u.sun_path[0])
		unlink(u.sun_path);
}

static void run(struct sender *s)
{
	if (!wait_for_begin(s))
		return;
	if (s->client) {
		address_watch_peer((int)s->client);
		greet(s, (int)s->client);
	}
	s->progress_ms = now_ms();
	while (may_go_on(s)) {
		if (s->socket < 0)
			find_receiver(s);
		else
			talk(s);
	}
	if (s->done)
		say_heard(s);
	tell_owner(s);
}

static void ignore_signals(void)
{
	static const int ignored[] = { SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
}

static int parse(struct sender *s, int argc, char **argv)
{
	const struct ui_option options[] = {
		{ 0, "file", UI_UINT, &s->file, "FD", "the capture", 3, INT_MAX },
		{ 0, "report", UI_UINT, &s->report, "FD", "the socket to tracker-run", 3, INT_MAX },
		{ 0, "recorder", UI_UINT, &s->recorder, "FD", "the recorder: the capture is not whole before it has ended", 3, INT_MAX },
		{ 0, "to", UI_STRING, &s->to_text, "ADDRESS", "connect to a receiver there", 0, 0 },
		{ 0, "listen", UI_UINT, &s->listen, "FD", "or wait for one on this socket", 3, INT_MAX },
		{ 0, "client", UI_UINT, &s->client, "FD", "the first one, which is connected already", 3, INT_MAX },
		{ 0, "spool", UI_FLAG, &s->is_spool, NULL, "give back what a receiver has of the capture", 0, 0 },
		{ 0, "serve", UI_UINT, &s->serve, "FD", "the socket to a program that captures itself, instead of all these", 3, INT_MAX },
		{ 0, "at", UI_STRING, &s->at_text, "ADDRESS", "with --serve: wait there for a receiver", 0, 0 },
		{ 0 },
	};
	const struct ui_command command = {
		.name = "tracker-send",
		.usage = "[options]",
		.summary = "send a capture while it is recorded (tracker-run starts it)",
		.options = options,
		.max_operands = 0,
		.is_internal = true,
	};

	return ui_parse(&command, argc, argv, false);
}

static bool serve(struct sender *s)
{
	struct serving v;

	if (!serving_begin(&v, (int)s->serve, s->at_text))
		return false;
	s->report = s->serve;
	s->file = (uint64_t)v.file;
	s->listen = (uint64_t)v.listen;
	s->client = (uint64_t)v.client;
	s->is_spool = true;
	return true;
}

int main(int argc, char **argv)
{
	static struct sender s;
	char why[ADDRESS_WHY];

	s.socket = -1;
	s.again_wait_ms = AGAIN_FIRST_MS;
	ui_set_program("tracker-send");
	parse(&s, argc, argv);
	if (s.serve)
		ignore_signals();
	if (s.serve && !serve(&s))
		return UI_CANNOT;
	if (!s.file || !s.report || !s.listen == !s.to_text) {
		ui_error("tracker run starts this program: use tracker run --send-to ADDRESS PROGRAM");
		return UI_USAGE;
	}
	if (s.to_text && !address_parse(&s.to, s.to_text, why)) {
		ui_error("argument --to: %s", why);
		return UI_USAGE;
	}
	ignore_signals();
	if (!outgoing_begin(&s.out, (int)s.file, s.recorder ? (int)s.recorder : -1, s.is_spool))
		return UI_CANNOT;
	run(&s);
	remove_socket(&s);
	outgoing_release(&s.out);
	return UI_OK;
}
