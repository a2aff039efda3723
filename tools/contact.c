/* contact - see contact.h. */
#include "contact.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ui/ui.h"

#define STATUS_MS 2000 /* a recorder answers between two rounds */
#define SUFFIX ".sock"
/* So often, and after so long, a program is looked for whose recorder begins or ends just now. */
#define TRIES 200u
#define BETWEEN_US 10000
#define TRIES_OF_PROGRAM 20u /* if nothing but its being there speaks for a recorder */

/* ---- where ---- */

/* Nobody else could have put sockets there. */
static bool is_private(const char *path, uid_t owner)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == owner && !(st.st_mode & 077);
}

static bool make_private(const char *path)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return false;
	if (is_private(path, geteuid()))
		return true;
	errno = EACCES;
	return false;
}

#define PLACES 4u

/* The i-th place of the folder. False: that place does not exist here. */
static bool place(unsigned i, char *ret, size_t room)
{
	const char *const runtime = getenv("XDG_RUNTIME_DIR");
	const unsigned uid = geteuid();
	int n = -1;

	switch (i) {
	case 0:
		if (runtime && runtime[0] == '/')
			n = snprintf(ret, room, "%s/tracker", runtime);
		break;
	case 1:
		n = snprintf(ret, room, "/run/user/%u/tracker", uid);
		break;
	case 2:
		if (!uid)
			n = snprintf(ret, room, "/run/tracker");
		break;
	case 3:
		n = snprintf(ret, room, "/tmp/tracker-%u", uid);
		break;
	}
	/* room for the name of a socket in it */
	return n > 0 && (size_t)n < room && (size_t)n + sizeof("/4294967295" SUFFIX) <= sizeof(((struct sockaddr_un *)0)->sun_path);
}

bool contact_folder(char *ret, size_t room)
{
	errno = ENOENT;
	for (unsigned i = 0; i < PLACES; i++)
		if (place(i, ret, room) && make_private(ret))
			return true;
	return false;
}

static bool address_of(struct sockaddr_un *ret, const char *folder, const char *name)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return (size_t)snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/%s", folder, name) < sizeof(ret->sun_path);
}

bool contact_address(struct sockaddr_un *ret, const char *folder, pid_t recorder)
{
	char name[32];

	snprintf(name, sizeof(name), "%d" SUFFIX, (int)recorder);
	return address_of(ret, folder, name);
}

/* ---- asking ---- */

static int connect_to(const struct sockaddr_un *to)
{
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		const int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static bool send_request(int fd, const struct contact_request *q, int descriptor)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec text = { (void *)q, sizeof(*q) };
	struct msghdr m = { .msg_iov = &text, .msg_iovlen = 1 };

	if (descriptor >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);

		struct cmsghdr *const c = CMSG_FIRSTHDR(&m);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &descriptor, sizeof(descriptor));
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL) == (ssize_t)sizeof(*q);
}

/* What comes from outside ends, whatever it holds. */
static void terminate(struct contact_answer *a)
{
	a->sentence[sizeof(a->sentence) - 1] = 0;
	a->status.file[sizeof(a->status.file) - 1] = 0;
	a->status.command[sizeof(a->status.command) - 1] = 0;
}

static int receive_answer(int fd, int timeout_ms, struct contact_answer *ret)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? errno : ETIMEDOUT;

	const ssize_t bytes = recv(fd, ret, sizeof(*ret), 0);

	if (bytes < 0)
		return errno;
	if (!bytes)
		return ECONNRESET;
	if (bytes != (ssize_t)sizeof(*ret) || ret->version != CONTACT_VERSION)
		return EPROTO;
	terminate(ret);
	return 0;
}

/* ret_user: who listens there; the kernel knows it since then. */
static int ask(const struct sockaddr_un *to, const struct contact_request *q, int descriptor, int timeout_ms, struct contact_answer *ret, uid_t *ret_user)
{
	const int fd = connect_to(to);
	struct ucred peer;
	socklen_t room = sizeof(peer);
	int error;

	if (fd < 0)
		return errno;
	error = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &room) < 0 || !send_request(fd, q, descriptor) ? errno : receive_answer(fd, timeout_ms, ret);
	if (!error)
		*ret_user = peer.uid;
	close(fd);
	return error;
}

int contact_ask(const struct sockaddr_un *to, const struct contact_request *q, int descriptor, int timeout_ms, struct contact_answer *ret)
{
	uid_t unused;

	return ask(to, q, descriptor, timeout_ms, ret, &unused);
}

/* ---- whom to believe ---- */

/* The user of the process, or one of those that it has been and can be again. False, too: it has ended. */
static bool runs_as(pid_t pid, uid_t user)
{
	char path[64], line[256];
	unsigned of[4] = { 0 };
	bool is = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Uid: %u %u %u %u", &of[0], &of[1], &of[2], &of[3]) == 4)
			is = of[0] == user || of[1] == user || of[2] == user || of[3] == user;
	if (f)
		fclose(f);
	return is;
}

/* Root's recorders, one's own, and those of the user of that process. */
static bool may_speak_for(uid_t user, pid_t pid)
{
	return !user || user == geteuid() || runs_as(pid, user);
}

/* The process that writes the file holds a lock on it (recorder_lock). */
static bool may_write(uid_t user, const char *path)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const bool is_locked = fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

	if (fd >= 0)
		close(fd);
	return !user || user == geteuid() || (is_locked && lock.l_pid > 0 && runs_as(lock.l_pid, user));
}

/* ---- all of them ---- */

