/* frame_names - see frame_names.h. */
#include "frame_names.h"

#include "symbols/keymap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/array.h"

/* With --max-size, room for what is written after the names: health, and the notice about names. */
#define RESERVE_BYTES 4096u
#define STACK_BYTES (8u << 20) /* libdw keeps the lines of a file on the stack; the user's limit may be lower */
#define NAMES_MAX 1024u /* inlined functions of one frame */
#define TEXT_MAX (64u << 10)
#define TEXT UINT32_MAX
#define TROUBLE (UINT32_MAX - 1)
#define TROUBLES_MAX 32u /* told of at most */
#define BUFFER_BYTES (256u << 10) /* at both ends of the pipe: many small messages */

struct head {
	uint32_t frame, count;
};

struct name {
	uint32_t line, inlined, function, file; /* texts; 0: none */
};

/* ---- the child ---- */

struct sending {
	const struct recorder *recorder;
	FILE *pipe;
	struct keymap told; /* address of a text -> its number */
	uint32_t texts, troubles;
};

static uint32_t send_text(struct sending *s, const char *text)
{
	uint32_t *const id = text && *text ? keymap_at(&s->told, (uint64_t)(uintptr_t)text) : NULL;

	if (!id)
		return 0;
	if (*id == KEYMAP_NONE) {
		const struct head head = { TEXT, (uint32_t)strnlen(text, TEXT_MAX) };

		fwrite(&head, sizeof(head), 1, s->pipe);
		fwrite(text, 1, head.count, s->pipe);
		*id = ++s->texts;
	}
	return *id;
}

static void send_symbols(void *data, uint32_t frame, const struct trk_symbol_text *s, size_t n)
{
	struct sending *const sending = data;
	const struct head head = { frame, (uint32_t)(n < NAMES_MAX ? n : NAMES_MAX) };
	struct name names[NAMES_MAX];

	for (uint32_t i = 0; i < head.count; i++)
		names[i] = (struct name){ s[i].line, s[i].inlined, send_text(sending, s[i].function),
					  send_text(sending, s[i].file) };
	fwrite(&head, sizeof(head), 1, sending->pipe);
	fwrite(names, sizeof(*names), head.count, sending->pipe);
}

static void send_trouble(void *data, uint32_t module, const char *why)
{
	struct sending *const s = data;
	char text[TEXT_MAX];
	const int n = snprintf(text, sizeof(text), "%s: its debug information was not used, or only in part: %s",
			       s->recorder->modules[module].record.path, why);
	const struct head head = { TROUBLE, n < (int)sizeof(text) ? (uint32_t)n : (uint32_t)sizeof(text) - 1 };

	if (n < 0 || s->troubles++ >= TROUBLES_MAX)
		return;
	fwrite(&head, sizeof(head), 1, s->pipe);
	fwrite(text, 1, head.count, s->pipe);
}

/* Other texts may stand at the addresses of those. */
static void forget_texts(void *data)
{
	keymap_finish(&((struct sending *)data)->told);
}

static void *look_up(void *data)
{
	struct sending *const s = data;
	const struct embed_sink sink = { .symbols = send_symbols, .trouble = send_trouble, .forgotten = forget_texts, .data = data };
	const struct head last = { 0 };
	struct embed_report report = { 0 };

	if (embed_writer_frames(s->recorder->writer, s->recorder->modules, s->recorder->module_count,
				&sink, &report) == 0) {
		fwrite(&last, sizeof(last), 1, s->pipe);
		fwrite(&report, sizeof(report), 1, s->pipe);
		fflush(s->pipe);
	}
	return NULL;
}

static void be_child(const struct recorder *r, const int ends[2])
{
	const struct rlimit none = { 0 };
	struct sending s = { .recorder = r, .pipe = fdopen(ends[1], "w") };
	pthread_attr_t how;
	pthread_t thread;

	close(ends[0]); /* otherwise the child would not learn that the recorder has died */
	signal(SIGPIPE, SIG_DFL);
	setrlimit(RLIMIT_CORE, &none);
	if (!s.pipe)
		_exit(1);
	setvbuf(s.pipe, NULL, _IOFBF, BUFFER_BYTES);
	pthread_attr_init(&how);
	pthread_attr_setstacksize(&how, STACK_BYTES);
	if (pthread_create(&thread, &how, look_up, &s) == 0)
		pthread_join(thread, NULL);
	else
		look_up(&s);
	_exit(0);
}

/* ---- the recorder ---- */

static bool receive(FILE *f, void *bytes, size_t size)
{
	return fread(bytes, 1, size, f) == size;
}

