/* python_codes - see python_codes.h. */
#include "python_codes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "format/array.h"
#include "format/intern.h"
#include "module_table.h"
#include "python_lines.h"
#include "recorder.h"

#define NAME_BYTES_MAX 4096u /* longer names are cut */
#define LINES_BYTES_MAX (4u << 20) /* functions with longer tables have no lines */
#define CODES_MAX (1u << 20) /* of a program; those that it tells later are unknown */
#define POOL_BYTES_MAX (128u << 20) /* of names and of tables; likewise */
#define SYMBOL_BYTES 64u /* of the names of a frame in the file, without the texts */
#define UNKNOWN "<unknown Python function>"

struct code {
	uint64_t first, end; /* numbers */
	uint32_t name, lines; /* in the pools; 0: not known */
};

struct python_codes {
	struct code *list; /* by number */
	uint32_t count, room;
	uint32_t module; /* of the interpreter's version */
};

struct text {
	uint8_t *bytes;
	uint32_t size, room;
};

struct python_told {
	uint64_t first, end;
	uint32_t minor;
	struct text texts[WIRE_PYTHON_END];
};

/* Names: the file, a zero, the function. Lines: version, first line (4 bytes), table. */
struct python {
	struct pool names, lines;
	bool left_out; /* that there is no room for more was said */
};

#define LINES_HEAD 5u

/* ---- what a stream is telling ---- */

void python_told_free(struct python_told *t)
{
	for (unsigned i = 0; t && i < WIRE_PYTHON_END; i++)
		free(t->texts[i].bytes);
	free(t);
}

static bool append(struct text *t, const void *bytes, size_t size, size_t most)
{
	if (size > most - t->size)
		size = most - t->size;
	if (!ARRAY_ROOM(t->bytes, t->room, t->size + size + 1, 64))
		return false;
	if (size)
		memcpy(t->bytes + t->size, bytes, size);
	t->size += (uint32_t)size;
	return true;
}

static void begin(struct recorder *r, struct stream *s)
{
	const struct wire_record *const h = &s->head;
	const int64_t line = (int64_t)h->bias;
	uint8_t head[LINES_HEAD] = { (uint8_t)h->detail };
	struct python_told *const t = calloc(1, sizeof(*t));

	python_told_free(s->python); /* its end was lost */
	s->python = t;
	if (!t) {
		r->out_of_memory = true;
		return;
	}
	t->first = h->start;
	t->end = h->end;
	t->minor = h->detail;
	put_u32(head + 1, line > 0 && line < INT32_MAX ? (uint32_t)line : 0);
	r->out_of_memory |= !append(&t->texts[WIRE_PYTHON_LINES], head, sizeof(head), sizeof(head));
}

/* ---- what is known ---- */

static void say_left_out(struct recorder *r)
{
	if (!r->python->left_out)
		recorder_notice(r, "a program ran more functions of Python than the recorder can keep names of: some of them are shown as " UNKNOWN);
	r->python->left_out = true;
}

/* 0: there is no room. */
static uint32_t keep(struct recorder *r, struct pool *pool, const struct text *t)
{
	bool new;

	if (!t->size || r->python->names.size + r->python->lines.size > POOL_BYTES_MAX)
		return 0;
	return pool_find(pool, t->bytes, t->size, &new);
}

static uint32_t keep_name(struct recorder *r, struct python_told *t)
{
	struct text *const file = &t->texts[WIRE_PYTHON_FILE], *const name = &t->texts[WIRE_PYTHON_NAME];

	if (!append(file, "", 1, 2 * NAME_BYTES_MAX + 1) || !append(file, name->bytes, name->size, 2 * NAME_BYTES_MAX + 1))
		return 0;
	return keep(r, &r->python->names, file);
}

