/* live_stream - see live_stream.h. */
#include "live_stream.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/run/capture_file.h"
#include "tools/stream/incoming.h"

#define CONNECT_MS 10000
#define TURN_MS 200
#define SILENT_MS 30000u /* the other side says something every 5 s */
#define STEP_MS 20

struct live_stream {
	struct capture_file file;
	int socket;
	struct incoming in; /* the thread's */
	pthread_mutex_t lock; /* of what follows */
	uint64_t bytes; /* of the capture that are here */
	uint64_t heard_ms;
	bool begun, over, whole;
	const char *why; /* it is over before its end */
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- what comes ---- */

static void end(struct live_stream *s, const char *why)
{
	pthread_mutex_lock(&s->lock);
	s->over = true;
	s->why = why;
	pthread_mutex_unlock(&s->lock);
}

/* Answers are few, and short. */
static void answer(struct live_stream *s, enum stream_code code, uint64_t bytes)
{
	uint8_t a[STREAM_ANSWER_BYTES];

	stream_answer_encode(&(struct stream_answer){ .code = code, .bytes = bytes }, a);
	(void)!send(s->socket, a, sizeof(a), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void keep(struct live_stream *s, const uint8_t *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		const ssize_t n = pwrite(s->file.fd, bytes + done, size - done, (off_t)(s->bytes + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			end(s, "what comes cannot be kept: the disk is full, or TMPDIR is no folder for large files");
			return;
		}
		done += (size_t)n;
	}
	pthread_mutex_lock(&s->lock);
	s->bytes += size;
	s->begun = true;
	s->heard_ms = now_ms();
	pthread_mutex_unlock(&s->lock);
}

static void take_hello(struct live_stream *s)
{
	if (s->in.hello.kept) {
		answer(s, STREAM_GONE, 0);
		end(s, "a receiver that came before has the beginning of this recording, and it is not kept there");
		return;
	}
	keep(s, s->in.hello.header, TRK_HEADER_BYTES);
	answer(s, STREAM_GO_ON, TRK_HEADER_BYTES);
}

static void take_end(struct live_stream *s)
{
	if (s->in.file_bytes != s->bytes) {
		end(s, "its capture has another length than what has come");
		return;
	}
	answer(s, STREAM_DONE, s->bytes);
	pthread_mutex_lock(&s->lock);
	s->whole = true;
	pthread_mutex_unlock(&s->lock);
	end(s, "");
}

static void take_part(struct live_stream *s, enum incoming_part part)
{
	switch (part) {
	case INCOMING_MORE:
	case INCOMING_PING:
		return;
	case INCOMING_HELLO:
		take_hello(s);
		return;
	case INCOMING_BYTES:
		keep(s, s->in.bytes, s->in.byte_count);
		return;
	case INCOMING_END:
		take_end(s);
		return;
	case INCOMING_BAD:
		end(s, s->begun ? s->in.why : "what listens there is no program that tracker records");
		return;
	}
}

/* False: nothing more can be read now. */
static bool hear(struct live_stream *s)
{
	size_t room = 0;
	uint8_t *const to = incoming_room(&s->in, &room);
	const ssize_t n = to ? recv(s->socket, to, room, MSG_DONTWAIT) : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		end(s, to ? "Remote has disconnected" : "out of memory");
		return false;
	}
	take_part(s, incoming_took(&s->in, (size_t)n));
	return !s->over;
}

static void *take_all(void *stream)
{
	struct live_stream *const s = stream;
	uint64_t heard_ms = now_ms();

	while (!s->over) {
		struct pollfd p = { .fd = s->socket, .events = POLLIN };

		if (poll(&p, 1, TURN_MS) > 0) {
			heard_ms = now_ms();
			while (hear(s))
				;
		} else if (s->begun && now_ms() - heard_ms >= SILENT_MS) {
			end(s, "Remote has disconnected: nothing came for 30 s");
		}
	}
	close(s->socket);
	incoming_end(&s->in);
	return NULL;
}

/* ---- for the view ---- */

static int connect_there(const struct address *to, int *ret)
{
	const int fd = address_connect(to);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int error = ETIMEDOUT;
	socklen_t size = sizeof(error);

	if (fd < 0)
		return errno;
	if (poll(&p, 1, CONNECT_MS) > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error)
		close(fd);
	else
		*ret = fd;
	return error;
}

int live_stream_open(struct live_stream **ret, const struct address *to)
{
	struct live_stream *const s = calloc(1, sizeof(*s));
	pthread_t thread;
	int error = s ? connect_there(to, &s->socket) : ENOMEM;

	if (error) {
		free(s);
		return error;
	}
	pthread_mutex_init(&s->lock, NULL);
	incoming_begin(&s->in);
	s->heard_ms = now_ms();
	error = !capture_file_open_spool(&s->file) ? EIO : pthread_create(&thread, NULL, take_all, s);
	if (error) {
		close(s->socket);
		capture_file_discard(&s->file);
		free(s);
		return error;
	}
	pthread_detach(thread);
	*ret = s;
	return 0;
}

void live_stream_settle(struct live_stream *s, unsigned quiet_ms, unsigned most_ms)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000l };
	const uint64_t begun_ms = now_ms();
	bool settled = false;

	while (!settled && now_ms() - begun_ms < most_ms) {
		nanosleep(&step, NULL);
		pthread_mutex_lock(&s->lock);
		settled = s->over || (s->begun && now_ms() - s->heard_ms >= quiet_ms);
		pthread_mutex_unlock(&s->lock);
	}
}

enum live_stream_state live_stream_now(struct live_stream *s, char *path, size_t path_room, char *why, size_t why_room)
{
	enum live_stream_state state;

	pthread_mutex_lock(&s->lock);
	state = !s->over ? (s->begun ? LIVE_STREAM_GOES_ON : LIVE_STREAM_BEFORE) : s->whole ? LIVE_STREAM_WHOLE :
											      LIVE_STREAM_CUT;
	snprintf(why, why_room, "%s", s->over ? s->why : "");
	*path = 0;
	if (s->begun)
		snprintf(path, path_room, "/proc/self/fd/%d", s->file.fd);
	pthread_mutex_unlock(&s->lock);
	return state;
}
