/*
 * names - the names of all frames, for the end of the file.
 *
 * A child looks them up and sends them through a pipe: files of unknown making are read, by libraries that
 * end their process when there is no memory, and what was recorded must not depend on that. What
 * the child sent until it ended badly is in the file all the same.
 *
 * A message is a head and, behind it, `count` times a name's head, its function and its file. The last one
 * is of frame 0: a report.
 */
#include "recorder.h"

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

/* Within --max-size, for what is written after the names: health, their own notice. */
#define RESERVE_BYTES 4096u
#define STACK_BYTES (8u << 20) /* libdw keeps the lines of a file there; the user's limit may be less */
#define NAMES_MAX 1024u	       /* inlined functions of one frame */
#define TEXT_MAX (64u << 10)

struct head {
	uint32_t frame, count;
};

struct name {
	uint32_t line, inlined, function_bytes, file_bytes;
};

/* ---- the child ---- */

struct sending {
	const struct recorder *recorder;
	FILE *pipe;
};

static uint32_t text_bytes(const char *text)
{
	return text ? (uint32_t)strnlen(text, TEXT_MAX) : 0;
}

static void send_symbols(void *data, uint32_t frame, const struct writer_symbol *s, size_t n)
{
	FILE *const f = ((struct sending *)data)->pipe;
	const struct head head = { frame, (uint32_t)(n < NAMES_MAX ? n : NAMES_MAX) };

	fwrite(&head, sizeof(head), 1, f);
	for (uint32_t i = 0; i < head.count; i++) {
		const struct name name = { s[i].line, s[i].inlined, text_bytes(s[i].function),
					   text_bytes(s[i].file) };

		fwrite(&name, sizeof(name), 1, f);
		fwrite(s[i].function, 1, name.function_bytes, f);
		fwrite(s[i].file, 1, name.file_bytes, f);
	}
}

static void *look_up(void *data)
{
	const struct sending *const s = data;
	const struct embed_sink sink = { .symbols = send_symbols, .data = data };
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
	struct sending s = { r, fdopen(ends[1], "w") };
	pthread_attr_t how;
	pthread_t thread;

	close(ends[0]); /* or nobody would tell us that the recorder has died */
	signal(SIGPIPE, SIG_DFL);
	setrlimit(RLIMIT_CORE, &none);
	if (!s.pipe)
		_exit(1);
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

/* NUL-terminated, in `text`, which has room for TEXT_MAX and that. */
static bool receive_text(FILE *f, char *text, uint32_t bytes)
{
	if (bytes > TEXT_MAX || !receive(f, text, bytes))
		return false;
	text[bytes] = 0;
	return true;
}

static bool receive_names(struct recorder *r, FILE *f, const struct head *head)
{
	static struct writer_symbol symbols[NAMES_MAX];
	static char function[TEXT_MAX + 1], file[TEXT_MAX + 1];
	bool whole = head->count <= NAMES_MAX;
	uint32_t n = 0;

	for (; whole && n < head->count; n++) {
		struct name name;

		whole = receive(f, &name, sizeof(name)) && receive_text(f, function, name.function_bytes) &&
			receive_text(f, file, name.file_bytes);
		if (!whole)
			break;
		symbols[n] = (struct writer_symbol){ .function = strdup(function), .file = strdup(file),
						     .line = name.line, .inlined = name.inlined };
		whole = symbols[n].function && symbols[n].file;
	}
	if (whole)
		writer_symbols(r->writer, head->frame, symbols, n);
	while (n--) {
		free((char *)symbols[n].function);
		free((char *)symbols[n].file);
	}
	return whole;
}

/* False: the child did not come to its end. */
static bool receive_all(struct recorder *r, int fd, struct embed_report *ret)
{
	FILE *const f = fdopen(fd, "r");
	struct head head;
	bool whole = false;

	if (!f) {
		close(fd);
		return false;
	}
	while (receive(f, &head, sizeof(head))) {
		if (!head.frame) {
			whole = receive(f, ret, sizeof(*ret));
			break;
		}
		if (!receive_names(r, f, &head))
			break;
	}
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
		recorder_notice(r, "the names of some frames could not be looked up: reports look them up in "
				   "the files, tracker symbolize adds them");
	if (writer_symbols_left_out(r->writer))
		writer_notice(r->writer, "there was no room for the names of some frames within --max-size: "
					 "reports look them up in the files, tracker symbolize adds them");
	if (!whole)
		return;
	r->made_named = report->made_resolved;
	writer_health(r->writer, "frames", report->frames);
	writer_health(r->writer, "frames_resolved", report->resolved);
	writer_health(r->writer, "modules_missing", report->missing);
	writer_health(r->writer, "modules_changed", report->changed);
}

void names_write(struct recorder *r)
{
	struct embed_report report = { 0 };
	struct rusage usage = { 0 };
	bool whole = false;
	int ends[2];

	if (r->no_symbols || r->discard || !r->module_count)
		return;
	/* what was recorded is safe on disk before files of unknown making are read */
	writer_flush(r->writer);
	if (r->bounds.max_bytes)
		writer_limit_symbols(r->writer, r->bounds.max_bytes - RESERVE_BYTES);
	if (pipe2(ends, O_CLOEXEC) == 0) {
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
