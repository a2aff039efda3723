/* orders - see orders.h. */
#include "orders.h"
#include "deliver.h"
#include "live_sums.h"
#include "look.h"
#include "order_status.h"
#include "process.h"
#include "tools/contact_served.h"
#include "whole_snapshot.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LABEL_MAX 1000u

/* A request that is being answered. */
struct ordered {
	struct orders *o;
	struct recorder *r;
	struct client *client;
	const struct contact_request *q;
	int descriptor; /* -1: none came; whoever keeps it sets it to -1 */
	struct contact_answer *answer;
	bool waits; /* the answer comes later */
};

__attribute__((format(printf, 3, 4))) static void refuse(struct contact_answer *a, int error, const char *format, ...)
{
	va_list arguments;

	a->error = error;
	va_start(arguments, format);
	vsnprintf(a->sentence, sizeof(a->sentence), format, arguments);
	va_end(arguments);
}

/* ---- what is asked ---- */

static void status(struct ordered *a)
{
	(void)a; /* every answer has it */
}

/* ---- the others ---- */

/* The program that is meant. NULL: it does not run, which the answer says. */
static struct process *program_of(const struct ordered *a)
{
	const struct recorder *const r = a->r;

	for (size_t i = 0; i < r->live_count; i++)
		if (!a->q->pid || a->q->pid == (uint32_t)getpid() || order_status_names(r->live[i], a->q->pid))
			return r->live[i];
	refuse(a->answer, ESRCH, "no program that is recorded runs at this moment");
	return NULL;
}

/* The text of the request. False: it is too long, or empty, which the answer says. */
static bool check_label(const struct ordered *a)
{
	if (a->q->text_bytes && a->q->text_bytes <= LABEL_MAX && !memchr(a->q->text, 0, a->q->text_bytes))
		return true;
	refuse(a->answer, EINVAL, a->q->text_bytes ? "the label is longer than %u bytes" : "a label of 1 to %u bytes is needed", LABEL_MAX);
	return false;
}

static void mark(struct ordered *a)
{
	struct process *const p = check_label(a) ? program_of(a) : NULL;

	if (!p)
		return;
	if (a->r->waiting) {
		refuse(a->answer, EAGAIN, "the recording has not begun yet (--start-after)");
		return;
	}
	if (a->r->aggregate) {
		refuse(a->answer, EINVAL, "the recording is aggregated (--aggregate): it keeps no marks; take a snapshot instead");
		return;
	}
	deliver(a->r, p, &(struct trk_event){
				 .kind = TRK_MARK,
				 .thread = p->main_thread == NO_INDEX ? 0 : p->main_thread,
				 .time_ns = a->r->now_ns,
				 .label = a->q->text,
				 .label_bytes = a->q->text_bytes,
			 });
}

/* Whether an empty file came with the request; otherwise the answer says so. */
static bool check_file(const struct ordered *a)
{
	struct stat st;

	if (a->descriptor >= 0 && fstat(a->descriptor, &st) == 0 && S_ISREG(st.st_mode) && !st.st_size)
		return true;
	refuse(a->answer, EINVAL, "no empty file came with the request");
	return false;
}

/* Whether the recorder knows all live blocks; otherwise the answer says so. */
static bool check_blocks(const struct ordered *a)
{
	if (!a->r->discard && !a->r->heap_stopped && !a->r->out_of_memory)
		return true;
	refuse(a->answer, ENOMEM, "the recorder does not know all live blocks any more: its disk was full, or it had no memory");
	return false;
}

static void snapshot(struct ordered *a)
{
	if (a->r->waiting)
		refuse(a->answer, EAGAIN, "the recording has not begun yet (--start-after)");
	else if (!recorder_keeps_file(a->r))
		refuse(a->answer, EINVAL, "the capture is only sent elsewhere (tracker run --send-to without -o), or its file was deleted");
	else if (a->r->shm->header.sample_bytes && !a->r->aggregate)
		refuse(a->answer, EINVAL, "only a sample of the blocks is known (--sample)");
	else if (check_file(a) && check_blocks(a) && (a->client->writer = whole_snapshot_begin(a->r, a->descriptor)) < 0)
		refuse(a->answer, errno, "the recorder could not begin it: %s", strerror(errno));
	a->waits = !a->answer->error;
}

static void live(struct ordered *a)
{
	a->waits = check_file(a) && check_blocks(a);
	if (!a->waits)
		return;
	a->client->file = a->descriptor;
	a->descriptor = -1;
}

