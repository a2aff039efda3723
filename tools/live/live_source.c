/* live_source - see live_source.h. */
#include "live_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "replay/refusal.h"
#include "ui/ui.h"

#define ANSWER_MS 30000 /* a recorder with very many live blocks counts so long at most */
#define SNAPSHOT_MS 600000
#define AWAIT_MS 5000u
#define AWAIT_STEP_MS 20u
#define PORT_MOST 65535l

const char *live_state_name(enum live_state state)
{
	static const char *const names[] = {
		[LIVE_RECORDING] = "recording",
		[LIVE_WAITING] = "waiting",
		[LIVE_ENDED] = "ended",
		[LIVE_BROKEN] = "broken",
		[LIVE_LEFT] = "disconnected",
		[LIVE_FILE] = "file",
	};

	return names[state];
}

/* ---- opening ---- */

static int cannot_open(const char *path, const struct trk_fault *fault, int error)
{
	char words[REFUSAL_ROOM];

	ui_error("%s", refusal_words(path, fault, error, NULL, words));
	return UI_CANNOT;
}

static void take_status(struct live_source *s)
{
	s->state = s->contact.answer.status.state == CONTACT_WAITING ? LIVE_WAITING : LIVE_RECORDING;
	snprintf(s->file, sizeof(s->file), "%s", s->contact.answer.status.file);
}

static int find_recorder(struct live_source *s, const char *who)
{
	if (!contact_find(who, &s->contact))
		return UI_CANNOT;
	take_status(s);
	return UI_OK;
}

int live_source_await(struct live_source *s, pid_t recorder)
{
	const struct contact_request q = { .version = CONTACT_VERSION, .kind = CONTACT_STATUS };
	const struct timespec pause = { .tv_nsec = AWAIT_STEP_MS * 1000000l };
	char folder[sizeof(s->contact.address.sun_path)];

	*s = (struct live_source){ 0 };
	if (!contact_folder(folder, sizeof(folder)) || !contact_address(&s->contact.address, folder, recorder)) {
		ui_error("there is no folder in which the recorder could listen: %s", strerror(errno));
		return UI_CANNOT;
	}
	for (unsigned ms = 0; ms < AWAIT_MS; ms += AWAIT_STEP_MS) {
		if (contact_ask(&s->contact.address, &q, -1, AWAIT_MS, &s->contact.answer) == 0) {
			take_status(s);
			return UI_OK;
		}
		nanosleep(&pause, NULL);
	}
	ui_error("the recorder does not listen on %s: the program runs without a view", s->contact.address.sun_path);
	return UI_CANNOT;
}

static bool is_pid(const char *who)
{
	struct stat st;

	return who[strspn(who, "0123456789")] == 0 && *who && stat(who, &st) < 0;
}

/* A recorder that has just begun has written nothing yet. */
static bool is_empty(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && !st.st_size;
}

/* ---- streams ---- */

static int find_stream(struct live_source *s, const char *who)
{
	struct address to;
	char why[ADDRESS_WHY];
	int error;

	if (!address_parse(&to, who, why)) {
		ui_error("%s", why);
		return UI_USAGE;
	}
	error = live_stream_open(&s->stream, &to);
	if (error)
		ui_error("cannot connect to %s: %s", to.text, strerror(error));
	s->state = LIVE_WAITING;
	return error ? UI_CANNOT : UI_OK;
}

struct known {
	uint32_t pid;
	bool found;
};

static void compare(void *data, const struct contact *c)
{
	struct known *const k = data;

	k->found |= c->answer.status.recorder == k->pid || c->answer.status.knows_pid;
}

