/*
 * tracker-receive - writes the capture of a program that runs elsewhere.
 *
 * The program's side tells what it has (a hello), is answered how many bytes are here, and sends what follows, block by
 * block. Each is checked before it is written, and acknowledged afterwards. A connection may end at any time: the next
 * one goes on. One recording is received; whoever comes with another is sent away.
 */
#include "tools/stream/address.h"
#include "tools/stream/incoming.h"
#include "tools/stream/received_file.h"
#include "ui/ui.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS_NS 1000000ull
#define PEERS 8u
#define LINES_MOST 20u /* about peers that were sent away */
#define TURN_MS 200
#define HELLO_MS 10000
#define SILENT_MS 30000
#define AGAIN_MS 100
#define ACCEPTED_MS 1000
#define LINGER_MS 3000 /* for a sender who has not heard yet that all of its capture is here */
#define TAKE_PARTS 64u /* of one peer, before others have their turn */

struct peer {
	int socket; /* -1: none */
	struct incoming in;
	uint64_t heard_ms;
	bool owes; /* an answer is to be sent */
	uint8_t answer[STREAM_ANSWER_BYTES];
	size_t answer_sent; /* of one that is on its way; 0: none is */
};

struct receiver {
	struct kept kept;
	struct address address;
	int listen; /* -1: it connects */
	struct peer peers[PEERS], *current;
	uint64_t alone_ms, wait_ms; /* without a peer since then; UINT64_MAX: for ever */
	uint64_t again_ms;
	unsigned lines;
	const char *last_why; /* of a peer that was sent away: it may come again and again */
	uint64_t whole_ms; /* the capture is whole since then; 0: it is not */
	bool over;
	int status;
	int last_error; /* errno of the last attempt to connect */
};

static const char *output, *listen_text, *wait_text;
static bool force, quiet;
static uint64_t most;

static const struct ui_option options[] = {
	{ 'o', "output", UI_STRING, &output, "FILE", "write the capture to FILE; an unfinished one goes on", 0, 0 },
	{ 'f', "force", UI_FLAG, &force, NULL, "overwrite FILE", 0, 0 },
	{ 0, "listen", UI_STRING, &listen_text, "ADDRESS", "wait there for tracker run --send-to", 0, 0 },
	{ 0, "wait", UI_STRING, &wait_text, "TIME", "end when nobody was connected for TIME (10s; with --listen inf)", 0, 0 },
	{ 0, "max-size", UI_SIZE, &most, "SIZE", "end before FILE becomes larger than SIZE (100M)", TRK_HEADER_BYTES, 0 },
	{ 'q', "quiet", UI_FLAG, &quiet, NULL, "print nothing but errors", 0, 0 },
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-receive",
	.usage = "[options] -o FILE [ADDRESS]",
	.summary = "Writes the capture of a program that runs elsewhere.",
	.details = "ADDRESS is the path of a Unix socket (with a slash), HOST:PORT, or PORT of this host.\n"
		   "\n"
		   "Examples:\n"
		   "  tracker receive --listen /run/app.sock -o app.bin    here, and where the program runs:\n"
		   "  tracker run --send-to /run/app.sock -- ./app\n"
		   "\n"
		   "  tracker run --live-remote --live-port 4711 -- ./app  there, and here:\n"
		   "  tracker receive -o app.bin 4711\n",
	.options = options,
	.max_operands = 1,
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / MS_NS;
}

static void finish(struct receiver *r, int status)
{
	r->over = true;
	r->status = status;
}

/* ---- peers ---- */

static void forget(struct receiver *r, struct peer *p)
{
	close(p->socket);
	incoming_end(&p->in);
	p->socket = -1;
	if (r->current == p) {
		r->current = NULL;
		r->alone_ms = now_ms();
	}
}