static bool has_written_live(struct orders *o, struct recorder *r, const struct client *c, struct contact_answer *a)
{
	int error;

	if (!live_sums_write(r, c->file, &o->live_from_ns, &error))
		return false;
	if (error)
		refuse(a, error, "what lives could not be written: %s", strerror(error));
	return true;
}

static void look(struct ordered *a)
{
	struct process *const p = program_of(a);

	if (!p)
		return;
	if (!(a->r->shm->header.flags & SHM_LOOKS))
		refuse(a->answer, EINVAL, "the program was not prepared for it when the recording began: begin it with --leak-check (tracker run, tracker ctl start)");
	else if (a->q->text_bytes > LABEL_MAX)
		refuse(a->answer, EINVAL, "the label is longer than %u bytes", LABEL_MAX);
	else if (!look_order(a->r, p, a->q->text, a->q->text_bytes))
		refuse(a->answer, EBUSY, "the recorder is looking at this program's memory already: try again");
	a->client->process = p;
	a->waits = !a->answer->error;
}

static void stop(struct ordered *a)
{
	a->o->stop = true;
	a->waits = true; /* until the file is finished */
}

static void (*const functions[CONTACT_KINDS])(struct ordered *a) = {
	[CONTACT_STATUS] = status,
	[CONTACT_MARK] = mark,
	[CONTACT_SNAPSHOT] = snapshot,
	[CONTACT_LOOK] = look,
	[CONTACT_LIVE] = live,
	[CONTACT_STOP] = stop,
};

/* ---- answers that come later ---- */

/* False: not yet. */
static bool is_written(struct client *c, struct contact_answer *a)
{
	int code = 0;
	const pid_t pid = waitpid(c->writer, &code, WNOHANG);

	if (pid == 0 || (pid < 0 && errno == EINTR))
		return false;
	c->writer = 0;
	code = pid < 0 || !WIFEXITED(code) ? EIO : WEXITSTATUS(code);
	if (code)
		refuse(a, code, "the snapshot could not be written: %s", strerror(code));
	return true;
}

/* A process that is gone has no look any more. */
static bool has_looked(struct recorder *r, struct client *c, struct contact_answer *a)
{
	struct look_found found;

	if (!look_take_ordered(r, c->process, &found))
		return false;
	if (!found.done)
		refuse(a, EIO, "the memory was not looked at: %s", found.why);
	else
		snprintf(a->sentence, sizeof(a->sentence), "%llu blocks (%llu bytes) can be reached from nowhere: they are lost; "
							   "%llu blocks (%llu bytes) can be reached from these only",
			 (unsigned long long)found.lost_blocks, (unsigned long long)found.lost_bytes,
			 (unsigned long long)found.indirect_blocks, (unsigned long long)found.indirect_bytes);
	return true;
}

static bool is_done(struct orders *o, struct recorder *r, struct client *c, struct contact_answer *a)
{
	if (c->kind == CONTACT_LIVE)
		return has_written_live(o, r, c, a);
	if (c->kind == CONTACT_SNAPSHOT)
		return is_written(c, a);
	return c->kind == CONTACT_LOOK && has_looked(r, c, a);
}

/* ---- clients ---- */

static void drop(struct orders *o, struct client *c)
{
	o->waiting -= c->kind != 0;
	close(c->fd);
	if (c->writer > 0) { /* nobody waits for the snapshot any more */
		kill(c->writer, SIGKILL);
		(void)waitpid(c->writer, NULL, 0);
	}
	if (c->process)
		look_let_go(c->process);
	if (c->file >= 0)
		close(c->file);
	*c = (struct client){ .fd = -1, .file = -1 };
}

static void send_answer(struct orders *o, struct client *c, const struct contact_answer *a)
{
	(void)!send(c->fd, a, sizeof(*a), MSG_NOSIGNAL | MSG_DONTWAIT);
	drop(o, c);
}

/* A free place, or that of the client which has kept silent for longest. NULL: all wait for answers. */
static struct client *find_place(struct orders *o)
{
	struct client *oldest = NULL;

	for (unsigned i = 0; i < ORDERS_CLIENTS; i++) {
		struct client *const c = &o->clients[i];

		if (c->fd < 0)
			return c;
		if (!c->kind && (!oldest || c->since < oldest->since))
			oldest = c;
	}
	if (oldest)
		drop(o, oldest);
	return oldest;
}