/* A number is a pid, unless nobody records such a program, and something listens on that port. */
static bool is_port(const char *who)
{
	struct known k = { .pid = (uint32_t)strtoul(who, NULL, 10) };
	struct address to;
	char why[ADDRESS_WHY];
	int fd;

	(void)contact_each((pid_t)k.pid, compare, &k);
	if (k.found || k.pid > PORT_MOST || !address_parse(&to, who, why))
		return false;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	const bool listens = fd >= 0 && bind(fd, &to.at.any, to.size) < 0 && errno == EADDRINUSE;

	if (fd >= 0)
		close(fd);
	return listens;
}

static bool is_address(const char *who)
{
	struct stat st;
	const char *const colon = strrchr(who, ':');

	if (stat(who, &st) == 0)
		return S_ISSOCK(st.st_mode);
	return colon && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")];
}

int live_source_open(struct live_source *s, const char *who)
{
	struct trk_fault fault = { 0 };
	struct capture *c;
	char pid[16];
	int err;

	*s = (struct live_source){ 0 };
	if (is_address(who) || (is_pid(who) && is_port(who)))
		return find_stream(s, who);
	if (is_pid(who) || is_empty(who))
		return find_recorder(s, who);
	err = capture_open(&c, who, &fault);
	if (err)
		return cannot_open(who, &fault, errno);

	const int recorder = c->recorder;

	capture_close(c);
	if (recorder > 0) /* the name may stand for several files (--rotate) */
		snprintf(pid, sizeof(pid), "%d", recorder);
	if (recorder)
		return find_recorder(s, recorder > 0 ? pid : who);
	s->state = LIVE_FILE;
	snprintf(s->file, sizeof(s->file), "%s", who);
	return UI_OK;
}

/* ---- pictures ---- */

static int open_file(struct live_source *s, struct capture **ret, char why[LIVE_WHY_ROOM])
{
	struct trk_fault fault = { 0 };
	int err;

	if (!s->file[0]) {
		snprintf(why, LIVE_WHY_ROOM, "the capture has no name, so it cannot be read");
		return ENOENT;
	}
	err = capture_open(ret, s->file, &fault);
	if (err) {
		const int error = errno;
		char words[REFUSAL_ROOM];

		snprintf(why, LIVE_WHY_ROOM, "%.900s", refusal_words(s->file, &fault, error, NULL, words));
		return err == TRK_ERR_IO && error ? error : EIO;
	}
	return 0;
}

/* The recorder answers no more. Its file says whether it came to an end. */
static int open_end(struct live_source *s, struct capture **ret, char why[LIVE_WHY_ROOM])
{
	const int error = open_file(s, ret, why);

	s->state = error || (*ret)->complete ? LIVE_ENDED : LIVE_BROKEN;
	return error;
}

static int fetch_stream(struct live_source *s, struct capture **ret, char why[LIVE_WHY_ROOM])
{
	static const enum live_state states[] = {
		[LIVE_STREAM_BEFORE] = LIVE_WAITING, [LIVE_STREAM_GOES_ON] = LIVE_RECORDING, [LIVE_STREAM_WHOLE] = LIVE_ENDED, [LIVE_STREAM_CUT] = LIVE_LEFT
	};
	const enum live_stream_state state = live_stream_now(s->stream, s->file, sizeof(s->file), why, LIVE_WHY_ROOM);
	char cannot[LIVE_WHY_ROOM];
	int error;

	s->state = states[state];
	if (!s->file[0]) {
		if (state == LIVE_STREAM_BEFORE)
			snprintf(why, LIVE_WHY_ROOM, "the recording has not begun yet");
		return state == LIVE_STREAM_BEFORE ? EAGAIN : ECONNRESET;
	}
	error = open_file(s, ret, cannot);
	s->file[0] = 0; /* nobody else can open it */
	if (error)
		memcpy(why, cannot, LIVE_WHY_ROOM);
	else if (state == LIVE_STREAM_WHOLE && !(*ret)->complete)
		s->state = LIVE_BROKEN;
	return error;
}

/* Whether a recorder that answers so is gone. */
static bool is_gone(int error)
{
	return error == ENOENT || error == ECONNREFUSED || error == ECONNRESET || error == EPIPE;
}

