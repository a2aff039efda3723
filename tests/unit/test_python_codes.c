/* python_codes, python_lines - what a target tells of functions of Python, whole and damaged, and what its stacks become. */
#include "segment.h"

#include "tools/record/jit.h"
#include "tools/record/python_codes.h"
#include "tools/record/python_lines.h"

#define SELF ((uint32_t)getpid())
#define FIRST 16u

static void tell_text(struct segment *s, struct fake_thread *t, uint8_t what, const void *bytes, uint32_t size)
{
	fake_begin_rare(s, t, WIRE_PYTHON_TEXT, 1, false);
	*t->at++ = what;
	t->at = put_varint(t->at, size);
	if (size)
		memcpy(t->at, bytes, size);
	t->at += size;
	fake_publish(s, t);
}

static void tell_head(struct segment *s, struct fake_thread *t, uint64_t first, uint32_t units, uint8_t minor, int32_t line)
{
	fake_begin_rare(s, t, WIRE_PYTHON, 1, false);
	t->at = put_varint(put_varint(t->at, first), units);
	*t->at++ = minor;
	t->at = put_zigzag(t->at, line);
	fake_publish(s, t);
}

/* Units 0 and 1 are of the first line, 2 of the next one, 3 of none. */
static const uint8_t lines_311[] = { 0x80 | 15 << 3 | 0, 0x80 | 10 << 3 | 0, 1, 2, 0x80 | 11 << 3 | 0, 1, 2, 0x80 | 15 << 3 | 0 };

static void tell(struct segment *s, struct fake_thread *t, uint64_t first, const char *file, const char *name)
{
	tell_head(s, t, first, 5, 11, 7);
	tell_text(s, t, WIRE_PYTHON_FILE, file, (uint32_t)strlen(file));
	tell_text(s, t, WIRE_PYTHON_NAME, name, (uint32_t)strlen(name));
	tell_text(s, t, WIRE_PYTHON_LINES, lines_311, sizeof(lines_311));
	tell_text(s, t, WIRE_PYTHON_END, NULL, 0);
}

/* The names of the frames of the only event, most recent first: "function file:line". */
static const char *stack_of(const struct capture *c, uint32_t node)
{
	static char text[512];

	*text = 0;
	for (; node; node = c->nodes[node].parent) {
		const struct cap_frame *const f = &c->frames[c->nodes[node].frame];
		const struct trk_symbol *const y = f->symbol_count == 1 ? &c->symbols[f->first_symbol] : NULL;
		const size_t n = strlen(text);

		if (y)
			snprintf(text + n, sizeof(text) - n, "%s %s:%u, ", c->strings[y->function], c->strings[y->file], y->line);
		else
			snprintf(text + n, sizeof(text) - n, "%u, ", f->module);
	}
	return text;
}

static void becomes(struct segment *s, struct fake_thread *t, const uint64_t *pcs, uint32_t count, const char *want)
{
	size_t events;

	fake_malloc_stack(s, t, 1, 0x1000, 1, pcs, count);
	segment_round(s);
	segment_open(s);

	struct trk_event *const all = capture_file_events(s->capture, UINT32_MAX, &events);

	assert_int_equal(events, 1);
	assert_string_equal(stack_of(s->capture, all[0].node), want);
	for (uint32_t i = 1; i < s->capture->module_count; i++)
		assert_true(!(s->capture->modules[i].flags & TRK_MODULE_PYTHON) || !strcmp(s->capture->modules[i].path, "Python 3.11"));
	free(all);
	segment_free(s);
}

static struct segment begin(struct fake_thread *t)
{
	struct segment s = segment_new();

	s.r->stack_nodes.elsewhere = jit_frame;
	s.r->stack_nodes.data = s.r;
	s.shm->header.nframe = 100;
	fake_process(&s, 0, SELF, SHM_ATTACHED);
	*t = fake_thread(&s, 0, 0, SELF);
	return s;
}

static void names_and_lines(void **unused)
{
	struct fake_thread t;
	struct segment s = begin(&t);

	tell(&s, &t, FIRST, "app.py", "outer");
	tell(&s, &t, FIRST + 5, "b.py", "C.inner");
	becomes(&s, &t, (const uint64_t[]){ WIRE_PYTHON_PC + FIRST + 2, WIRE_PYTHON_PC + FIRST + 5 + 1, WIRE_PYTHON_PC + FIRST }, 3,
		"outer app.py:0, C.inner b.py:7, outer app.py:8, ");
}

/* The last number is that of a function that has not begun. */
static void not_begun(void **unused)
{
	struct fake_thread t;
	struct segment s = begin(&t);

	tell(&s, &t, FIRST, "app.py", "outer");
	becomes(&s, &t, (const uint64_t[]){ WIRE_PYTHON_PC + FIRST + 4, WIRE_PYTHON_PC + FIRST + 3 }, 2, "outer app.py:0, outer app.py:7, ");
}

/* A text may come in several records. */
static void in_pieces(void **unused)
{
	struct fake_thread t;
	struct segment s = begin(&t);

	tell_head(&s, &t, FIRST, 5, 11, 7);
	tell_text(&s, &t, WIRE_PYTHON_NAME, "f", 1);
	tell_text(&s, &t, WIRE_PYTHON_FILE, "a.", 2);
	for (size_t i = 0; i < sizeof(lines_311); i++)
		tell_text(&s, &t, WIRE_PYTHON_LINES, lines_311 + i, 1);
	tell_text(&s, &t, WIRE_PYTHON_FILE, "py", 2);
	tell_text(&s, &t, WIRE_PYTHON_END, NULL, 0);
	becomes(&s, &t, (const uint64_t[]){ WIRE_PYTHON_PC + FIRST + 1 }, 1, "f a.py:7, ");
}