/* Where a code object with that first number stands, or is to stand. */
static uint32_t place_of(const struct python_codes *all, uint64_t first)
{
	uint32_t low = 0, high = all->count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (all->list[middle].first < first)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void add(struct recorder *r, struct process *p, const struct code *c)
{
	struct python_codes *const all = p->python;

	if (all->count == CODES_MAX) {
		say_left_out(r);
		return;
	}
	if (!ARRAY_ROOM(all->list, all->room, (size_t)all->count + 1, 256)) {
		r->out_of_memory = true;
		return;
	}

	const uint32_t at = place_of(all, c->first);

	if ((at && all->list[at - 1].end > c->first) || (at < all->count && all->list[at].first < c->end)) {
		r->counters.corrupt++; /* these numbers have been told before */
		return;
	}
	memmove(&all->list[at + 1], &all->list[at], (all->count - at) * sizeof(*c));
	all->list[at] = *c;
	all->count++;
}

static void end(struct recorder *r, struct process *p, struct python_told *t)
{
	struct code c = { .first = t->first, .end = t->end };

	if (!r->python)
		r->python = calloc(1, sizeof(*r->python));
	if (!p->python)
		p->python = calloc(1, sizeof(*p->python));
	if (!r->python || !p->python) {
		r->out_of_memory = true;
		return;
	}
	if (!p->python->module)
		p->python->module = module_table_python(r, t->minor);
	/* Python's frames come on top of those that a target counts: here is where the limit is kept */
	r->stack_nodes.keep = r->shm->header.nframe;
	c.name = keep_name(r, t);
	c.lines = t->texts[WIRE_PYTHON_LINES].size < LINES_BYTES_MAX ? keep(r, &r->python->lines, &t->texts[WIRE_PYTHON_LINES]) : 0;
	if (!c.name)
		say_left_out(r);
	add(r, p, &c);
}

void python_record(struct recorder *r, struct process *p, struct stream *s)
{
	static const uint32_t most[] = { NAME_BYTES_MAX, NAME_BYTES_MAX, LINES_BYTES_MAX };
	const struct wire_record *const h = &s->head;

	if (h->kind == WIRE_PYTHON) {
		begin(r, s);
		return;
	}
	if (!s->python)
		return;
	if (h->detail != WIRE_PYTHON_END && append(&s->python->texts[h->detail], h->text, h->text_bytes, most[h->detail]))
		return;
	if (h->detail == WIRE_PYTHON_END)
		end(r, p, s->python);
	else
		r->out_of_memory = true;
	python_told_free(s->python);
	s->python = NULL;
}

void python_forget(struct process *p)
{
	if (p->python)
		free(p->python->list);
	free(p->python);
	p->python = NULL;
}

void python_finish(struct recorder *r)
{
	if (r->python) {
		pool_finish(&r->python->names);
		pool_finish(&r->python->lines);
	}
	free(r->python);
}

/* ---- what cannot be read ---- */

#define SHOWN_ALL_THE_SAME "its functions are shown as the interpreter's own"

static const char *const why_not[] = {
	[TRK_PYTHON_VERSION] = "runs a version of Python (3.%u) that tracker does not know: " SHOWN_ALL_THE_SAME ". tracker knows 3.8 to 3.13",
	[TRK_PYTHON_DEBUG] = "runs a debug build of Python 3.%u: " SHOWN_ALL_THE_SAME,
	[TRK_PYTHON_NO_LOCK] = "runs Python 3.%u without its lock (free-threaded): " SHOWN_ALL_THE_SAME,
	[TRK_PYTHON_DIFFERS] = "runs a Python 3.%u that is not built as that version is elsewhere: " SHOWN_ALL_THE_SAME,
	[TRK_PYTHON_NO_MEMORY] = "runs Python 3.%u, and had no memory left for tracker's tables: " SHOWN_ALL_THE_SAME,
};

static void say_of(struct recorder *r, const struct process *p, const char *sentence)
{
	char text[400];

	snprintf(text, sizeof(text), "%.100s (pid %u) %s", p->name ? p->name : "a process", p->pid, sentence);
	recorder_notice(r, text);
}

static void say_unknown(struct recorder *r, struct process *p, uint64_t count)
{
	r->counters.python_unknown += count;
	if (!count || p->python_unknown_said)
		return;
	p->python_unknown_said = true;
	say_of(r, p, "runs functions of Python for whose names tracker has no room (it has some 65,000 at a time): they are shown as "
		     "<unknown Python function>");
}

void python_collect(struct recorder *r, struct process *p, struct shm_process *slot)
{
	const uint32_t says = atomic_load_explicit(&slot->python, memory_order_relaxed), what = says & 0xff, minor = says >> 8 & 0xff;
	char sentence[256];

	r->counters.python_unplaced += recorder_figure(r, atomic_exchange(&slot->python_unplaced, 0));
	say_unknown(r, p, recorder_figure(r, atomic_exchange(&slot->python_unknown, 0)));
	if (says == p->python_said || what >= sizeof(why_not) / sizeof(*why_not) || !why_not[what])
		return;
	p->python_said = says;
	if (what == TRK_PYTHON_VERSION && !minor)
		snprintf(sentence, sizeof(sentence), "runs a Python that is older than 3.8: " SHOWN_ALL_THE_SAME);
	else
		snprintf(sentence, sizeof(sentence), why_not[what], minor);
	say_of(r, p, sentence);
}

/* ---- frames ---- */

static const struct code *find(const struct python_codes *all, uint64_t number)
{
	const uint32_t at = place_of(all, number + 1);

	return at && number < all->list[at - 1].end ? &all->list[at - 1] : NULL;
}

static uint32_t line_of(const struct python *y, const struct code *c, uint64_t number)
{
	if (!c->lines)
		return 0;

	const struct pool_entry *const e = &y->lines.entries[c->lines - 1];
	const uint8_t *const told = y->lines.bytes + e->at;

	if (number + 1 == c->end) /* it has not begun: the interpreter says so of it, too */
		return (uint32_t)get_u32(told + 1);
	return python_lines_at(&(struct python_lines){ .minor = told[0], .first_line = (int32_t)get_u32(told + 1), .table = told + LINES_HEAD, .bytes = e->size - LINES_HEAD },
			       number - c->first);
}

/* What is kept of a function: its file, a 0 and its name; without name: nothing. */
struct texts {
	const char *file, *function;
	size_t file_bytes, function_bytes;
};

static struct texts texts_of(const struct python *y, uint32_t name)
{
	struct texts t = { "", UNKNOWN, 0, strlen(UNKNOWN) };

	if (name) {
		const struct pool_entry *const e = &y->names.entries[name - 1];

		t.file = (const char *)y->names.bytes + e->at;
		t.file_bytes = strnlen(t.file, e->size);
		t.function_bytes = t.file_bytes < e->size ? e->size - t.file_bytes - 1 : 0;
		t.function = t.file + t.file_bytes + (t.function_bytes ? 1 : 0);
	}
	return t;
}

static void write_name(const struct python *y, struct writer *w, uint32_t frame, uint32_t name, uint32_t line)
{
	const struct texts t = texts_of(y, name);
	struct trk_symbol s = { .line = line };

	s.file = t.file_bytes ? writer_symbols_string(w, t.file, t.file_bytes) : 0;
	s.function = t.function_bytes ? writer_symbols_string(w, t.function, t.function_bytes) : 0;
	writer_symbols_by_id(w, frame, &s, 1);
}

/* In the file, a frame's offset is the number of its name, and its line. */
uint32_t python_frame(struct recorder *r, const struct process *p, uint64_t pc)
{
	const uint64_t number = pc - WIRE_PYTHON_PC;

	if (!p->python)
		return 0;

	const struct code *const c = find(p->python, number);
	const uint32_t name = c ? c->name : 0, line = c ? line_of(r->python, c, number) : 0;
	const uint32_t before = writer_frame_count(r->writer);
	const uint32_t frame = writer_frame(r->writer, p->python->module, (uint64_t)name << 32 | line);

	if (frame > before) {
		bounds_take(r, SYMBOL_BYTES + (name ? r->python->names.entries[name - 1].size : 0));
		write_name(r->python, r->writer, frame, name, line);
	}
	return frame;
}

void python_name(const struct recorder *r, uint32_t module, uint64_t offset, struct writer *w, uint32_t frame)
{
	const uint64_t name = offset >> 32;

	if (module_table_is_python(r, module) && r->python && name <= r->python->names.count)
		write_name(r->python, w, frame, (uint32_t)name, (uint32_t)offset);
}

uint32_t python_texts(const struct recorder *r, uint32_t module, uint64_t offset, char *buf, size_t room, uint32_t *ret_line)
{
	const uint64_t name = offset >> 32;

	*ret_line = (uint32_t)offset;
	if (!module_table_is_python(r, module) || !r->python || name > r->python->names.count || room < 2)
		return 0;

	const struct texts t = texts_of(r->python, (uint32_t)name);
	const size_t function = t.function_bytes < room - 1 ? t.function_bytes : room - 1;
	const size_t file = t.file_bytes < room - 1 - function ? t.file_bytes : room - 1 - function;

	memcpy(buf, t.function, function);
	buf[function] = 0;
	memcpy(buf + function + 1, t.file, file);
	return (uint32_t)(function + 1 + file);
}

uint32_t python_frames_kept(const struct process *p, uint32_t nframe)
{
	const uint64_t kept = (uint64_t)nframe * (p->python ? SHM_FRAMES_PYTHON : 1) + SHM_FRAMES_MORE;

	return kept < UINT32_MAX ? (uint32_t)kept : UINT32_MAX;
}