static void accept_all(struct orders *o, const struct recorder *r)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
	int fd;

	while ((fd = contact_accept(o->listener, SOCK_NONBLOCK)) >= 0) {
		struct client *const c = find_place(o);

		if (c && epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
			*c = (struct client){ .fd = fd, .file = -1, .since = ++o->number };
		else
			close(fd);
	}
}

static void answer(struct orders *o, struct recorder *r, struct client *c, const struct contact_request *q, int *descriptor)
{
	struct contact_answer a = { .version = CONTACT_VERSION };
	struct ordered order = { .o = o, .r = r, .client = c, .q = q, .descriptor = *descriptor, .answer = &a };

	c->kind = q->kind;
	o->waiting++;
	if (q->kind < CONTACT_KINDS && functions[q->kind])
		functions[q->kind](&order);
	else if (q->kind == CONTACT_START)
		refuse(&a, EBUSY, "it is being recorded already; tracker ctl %u stop ends that recording", r->processes[0]->pid);
	else
		refuse(&a, ENOSYS, "this recorder does not know how to do that: it was told something that another version of tracker knows");
	*descriptor = order.descriptor;
	if (order.waits)
		return;
	order_status(r, q->pid, &a.status);
	send_answer(o, c, &a);
}

static void listen_to(struct orders *o, struct recorder *r, struct client *c)
{
	static struct contact_request q;
	int descriptor;
	const bool whole = contact_receive(c->fd, MSG_DONTWAIT, &q, &descriptor);

	if (!whole && (errno == EAGAIN || errno == EINTR))
		return;
	if (c->kind || !whole) /* it has hung up, or says what nobody can understand */
		drop(o, c);
	else
		answer(o, r, c, &q, &descriptor);
	if (descriptor >= 0)
		close(descriptor);
}

/* ---- the whole ---- */

void orders_begin(struct orders *o, const struct recorder *r, bool listens)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

	for (unsigned i = 0; i < ORDERS_CLIENTS; i++)
		o->clients[i].fd = o->clients[i].file = -1;
	o->listener = listens ? contact_listen(&o->address, ORDERS_CLIENTS) : -1;
	if (o->listener < 0 || epoll_ctl(r->epoll, EPOLL_CTL_ADD, o->listener, &event) == 0)
		return;
	unlink(o->address.sun_path);
	close(o->listener);
	o->listener = -1;
}

void orders_round(struct orders *o, struct recorder *r)
{
	if (o->called) {
		o->called = false;
		if (o->listener >= 0)
			accept_all(o, r);
		for (unsigned i = 0; i < ORDERS_CLIENTS; i++)
			if (o->clients[i].fd >= 0)
				listen_to(o, r, &o->clients[i]);
	}
	for (unsigned i = 0; o->waiting && i < ORDERS_CLIENTS; i++) {
		struct contact_answer a = { .version = CONTACT_VERSION };
		struct client *const c = &o->clients[i];

		if (c->fd < 0 || !c->kind || !is_done(o, r, c, &a))
			continue;
		order_status(r, 0, &a.status);
		send_answer(o, c, &a);
	}
}

static void answer_at_end(const struct control_message *done, const struct client *c, struct contact_answer *a)
{
	a->status.state = CONTACT_FINISHING;
	if (c->kind != CONTACT_STOP)
		refuse(a, ESRCH, "the recording has ended meanwhile");
	else if (!done)
		refuse(a, EIO, "the recording has failed");
	else if (done->error)
		refuse(a, (int)done->error, "the file could not be written: %s: it holds what was recorded up to %.1f s", strerror((int)done->error), (double)done->error_ns / 1e9);
	if (!done)
		return;
	a->status.allocations = done->allocations;
	a->status.live_bytes = done->leaked_bytes;
	a->status.live_blocks = done->leaked_blocks;
	a->status.peak_bytes = done->peak_bytes;
	a->status.file_bytes = done->file_bytes;
	if (done->elsewhere[0])
		snprintf(a->status.file, sizeof(a->status.file), "%s", done->elsewhere);
}

void orders_end(struct orders *o, struct recorder *r, const struct control_message *done)
{
	if (o->listener >= 0) {
		unlink(o->address.sun_path);
		close(o->listener);
	}
	for (unsigned i = 0; i < ORDERS_CLIENTS; i++) {
		struct contact_answer a = { .version = CONTACT_VERSION };

		if (o->clients[i].fd < 0)
			continue;
		order_status(r, 0, &a.status);
		answer_at_end(done, &o->clients[i], &a);
		if (o->clients[i].kind)
			send_answer(o, &o->clients[i], &a);
		else
			drop(o, &o->clients[i]);
	}
}