#define UNKNOWN "<unknown Python function> :0, "

/* What was not told to its end, or overlaps what was told, is unknown; so is what is in no range. */
static void damaged(void **unused)
{
	struct fake_thread t;
	struct segment s = begin(&t);

	tell_text(&s, &t, WIRE_PYTHON_FILE, "none.py", 7);
	tell_head(&s, &t, 100, 5, 11, 7);
	tell_text(&s, &t, WIRE_PYTHON_FILE, "torn.py", 7);
	tell(&s, &t, FIRST, "app.py", "f");
	tell_text(&s, &t, WIRE_PYTHON_END, NULL, 0);
	tell(&s, &t, FIRST + 4, "over.py", "g");
	tell(&s, &t, FIRST - 4, "over.py", "g");
	becomes(&s, &t, (const uint64_t[]){ WIRE_PYTHON_PC + FIRST + 4, WIRE_PYTHON_PC + FIRST + 5, WIRE_PYTHON_PC + 101, WIRE_PYTHON_PC, WIRE_PYTHON_PC + FIRST - 1 }, 5,
		UNKNOWN UNKNOWN UNKNOWN UNKNOWN "f app.py:7, ");
}

/* A program without Python has no functions of it, whatever its stacks say. */
static void without_python(void **unused)
{
	struct fake_thread t;
	struct segment s = begin(&t);

	becomes(&s, &t, (const uint64_t[]){ WIRE_PYTHON_PC + FIRST }, 1, "0, ");
}

/* Long names are cut; very long tables leave functions without lines. */
static void much(void **unused)
{
	static char name[5000];
	static uint8_t table[1000];
	struct fake_thread t;
	struct segment s = begin(&t);

	memset(name, 'n', sizeof(name) - 1);
	memset(table, 0x80 | 15 << 3, sizeof(table));
	tell_head(&s, &t, FIRST, 5, 11, 7);
	for (unsigned i = 0; i < 10; i++)
		tell_text(&s, &t, WIRE_PYTHON_NAME, name, 999);
	for (unsigned i = 0; i < 5000; i++)
		tell_text(&s, &t, WIRE_PYTHON_LINES, table, sizeof(table));
	tell_text(&s, &t, WIRE_PYTHON_END, NULL, 0);
	fake_malloc_stack(&s, &t, 1, 0x1000, 1, (const uint64_t[]){ WIRE_PYTHON_PC + FIRST }, 1);
	while (segment_round(&s))
		;
	segment_open(&s);
	assert_int_equal(s.capture->symbols[0].line, 0);
	assert_int_equal(strlen(s.capture->strings[s.capture->symbols[0].function]), 4096);
	segment_free(&s);
}

/* ---- lines ---- */

static uint32_t line(uint32_t minor, const char *table, size_t bytes, uint64_t unit)
{
	return python_lines_at(&(struct python_lines){ minor, 10, (const uint8_t *)table, bytes }, unit);
}

/* By hand from CPython's Objects/lnotab_notes.txt, PEP 626, and Objects/locations.md. */
static void each_form(void **unused)
{
	assert_int_equal(line(8, "\4\1\2\5\2\xff", 6, 0), 10);
	assert_int_equal(line(8, "\4\1\2\5\2\xff", 6, 2), 11);
	assert_int_equal(line(9, "\4\1\2\5\2\xff", 6, 3), 16);
	assert_int_equal(line(9, "\4\1\2\5\2\xff", 6, 4), 15);
	assert_int_equal(line(10, "\4\0\2\x80\2\5", 6, 1), 10);
	assert_int_equal(line(10, "\4\0\2\x80\2\5", 6, 2), 0);
	assert_int_equal(line(10, "\4\0\2\x80\2\5", 6, 3), 15);
	assert_int_equal(line(10, "\4\0\2\x80\2\5", 6, 4), 0);
	/* a long entry (line + 100), one without columns (line - 1), a short one */
	assert_int_equal(line(11, "\xf0\x48\3\0\0\0\xe9\3\x82\0", 10, 0), 110);
	assert_int_equal(line(13, "\xf0\x48\3\0\0\0\xe9\3\x82\0", 10, 2), 109);
	assert_int_equal(line(12, "\xf0\x48\3\0\0\0\xe9\3\x82\0", 10, 5), 109);
	assert_int_equal(line(12, "\xf0\x48\3\0\0\0\xe9\3\x82\0", 10, 6), 0);
}

/* Any bytes give some line, and an end. */
static void any_bytes(void **unused)
{
	uint64_t seed = 3;
	char bytes[64];

	for (unsigned n = 0; n < 200000; n++) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)(seed = seed * 6364136223846793005ull + 1442695040888963407ull, seed >> 56);
		char *const exact = malloc(n % 64 + 1); /* so that a sanitizer sees its end */

		memcpy(exact, bytes, n % 64);
		assert_true(line(8 + n % 6, exact, n % 64, n % 7 ? n % 100 : UINT64_MAX) <= INT32_MAX);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_lines),
		cmocka_unit_test(not_begun),
		cmocka_unit_test(in_pieces),
		cmocka_unit_test(damaged),
		cmocka_unit_test(without_python),
		cmocka_unit_test(much),
		cmocka_unit_test(each_form),
		cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