static int open_memory(int fd, struct capture **ret, char why[LIVE_WHY_ROOM])
{
	struct trk_fault fault = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (capture_open(ret, path, &fault) == 0)
		return 0;
	snprintf(why, LIVE_WHY_ROOM, "what the recorder wrote cannot be read: %.800s", fault.why);
	return EIO;
}

/* 0: the answer to that is in `why`, which is empty if all is well. */
static int ask(struct live_source *s, int fd, char why[LIVE_WHY_ROOM])
{
	const struct contact_request q = { .version = CONTACT_VERSION, .kind = CONTACT_LIVE };
	const int error = contact_ask(&s->contact.address, &q, fd, ANSWER_MS, &s->contact.answer);
	const struct contact_answer *const a = &s->contact.answer;

	why[0] = 0;
	if (error || a->status.state == CONTACT_FINISHING) {
		snprintf(why, LIVE_WHY_ROOM, "the recorder does not answer: %s", strerror(error));
		return error ? error : ECONNRESET;
	}
	s->state = a->status.state == CONTACT_WAITING ? LIVE_WAITING : LIVE_RECORDING;
	if (a->status.file[0])
		snprintf(s->file, sizeof(s->file), "%s", a->status.file);
	if (a->error)
		snprintf(why, LIVE_WHY_ROOM, "%s", a->sentence);
	return 0;
}

int live_source_fetch(struct live_source *s, struct capture **ret, char why[LIVE_WHY_ROOM])
{
	int fd, error;

	if (s->stream)
		return fetch_stream(s, ret, why);
	if (!live_source_has_recorder(s))
		return open_file(s, ret, why);
	fd = memfd_create("tracker-live", MFD_CLOEXEC);
	if (fd < 0) {
		snprintf(why, LIVE_WHY_ROOM, "no memory for what lives: %s", strerror(errno));
		return ENOMEM;
	}
	error = ask(s, fd, why);
	if (!error && why[0])
		error = EAGAIN;
	else if (!error)
		error = open_memory(fd, ret, why);
	else if (is_gone(error))
		error = open_end(s, ret, why);
	if (!error)
		why[0] = 0;
	close(fd);
	return error;
}

/* ---- orders ---- */

static bool order(const struct live_source *s, const struct contact_request *q, int fd, int timeout_ms, char why[LIVE_WHY_ROOM])
{
	struct contact_answer a = { .error = 0 };
	const int error = s->stream ? ENOTSUP : contact_ask(&s->contact.address, q, fd, timeout_ms, &a);

	if (s->stream)
		snprintf(why, LIVE_WHY_ROOM, "a capture that comes over a socket takes no orders; give the program's pid, on its machine");
	else if (error)
		snprintf(why, LIVE_WHY_ROOM, "the recorder does not answer: %s", strerror(error));
	else if (a.error)
		snprintf(why, LIVE_WHY_ROOM, "%s", a.sentence);
	return !error && !a.error;
}

bool live_source_mark(const struct live_source *s, const char *label, char why[LIVE_WHY_ROOM])
{
	struct contact_request q = { .version = CONTACT_VERSION, .kind = CONTACT_MARK, .text_bytes = (uint32_t)strnlen(label, CONTACT_TEXT) };

	memcpy(q.text, label, q.text_bytes);
	return order(s, &q, -1, ANSWER_MS, why);
}

bool live_source_snapshot(const struct live_source *s, const char *path, char why[LIVE_WHY_ROOM])
{
	const struct contact_request q = { .version = CONTACT_VERSION, .kind = CONTACT_SNAPSHOT };
	const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool done;

	if (fd < 0) {
		snprintf(why, LIVE_WHY_ROOM, "%s cannot be made: %s", path, strerror(errno));
		return false;
	}
	done = order(s, &q, fd, SNAPSHOT_MS, why);
	close(fd);
	if (!done)
		unlink(path);
	return done;
}