/* The numbers in the file of the child's texts. */
struct texts {
	uint32_t *ids; /* by the child's number - 1 */
	uint32_t count, room;
};

static bool receive_text(struct recorder *r, FILE *f, uint32_t bytes, struct texts *t)
{
	static char text[TEXT_MAX];

	if (!ARRAY_ROOM(t->ids, t->room, (size_t)t->count + 1, 1024))
		return false;
	if (bytes > sizeof(text) || !receive(f, text, bytes))
		return false;
	t->ids[t->count++] = writer_symbols_string(r->writer, text, bytes);
	return true;
}

static bool receive_trouble(struct recorder *r, FILE *f, uint32_t bytes)
{
	static char text[TEXT_MAX];

	if (bytes >= sizeof(text) || !receive(f, text, bytes))
		return false;
	text[bytes] = 0;
	writer_notice(r->writer, text);
	return true;
}

static uint32_t text_id(const struct texts *t, uint32_t number)
{
	return number && number <= t->count ? t->ids[number - 1] : 0;
}

static bool receive_names(struct recorder *r, FILE *f, const struct head *head, const struct texts *t)
{
	struct name names[NAMES_MAX];
	struct trk_symbol symbols[NAMES_MAX];

	if (head->count > NAMES_MAX || !receive(f, names, head->count * sizeof(*names)))
		return false;
	for (uint32_t i = 0; i < head->count; i++)
		symbols[i] = (struct trk_symbol){ text_id(t, names[i].function), text_id(t, names[i].file),
						  names[i].line, names[i].inlined };
	writer_symbols_by_id(r->writer, head->frame, symbols, head->count);
	return true;
}

/* False: the child did not come to its end. */
static bool receive_all(struct recorder *r, int fd, struct embed_report *ret)
{
	FILE *const f = fdopen(fd, "r");
	struct texts texts = { 0 };
	struct head head;
	bool whole = false;

	if (!f) {
		close(fd);
		return false;
	}
	setvbuf(f, NULL, _IOFBF, BUFFER_BYTES);
	while (receive(f, &head, sizeof(head))) {
		if (!head.frame) {
			whole = receive(f, ret, sizeof(*ret));
			break;
		}
		if (!(head.frame == TEXT    ? receive_text(r, f, head.count, &texts) :
		      head.frame == TROUBLE ? receive_trouble(r, f, head.count) :
					      receive_names(r, f, &head, &texts)))
			break;
	}
	free(texts.ids);
	fclose(f);
	return whole;
}

static void tell(struct recorder *r, bool whole, const struct embed_report *report,
		 const struct rusage *usage)
{
	const struct timeval user = usage->ru_utime, system = usage->ru_stime;

	r->names_cpu_ns = (uint64_t)(user.tv_sec + system.tv_sec) * 1000000000u +
			  (uint64_t)(user.tv_usec + system.tv_usec) * 1000u;
	writer_health(r->writer, "symbols_cpu_ns", r->names_cpu_ns);
	if (!whole)
		recorder_notice(r, "the recorder could not look up the names of some frames: reports look them up, "
				   "and tracker symbolize adds them");
	if (writer_symbols_left_out(r->writer))
		writer_notice(r->writer, "--max-size left no room for the names of some frames: reports look them up, "
					 "and tracker symbolize adds them");
	if (!whole)
		return;
	r->made_named = report->made_resolved;
	writer_health(r->writer, "frames", report->frames);
	writer_health(r->writer, "frames_resolved", report->resolved);
	writer_health(r->writer, "modules_missing", report->missing);
	writer_health(r->writer, "modules_changed", report->changed);
}

void frame_names_write(struct recorder *r)
{
	struct embed_report report = { 0 };
	struct rusage usage = { 0 };
	bool whole = false;
	int ends[2];

	if (r->no_symbols || r->discard || !r->module_count)
		return;
	/* what was recorded must be on disk before files of unknown origin are read */
	writer_flush(r->writer);
	if (r->bounds.max_bytes)
		writer_limit_symbols(r->writer, r->bounds.max_bytes - RESERVE_BYTES);
	if (pipe2(ends, O_CLOEXEC) == 0) {
		(void)fcntl(ends[1], F_SETPIPE_SZ, BUFFER_BYTES);
		const pid_t pid = fork();

		if (pid == 0)
			be_child(r, ends);
		close(ends[1]);
		if (pid > 0)
			whole = receive_all(r, ends[0], &report);
		else
			close(ends[0]);
		while (pid > 0 && wait4(pid, NULL, 0, &usage) < 0 && errno == EINTR)
			;
	}
	tell(r, whole, &report, &usage);
}