struct asking {
	pid_t pid;
	void (*each)(void *data, const struct contact *c);
	void *data;
	size_t silent;
	size_t between; /* keepers of that program, whose recorder has not begun yet, or is about to end */
};

static void ask_one(struct asking *a, const char *folder, const char *name)
{
	const struct contact_request q = { .version = CONTACT_VERSION, .kind = CONTACT_STATUS, .pid = (uint32_t)a->pid };
	struct contact c;
	uid_t user = (uid_t)-1;
	int error;

	if (!address_of(&c.address, folder, name))
		return;
	error = ask(&c.address, &q, -1, STATUS_MS, &c.answer, &user);
	if (!error) {
		c.answer.status.uid = user;
		c.answer.status.knows_pid &= may_speak_for(user, a->pid);
	}
	if (!error && !c.answer.error)
		a->each(a->data, &c);
	else if (!error)
		a->between += c.answer.error == EBUSY && c.answer.status.knows_pid;
	else if (error == ECONNREFUSED) /* its recorder was killed */
		unlink(c.address.sun_path);
	else if (error != ENOENT && error != ECONNRESET) /* it ended while it was asked */
		a->silent++;
}

static bool is_socket_name(const char *name)
{
	const size_t digits = strspn(name, "0123456789");

	return digits && !strcmp(name + digits, SUFFIX);
}

static void ask_folder(struct asking *a, const char *folder)
{
	DIR *const d = opendir(folder);

	for (const struct dirent *e; d && (e = readdir(d));)
		if (is_socket_name(e->d_name))
			ask_one(a, folder, e->d_name);
	if (d)
		closedir(d);
}

/* Those of other users, for root: a user's own folders only, because others could answer in his place. */
static void ask_others(struct asking *a, const char *pattern)
{
	glob_t found = { 0 };

	if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++) {
			struct stat st;

			if (lstat(found.gl_pathv[i], &st) == 0 && st.st_uid != geteuid() && is_private(found.gl_pathv[i], st.st_uid))
				ask_folder(a, found.gl_pathv[i]);
		}
	globfree(&found);
}

static void ask_all(struct asking *a)
{
	char folder[PLACES][PATH_MAX];

	for (unsigned i = 0; i < PLACES; i++) {
		bool again = false;

		if (!place(i, folder[i], sizeof(folder[i])))
			folder[i][0] = 0;
		for (unsigned j = 0; j < i; j++)
			again |= !strcmp(folder[i], folder[j]);
		if (!again && is_private(folder[i], geteuid()))
			ask_folder(a, folder[i]);
	}
	if (!geteuid()) {
		ask_others(a, "/run/user/*/tracker");
		ask_others(a, "/tmp/tracker-*");
	}
}

size_t contact_each(pid_t pid, void (*each)(void *data, const struct contact *c), void *data)
{
	struct asking a = { .pid = pid, .each = each, .data = data };

	ask_all(&a);
	return a.silent;
}

/* ---- one of them ---- */

struct search {
	pid_t pid; /* 0: by the file */
	const char *path;
	struct stat file;
	struct contact *found;
	size_t count;
};

static void compare(void *data, const struct contact *c)
{
	struct search *const s = data;
	const struct contact_status *const t = &c->answer.status;
	struct stat st;
	bool same;

	if (s->pid)
		same = t->knows_pid || (t->recorder == (uint32_t)s->pid && may_speak_for(t->uid, s->pid));
	else
		same = t->file[0] && stat(t->file, &st) == 0 && st.st_dev == s->file.st_dev && st.st_ino == s->file.st_ino && may_write(t->uid, s->path);
	if (same && !s->count++)
		*s->found = *c;
}

static bool explain(const char *who, const struct search *s, size_t silent)
{
	if (s->count > 1)
		ui_error("%s: %zu recordings have this program; name one by the pid of its recorder, which tracker list shows", who, s->count);
	else if (silent)
		ui_error("%s: no recorder that answers records this; %zu did not answer: it may be of another version of tracker, or stopped", who, silent);
	else if (s->pid)
		ui_error("%s: no program with this pid is being recorded; tracker list shows what is", who);
	else
		ui_error("%s: no recorder is writing this file; tracker list shows what is being recorded", who);
	return false;
}

/* Whether a recorder may be about to listen: the file is locked (recorder_lock), or the program runs. */
static bool may_come(const char *who, const struct search *s, unsigned tries)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int fd;
	bool held;

	if (s->pid)
		return tries < TRIES_OF_PROGRAM && (kill(s->pid, 0) == 0 || errno != ESRCH);
	fd = open(who, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	held = fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	if (fd >= 0)
		close(fd);
	return held;
}

bool contact_find(const char *who, struct contact *ret)
{
	struct search s = { .path = who, .found = ret };
	struct asking a;
	char *end;
	const long pid = strtol(who, &end, 10);

	if (*who >= '0' && *who <= '9' && !*end && pid > 0 && pid <= INT_MAX) {
		s.pid = (pid_t)pid;
	} else if (stat(who, &s.file) < 0) {
		ui_error("%s: %s; it should be the pid of a recorded program, or the file of its capture", who, strerror(errno));
		return false;
	}
	a = (struct asking){ .pid = s.pid, .each = compare, .data = &s };
	for (unsigned tries = 0; tries < TRIES; tries++) {
		a.silent = a.between = s.count = 0;
		ask_all(&a);
		if (s.count || !(a.between || may_come(who, &s, tries)))
			break;
		usleep(BETWEEN_US);
	}
	return s.count == 1 || explain(who, &s, a.silent);
}
