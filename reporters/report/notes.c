/* notes - see notes.h. */
#include "report/notes.h"
#include "report/python.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_LINES 3u

__attribute__((format(printf, 2, 3))) static int add(struct notes *n, const char *format, ...)
{
	va_list arguments;
	int length;

	if (n->count == NOTES_MAX)
		return 0;
	va_start(arguments, format);
	length = vasprintf(&n->texts[n->count], format, arguments);
	va_end(arguments);
	if (length < 0)
		return TRK_ERR_NOMEM;
	n->count++;
	return 0;
}

/* A recording that goes on is no fault, and the second line has said it. */
static int add_incomplete(struct notes *n, const struct report *r)
{
	char text[COMPLETENESS_ROOM];
	const char *words = completeness_describe(r->capture, r->lost, text);

	words += strspn(words, ": ");
	if (!*words || r->capture->recorder)
		return 0;
	return add(n, "Incomplete: %s", words);
}

static int add_nothing_recorded(struct notes *n, const struct report *r)
{
	const struct capture *const c = r->capture;
	int err = 0;

	if (r->view.totals.allocations)
		return 0;
	for (uint32_t i = 0; i < c->notice_count && !err; i++)
		err = add(n, "%s", c->notices[i]);
	return err ? err : add(n, "No allocation was recorded. tracker info says more.");
}

static int add_unnamed(struct notes *n, const struct report *r)
{
	char text[UNNAMED_ROOM];

	return *unnamed_brief(&r->unnamed, r->capture, text) ? add(n, "Names: %s", text) : 0;
}

static int add_changed(struct notes *n, const struct report *r)
{
	const char *path = "";
	const uint32_t count = stacks_changed_modules(r->stacks, &path);

	return count ? add(n, "Names: %s was rebuilt since, so its names are left out", path) : 0;
}

/* How its own functions get names where its frames could not be read: what CPython offers since 3.12. And what is in its arenas. */
static int add_python(struct notes *n, const struct report *r)
{
	const int minor = python_unread(r->capture, &r->view);
	char text[ARENAS_ROOM];

	if (*arenas_describe(&r->arenas, text))
		return add(n, "Python: %s", text);
	if (minor <= 0)
		return minor;
	if (minor < 12)
		return add(n, "Python: 3.%d cannot name its functions; 3.12 and later can (python3 -X perf)", minor);
	return add(n, "Python: its functions get names by python3 -X perf, or PYTHONPERFSUPPORT=1");
}

static int add_sampled(struct notes *n, const struct report *r)
{
	const struct sampled_margin m = sampled_view_margin(&r->view, &r->asked);
	char every[32], margin[32];

	if (!r->view.sample_bytes)
		return 0;
	return add(n, "Sampled every %s: figures are estimates; the peak is right within %s (99 %%)",
		   ui_size(every, sizeof(every), (int64_t)r->view.sample_bytes, false), ui_size(margin, sizeof(margin), (int64_t)m.bytes, false));
}

int notes_find(struct notes *n, const struct report *r)
{
	static int (*const finders[])(struct notes *, const struct report *) = {
		add_incomplete,
		add_nothing_recorded,
		add_python,
		add_unnamed,
		add_changed,
		add_sampled,
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(finders) / sizeof(*finders) && !err; i++)
		err = finders[i](n, r);
	return err;
}

void notes_figures(struct emit *e, const struct notes *n)
{
	static const struct emit_column columns[] = { { "note" } };
	static const struct emit_table table = { EMIT_TABLE("notes", columns), .sentence = "" };

	emit_table(e, &table);
	for (size_t i = 0; i < n->count; i++)
		emit_row(e, (struct emit_value[]){ emit_words(n->texts[i]) });
	emit_end(e);
}

void notes_say(struct sheet *s, const struct notes *n)
{
	for (size_t i = 0; i < n->count && s->left > 1; i++) {
		const unsigned others = (unsigned)(n->count - i - 1), room = s->left - 1;
		const unsigned lines = room > others ? room - others : 1;

		sheet_text(s, n->texts[i], lines < NOTE_LINES ? lines : NOTE_LINES);
	}
}

void notes_finish(struct notes *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->texts[i]);
	*n = (struct notes){ 0 };
}
