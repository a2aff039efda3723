/*
 * mkcapture - makes a capture out of lines of text, so that reporters can be
 * tested without a recorder: mkcapture OUT.bin < text
 *
 * One statement a line, words separated by blanks, # begins a comment. A word
 * may be quoted with "", inside which \n \0 \" \\ \xHH are known. Numbers are
 * decimal or 0x hexadecimal; times take ns (default), us, ms, s. An ADDRESS is
 * a number (0 is none), or a name, which stands for an address of its own (the
 * n-th new name, from 1: n MiB). [..] may be left out.
 *
 *   header [id=N] [start=UNIX_NS] [page=BYTES] [sample=BYTES]     first statement, if any
 *   module ID PATH [build-id=HEX] [main] [vdso] [made] [python]
 *   frame ID FILE LINE [as=FUNCTION] [module=ID] [offset=N] [bare]
 *       a source frame in function ID (or FUNCTION). FILE -: unknown, as=-: no
 *       name. Without offset, frames of a module lie 16 bytes apart, from
 *       0x1000. bare: never looked up, no symbols are written.
 *   inlined ID FUNCTION FILE LINE     frame ID's outermost function so far is
 *       inlined into FUNCTION, which calls the rest from FILE:LINE
 *   stack ID FRAME...                 most recent first; "-" is the empty stack
 *   view ID STACK N                   its N most recent frames; older ones are not kept
 *   depth ID STACK N                  a view (or a stack) of a call stack that was N frames deep
 *   process INDEX [pid=] [ppid=] [parent=INDEX] [fork] [start=] [end=] [exit=]
 *       [signal=] [name=] [exe=] [args="a\0b\0"] [execs=] [libc=] [host=]
 *       [system=] [titled=] [title=]
 *   thread INDEX [process=] [tid=] [name=] [start=] [end=] [main]
 *       said again, both change what is given and keep the rest. Nothing said
 *       before the first event: process 0 (pid 1000, "test"), its thread 0.
 *   mapping PROCESS MODULE BIAS START END [LOAD_TIME [UNLOAD_TIME]]
 *   domain PROCESS NUMBER NAME [EXECS] the name that it gave to a domain
 *   looked PROCESS NUMBER TIME BLOCKS [REASON [LABEL [graph]]]  what a look found; its event is "look NUMBER"
 *   looked_root KIND START END TID NAME | looked_type NAME [BASES] | looked_block VERDICT [0|1|2 [PARENT [WORD [TYPE [HELD]]]]] | looked_end
 *   looked_references BLOCK TO...   with graph
 *   memory PROCESS NUMBER FLAGS RESIDENT [LACKS]        what memory consisted of at that look
 *   memory_area KIND START END RESIDENT SWAPPED HUGE TID NAME | memory_run PAGES STATE | memory_chunk START BYTES KIND
 *   memory_extra BLOCK SLACK HEADER | memory_content NUMBER | memory_end
 *   at TIME | after TIME              sets, advances the clock; begins at 0
 *   in THREAD                         whose events follow; begins with 0
 *
 *   malloc calloc posix_memalign aligned_alloc memalign valloc pvalloc new
 *   new[] mmap                        ADDRESS SIZE [STACK]
 *   realloc reallocarray              OLD NEW SIZE [STACK]  OLD 0: new block,
 *                                     NEW 0: failed, the same: stayed
 *   mremap                            OLD OLD_SIZE NEW SIZE [STACK]
 *   track                             DOMAIN ADDRESS SIZE [STACK]
 *   free delete delete[] free_sized free_aligned_sized cfree   ADDRESS
 *   munmap touched                    ADDRESS SIZE
 *   clear                             [STACK]
 *   reserve arena                     ADDRESS SIZE [STACK]
 *   mprotect                          ADDRESS SIZE 0|1 [STACK]  0: nothing may touch it
 *   madvise                           ADDRESS SIZE ADVICE [STACK]
 *   untrack                           DOMAIN ADDRESS
 *   releasing                         ADDRESS [STACK]
 *   request                           ADDRESS SIZE KIND ALIGNMENT [STACK]  0: it failed
 *   annotate                          ADDRESS OBJECTS TYPE [STACK]
 *   class                             ADDRESS OPERATION LABEL [STACK]
 *   realloc_release                   OLD
 *   realloc_acquire                   OLD NEW SIZE [STACK]
 *   realloc_withdraw                  OLD SIZE [STACK]
 *       likewise reallocarray_...
 *   mremap_release                    OLD OLD_SIZE
 *   mremap_acquire                    OLD OLD_SIZE NEW SIZE [STACK]
 *   mremap_withdraw                   OLD OLD_SIZE SIZE [STACK]
 *   mark region_begin region_end      LABEL [STACK]
 *   unknown                           NUMBER 0|1|2|3 PAYLOAD [STACK]  of a kind that is none; 1: must be understood,
 *                                     2: has a stack
 *   exec                              NAME
 *   gap                               EVENTS
 *   skipped                           ALLOCATIONS
 *   look                              NUMBER
 *
 *   rss PROCESS BYTES                 at the clock's time
 *   notice SENTENCE | health KEY N | summary KEY N
 *   flush                             blocks end here
 *   keyframe                          what is live is written down; later events are later
 *   unseen                            the events that follow are not written, until
 *   begin                             ... the capture begins here, with what is live
 *   cut                               no index and trailer: as if killed here
 *
 * As in a recording, events say which allocation they end as far as that is known.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mkcapture.h"
#include "replay/heap_saved.h"
#include "replay/heap_keyframe.h"

struct mkcapture cap = { .header = { .version = TRK_VERSION, .header_bytes = TRK_HEADER_BYTES, .page_bytes = 4096, .required = TRK_FEATURE_RESERVED, .id = 1 },
			 .next_offset = 0x1000 };

/* ---- statements ---- */