static void send_away(struct receiver *r, struct peer *p, enum stream_code code, const char *why)
{
	uint8_t answer[STREAM_ANSWER_BYTES];

	stream_answer_encode(&(struct stream_answer){ .code = code, .bytes = r->kept.bytes }, answer);
	(void)!send(p->socket, answer, sizeof(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (why && why != r->last_why && r->lines < LINES_MOST)
		ui_warn("a peer was sent away: %s", why);
	if (why && why != r->last_why && ++r->lines == LINES_MOST)
		ui_warn("further ones are not told of");
	r->last_why = why ? why : r->last_why;
	forget(r, p);
}

static struct peer *free_place(struct receiver *r)
{
	struct peer *oldest = NULL;

	for (size_t i = 0; i < PEERS; i++) {
		struct peer *const p = &r->peers[i];

		if (p->socket < 0)
			return p;
		if (p != r->current && (!oldest || p->heard_ms < oldest->heard_ms))
			oldest = p;
	}
	forget(r, oldest);
	return oldest;
}

static void welcome(struct receiver *r, int socket)
{
	struct peer *const p = free_place(r);

	*p = (struct peer){ .socket = socket, .heard_ms = now_ms() };
	incoming_begin(&p->in);
	address_watch_peer(socket);
}

static void accept_one(struct receiver *r)
{
	const int fd = accept4(r->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		welcome(r, fd);
}

static void connect_again(struct receiver *r)
{
	int fd;

	if (now_ms() < r->again_ms)
		return;
	r->again_ms = now_ms() + AGAIN_MS;
	fd = address_connect(&r->address);
	if (fd < 0)
		r->last_error = errno;
	else
		welcome(r, fd);
}

/* Only the newest count of bytes matters, so there is at most one answer on its way. */
static void answer(struct receiver *r, struct peer *p)
{
	ssize_t n;

	if (!p->answer_sent)
		stream_answer_encode(&(struct stream_answer){ .code = r->whole_ms ? STREAM_DONE : STREAM_GO_ON, .bytes = r->kept.bytes }, p->answer);
	n = send(p->socket, p->answer + p->answer_sent, STREAM_ANSWER_BYTES - p->answer_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		forget(r, p);
		return;
	}
	if (n < 0)
		return;
	p->answer_sent += (size_t)n;
	if (p->answer_sent == STREAM_ANSWER_BYTES) {
		p->answer_sent = 0;
		p->owes = false;
	}
}

/* ---- what they say ---- */

static void cannot_write(struct receiver *r, struct peer *p)
{
	const char *const path = r->kept.file.temporary[0] ? r->kept.file.temporary : r->kept.file.path;

	if (r->kept.is_full)
		ui_error("%s would become larger than --max-size; it holds what came before", path);
	else
		ui_error("cannot write %s: %s; it holds what came before", path, strerror(errno));
	send_away(r, p, STREAM_FULL, NULL);
	finish(r, UI_CANNOT);
}

static void take_hello(struct receiver *r, struct peer *p)
{
	struct kept *const k = &r->kept;
	const struct stream_hello *const h = &p->in.hello;

	if (k->begun && memcmp(k->header, h->header, TRK_HEADER_BYTES)) {
		send_away(r, p, STREAM_OTHER, "it sends another recording");
		return;
	}
	if (h->kept > (k->begun ? k->bytes : 0)) {
		send_away(r, p, STREAM_GONE, "it has not kept the beginning of its recording, which is not in FILE");
		return;
	}
	if (!k->begun && !kept_begin(k, h->header)) {
		cannot_write(r, p);
		return;
	}
	if (r->current) /* the same program has lost that connection, or will notice that it has */
		forget(r, r->current);
	r->current = p;
	p->owes = true;
}

static void take_end(struct receiver *r, struct peer *p)
{
	if (p->in.file_bytes != r->kept.bytes) {
		send_away(r, p, STREAM_DAMAGED, "its capture has another length than what it has sent");
		return;
	}
	if (!r->whole_ms)
		r->whole_ms = now_ms();
	p->owes = true;
}

static void take_part(struct receiver *r, struct peer *p, enum incoming_part part)
{
	switch (part) {
	case INCOMING_MORE:
		return;
	case INCOMING_HELLO:
		take_hello(r, p);
		return;
	case INCOMING_BYTES:
		if (!kept_add(&r->kept, p->in.bytes, p->in.byte_count)) {
			cannot_write(r, p);
			return;
		}
		break;
	case INCOMING_PING:
		if (!r->whole_ms)
			break;
		finish(r, UI_OK); /* it has heard that all of it is here */
		return;
	case INCOMING_END:
		take_end(r, p);
		return;
	case INCOMING_BAD:
		send_away(r, p, STREAM_DAMAGED, p->in.why);
		return;
	}
	p->owes = true;
}

static void hear(struct receiver *r, struct peer *p)
{
	for (unsigned parts = 0; parts < TAKE_PARTS && p->socket >= 0 && !r->over; parts++) {
		size_t room = 0;
		uint8_t *const to = incoming_room(&p->in, &room);
		const ssize_t n = to ? recv(p->socket, to, room, MSG_DONTWAIT) : 0;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			if (n < 0)
				r->last_error = errno;
			forget(r, p);
			return;
		}
		p->heard_ms = now_ms();
		take_part(r, p, incoming_took(&p->in, (size_t)n));
	}
}

/* ---- the whole ---- */

/* Half-open connections, and peers that connect and say nothing. A program to which this one connects may begin later. */
static void forget_silent(struct receiver *r)
{
	const uint64_t now = now_ms();

	for (size_t i = 0; i < PEERS; i++) {
		struct peer *const p = &r->peers[i];

		if (p->socket >= 0 && (p == r->current ? now - p->heard_ms >= SILENT_MS : r->listen >= 0 && now - p->heard_ms >= HELLO_MS))
			forget(r, p);
	}
}

static bool has_peer(const struct receiver *r)
{
	for (size_t i = 0; i < PEERS; i++)
		if (r->peers[i].socket >= 0)
			return true;
	return false;
}

/* Connected to a program whose recording has not begun yet, and not to somebody who closes each connection at once. */
static bool waits_for_begin(const struct receiver *r)
{
	struct sockaddr_storage s;
	socklen_t size = sizeof(s);
	const struct peer *const p = &r->peers[0];

	return p->socket >= 0 && now_ms() - p->heard_ms >= ACCEPTED_MS && getpeername(p->socket, (struct sockaddr *)&s, &size) == 0;
}

static void turn(struct receiver *r)
{
	struct pollfd f[PEERS + 1] = { { .fd = r->listen, .events = POLLIN } };

	for (size_t i = 0; i < PEERS; i++)
		f[i + 1] = (struct pollfd){ .fd = r->peers[i].socket, .events = (short)(POLLIN | (r->peers[i].owes ? POLLOUT : 0)) };
	if (poll(f, PEERS + 1, has_peer(r) || r->listen >= 0 ? TURN_MS : AGAIN_MS) <= 0)
		return;
	for (size_t i = 0; i < PEERS && !r->over; i++) {
		struct peer *const p = &r->peers[i];

		/* an earlier one in this loop may have put another peer in its place */
		if (p->socket < 0 || p->socket != f[i + 1].fd)
			continue;
		if (f[i + 1].revents & (POLLIN | POLLHUP | POLLERR))
			hear(r, p);
		if (p->socket >= 0 && p->owes && !r->over)
			answer(r, p);
	}
	if (f[0].revents & POLLIN && !r->over)
		accept_one(r);
}

static void tell_left(struct receiver *r)
{
	const char *const path = r->kept.file.path;

	if (r->kept.begun)
		ui_error("%s; %s holds what came before: the same command goes on with it", interrupted ? "interrupted" : "the connection was lost", path);
	else if (!interrupted && r->listen >= 0)
		ui_error("no program came to %s", r->address.text);
	else if (!interrupted)
		ui_error("cannot connect to %s: %s", r->address.text, strerror(r->last_error ? r->last_error : ETIMEDOUT));
	finish(r, UI_CANNOT);
}

static void receive(struct receiver *r)
{
	r->alone_ms = now_ms();
	while (!r->over) {
		if (r->listen < 0 && !has_peer(r))
			connect_again(r);
		if (r->listen < 0 && waits_for_begin(r))
			r->alone_ms = now_ms();
		turn(r);
		forget_silent(r);
		if (r->over)
			break;
		if (r->whole_ms && (interrupted || now_ms() - r->whole_ms >= LINGER_MS))
			finish(r, UI_OK);
		else if (interrupted || (!r->current && r->wait_ms != UINT64_MAX && now_ms() - r->alone_ms >= r->wait_ms))
			tell_left(r);
	}
}

static bool check(struct receiver *r, const char *operand)
{
	uint64_t wait_ns = 10000 * MS_NS;
	char why[ADDRESS_WHY];

	if (!output) {
		ui_error("argument -o/--output: name the file that the capture is written to");
		return false;
	}
	if (!listen_text == !operand) {
		ui_error(operand ? "argument --listen: not allowed with an ADDRESS to connect to" :
				   "name the ADDRESS at which a program waits, or with --listen the one at which to wait for one");
		return false;
	}
	if (!address_parse(&r->address, operand ? operand : listen_text, why)) {
		ui_error("%s%s", operand ? "" : "argument --listen: ", why);
		return false;
	}
	if (wait_text && strcmp(wait_text, "inf") && !ui_parse_duration(wait_text, &wait_ns)) {
		ui_error("argument --wait: '%s' is an invalid duration; use 500ms, 10s, 1m or inf", wait_text);
		return false;
	}
	r->wait_ms = wait_text ? (strcmp(wait_text, "inf") ? wait_ns / MS_NS : UINT64_MAX) : (listen_text ? UINT64_MAX : wait_ns / MS_NS);
	return true;
}

static bool open_listener(struct receiver *r)
{
	if (!listen_text)
		return true;
	r->listen = address_listen(&r->address);
	if (r->listen < 0) {
		ui_error("cannot listen on %s: %s", r->address.text, strerror(errno));
		return false;
	}
	if (!quiet)
		fprintf(stderr, "tracker: waiting for a program on %s\n", r->address.text);
	return true;
}

static void catch_signals(void)
{
	const struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

int main(int argc, char **argv)
{
	static struct receiver r;
	char size[32];
	int first;

	r.listen = -1;
	for (size_t i = 0; i < PEERS; i++)
		r.peers[i].socket = -1;
	ui_set_program(command.name);
	first = ui_parse(&command, argc, argv, false);
	if (!check(&r, first < argc ? argv[first] : NULL))
		return UI_USAGE;
	r.kept.most = most;
	if (!kept_open(&r.kept, output, force))
		return UI_CANNOT;
	catch_signals();
	if (!open_listener(&r)) {
		kept_close(&r.kept);
		return UI_CANNOT;
	}
	receive(&r);
	kept_close(&r.kept);
	if (r.listen >= 0)
		address_remove(&r.address);
	if (!r.status && !quiet)
		fprintf(stderr, "tracker: wrote %s (%s)\n", output, ui_size(size, sizeof(size), (int64_t)r.kept.bytes, false));
	return r.status;
}