struct writer *writer(void)
{
	if (!cap.writer && writer_new(&cap.writer, cap.fd, &cap.header))
		die("cannot write", strerror(errno));
	return cap.writer;
}

static void do_header(const struct word *w, int n)
{
	if (cap.writer)
		die("header must be the first statement", NULL);
	for (int i = 1; i < n; i++) {
		const char *v;

		if ((v = option(&w[i], "id")))
			cap.header.id = number(v);
		else if ((v = option(&w[i], "start")))
			cap.header.start_unix_ns = number(v);
		else if ((v = option(&w[i], "sample")))
			cap.header.sample_bytes = number(v);
		else if (!number_option(&w[i], "page", &cap.header.page_bytes))
			die("unknown option", w[i].text);
	}
}

static size_t from_hex(const char *hex, uint8_t *out, size_t room)
{
	size_t n = 0;

	for (; hex[0] && hex[1]; hex += 2) {
		const char digits[3] = { hex[0], hex[1], 0 };

		if (n == room)
			break;
		out[n++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	if (*hex)
		die("not hexadecimal", hex);
	return n;
}

static void do_module(const struct word *w, int n)
{
	uint8_t build_id[64];
	struct trk_module m = { .path = w[2].text, .build_id = build_id };
	uint32_t is_main = 0, vdso = 0, made = 0, python = 0;

	for (int i = 3; i < n; i++) {
		const char *v = option(&w[i], "build-id");

		if (v)
			m.build_id_bytes = from_hex(v, build_id, sizeof(build_id));
		else if (!flag_option(&w[i], "main", &is_main) && !flag_option(&w[i], "vdso", &vdso) && !flag_option(&w[i], "made", &made) &&
			 !flag_option(&w[i], "python", &python))
			die("unknown option", w[i].text);
	}
	m.flags = is_main | vdso << 1 | made << 2 | python << 3;
	name_add(&cap.modules, w[1].text, writer_module(writer(), &m));
}

static const char *file_name(const char *text)
{
	return strcmp(text, "-") ? keep(text, strlen(text)) : "";
}

static void do_frame(const struct word *w, int n)
{
	struct frame *f = &cap.frame[cap.frames.count];
	struct trk_symbol_text *s = &f->symbols[0];
	uint32_t module = 0, bare = 0;
	uint64_t offset = 0;

	s->function = keep(w[1].text, w[1].size);
	s->file = file_name(w[2].text);
	s->line = (uint32_t)number(w[3].text);
	for (int i = 4; i < n; i++) {
		const char *v;

		if ((v = option(&w[i], "as")))
			s->function = file_name(v);
		else if ((v = option(&w[i], "module")))
			module = (uint32_t)named(&cap.modules, v);
		else if ((v = option(&w[i], "offset")))
			offset = number(v);
		else if (!flag_option(&w[i], "bare", &bare))
			die("unknown option", w[i].text);
	}
	if (!offset)
		offset = cap.next_offset += 16;
	f->id = writer_frame(writer(), module, offset);
	f->bare = bare;
	f->count = *s->function || *s->file ? 1 : 0;
	name_add(&cap.frames, w[1].text, cap.frames.count);
}

static void do_inlined(const struct word *w, int n)
{
	struct frame *f = &cap.frame[named(&cap.frames, w[1].text)];

	if (!f->count || f->count == INLINED_MAX)
		die("cannot be inlined", w[1].text);
	f->symbols[f->count - 1].inlined = true;
	f->symbols[f->count++] = (struct trk_symbol_text){
		.function = file_name(w[2].text),
		.file = file_name(w[3].text),
		.line = (uint32_t)number(w[4].text),
	};
}

static void do_stack(const struct word *w, int n)
{
	uint32_t node = 0;

	for (int i = n - 1; i >= 2; i--)
		node = writer_node(writer(), node, cap.frame[named(&cap.frames, w[i].text)].id);
	name_add(&cap.stacks, w[1].text, node);
}

/* The most recent frames of a stack whose older ones are not kept. */
static void do_view(const struct word *w, int n)
{
	const uint32_t frame = writer_frame(writer(), 0, TRK_FRAME_CUT + number(w[3].text));

	(void)n;
	name_add(&cap.stacks, w[1].text, writer_node(writer(), stack(w[2].text), frame));
}

static void do_depth(const struct word *w, int n)
{
	const uint32_t frame = writer_frame(writer(), 0, TRK_FRAME_DEPTH + number(w[3].text));

	(void)n;
	name_add(&cap.stacks, w[1].text, writer_node(writer(), stack(w[2].text), frame));
}

void do_process(const struct word *w, int n)
{
	const uint32_t index = small(w[1].text);
	struct trk_process *p = &cap.processes[index];

	if (!cap.process_known[index])
		*p = (struct trk_process){ .index = index, .pid = 1000 + index, .ppid = 1, .parent = UINT32_MAX, .end_ns = UINT64_MAX, .name = "test" };
	cap.process_known[index] = true;
	for (int i = 2; i < n; i++) {
		if (number_option(&w[i], "exit", &p->code))
			p->ended = 1;
		else if (number_option(&w[i], "signal", &p->code))
			p->ended = 2;
		else if (text_option(&w[i], "args", &p->command_line))
			p->command_line_bytes = w[i].size - strlen("args=");
		else if (!number_option(&w[i], "pid", &p->pid) && !number_option(&w[i], "ppid", &p->ppid) &&
			 !number_option(&w[i], "parent", &p->parent) &&
			 !number_option(&w[i], "execs", &p->execs) && !flag_option(&w[i], "fork", &p->origin) &&
			 !time_option(&w[i], "start", &p->start_ns) && !time_option(&w[i], "end", &p->end_ns) &&
			 !text_option(&w[i], "name", &p->name) && !text_option(&w[i], "exe", &p->executable) &&
			 !text_option(&w[i], "libc", &p->libc) && !text_option(&w[i], "host", &p->host) &&
			 !text_option(&w[i], "system", &p->system) && !number_option(&w[i], "titled", &p->titled) && !text_option(&w[i], "title", &p->title))
			die("unknown option", w[i].text);
	}
	writer_process(writer(), p);
}

void do_thread(const struct word *w, int n)
{
	const uint32_t index = small(w[1].text);
	struct trk_thread *t = &cap.threads[index];
	uint32_t is_main = t->main;

	if (!cap.thread_known[index])
		*t = (struct trk_thread){ .index = index, .tid = 1000 + index, .end_ns = UINT64_MAX, .name = "" };
	cap.thread_known[index] = true;
	for (int i = 2; i < n; i++) {
		if (!number_option(&w[i], "process", &t->process) && !number_option(&w[i], "tid", &t->tid) &&
		    !text_option(&w[i], "name", &t->name) && !time_option(&w[i], "start", &t->start_ns) &&
		    !time_option(&w[i], "end", &t->end_ns) && !flag_option(&w[i], "main", &is_main))
			die("unknown option", w[i].text);
	}
	t->main = is_main;
	writer_thread(writer(), t);
}

static void do_mapping(const struct word *w, int n)
{
	const struct trk_mapping m = {
		.process = small(w[1].text),
		.module = (uint32_t)named(&cap.modules, w[2].text),
		.bias = number(w[3].text),
		.start = number(w[4].text),
		.end = number(w[5].text),
		.load_time_ns = n > 6 ? duration(w[6].text) : 0,
		.unload_time_ns = n > 7 ? duration(w[7].text) : UINT64_MAX,
	};

	writer_mapping(writer(), &m);
}

static void do_domain(const struct word *w, int n)
{
	writer_domain(writer(), &(struct trk_domain){
					.process = small(w[1].text),
					.domain = (uint32_t)number(w[2].text),
					.name = w[3].text,
					.execs = n > 4 ? (uint32_t)number(w[4].text) : 0,
				});
}

static void do_at(const struct word *w, int n)
{
	cap.time_ns = duration(w[1].text);
}

static void do_after(const struct word *w, int n)
{
	cap.time_ns += duration(w[1].text);
}

static void do_in(const struct word *w, int n)
{
	cap.thread = small(w[1].text);
	if (!cap.thread_known[cap.thread])
		die("no such thread", w[1].text);
}

static void do_rss(const struct word *w, int n)
{
	writer_rss(writer(), small(w[1].text), cap.time_ns, number(w[2].text));
}

static void do_notice(const struct word *w, int n)
{
	writer_notice(writer(), w[1].text);
}

static void do_health(const struct word *w, int n)
{
	writer_health(writer(), w[1].text, number(w[2].text));
}

static void do_summary(const struct word *w, int n)
{
	writer_summary(writer(), w[1].text, number(w[2].text));
}

static void do_flush(const struct word *w, int n)
{
	writer_flush(writer());
}

static void do_unseen(const struct word *w, int n)
{
	cap.unseen = true;
}

static void write_keyframe(bool begins)
{
	for (uint32_t i = 0; i < NAMED_MAX; i++)
		if (cap.process_known[i] && cap.processes[i].end_ns <= cap.time_ns)
			heap_end_process(cap.heap, i);
	if (begins)
		heap_begin_here(cap.heap, cap.time_ns);
	if (heap_keyframe_write(writer(), cap.heap, cap.time_ns, begins, NULL, NULL))
		die("cannot write", "keyframe");
	cap.earliest_ns = cap.time_ns + 1;
}

static void do_keyframe(const struct word *w, int n)
{
	write_keyframe(false);
}

static void do_begin(const struct word *w, int n)
{
	cap.unseen = false;
	write_keyframe(true);
}

static void do_cut(const struct word *w, int n)
{
	cap.cut = true;
}

static const struct {
	const char *name;
	int min, max; /* words, the first one included */
	void (*run)(const struct word *w, int n);
} statements[] = {
	{ "header", 1, 5, do_header },
	{ "module", 3, 6, do_module },
	{ "frame", 4, 8, do_frame },
	{ "inlined", 5, 5, do_inlined },
	{ "view", 4, 4, do_view },
	{ "depth", 4, 4, do_depth },
	{ "stack", 3, WORDS_MAX, do_stack },
	{ "process", 2, 16, do_process },
	{ "thread", 2, 8, do_thread },
	{ "mapping", 6, 8, do_mapping },
	{ "domain", 4, 5, do_domain },
	{ "at", 2, 2, do_at },
	{ "after", 2, 2, do_after },
	{ "in", 2, 2, do_in },
	{ "rss", 3, 3, do_rss },
	{ "notice", 2, 2, do_notice },
	{ "health", 3, 3, do_health },
	{ "summary", 3, 3, do_summary },
	{ "flush", 1, 1, do_flush },
	{ "cut", 1, 1, do_cut },
	{ "keyframe", 1, 1, do_keyframe },
	{ "unseen", 1, 1, do_unseen },
	{ "begin", 1, 1, do_begin },
};

static void do_line(char *line)
{
	static struct word w[WORDS_MAX];
	const int n = split(line, w);

	if (!n)
		return;
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		if (strcmp(w[0].text, statements[i].name))
			continue;
		if (n < statements[i].min || n > statements[i].max)
			die("wrong number of words", w[0].text);
		statements[i].run(w, n);
		return;
	}
	if (!do_event(w, n) && !do_look(w, n))
		die("unknown statement", w[0].text);
}

static void write_symbols(void)
{
	for (size_t i = 0; i < cap.frames.count; i++) {
		const struct frame *f = &cap.frame[i];

		if (!f->bare)
			writer_symbols(writer(), f->id, f->symbols, f->count);
	}
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t room = 0;
	int err;

	if (argc != 2) {
		fputs("usage: mkcapture OUT < TEXT\n", stderr);
		return 2;
	}
	cap.fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (cap.fd < 0 || heap_new(&cap.heap, 1, NULL))
		die(argv[1], strerror(errno));
	while (getline(&line, &room, stdin) >= 0) {
		words_line++;
		do_line(line);
	}
	write_symbols();
	err = cap.cut ? writer_flush(writer()) : writer_finish(writer());
	if (err || close(cap.fd))
		die(argv[1], strerror(errno));
	writer_free(cap.writer);
	heap_free(cap.heap);
	return 0;
}
