/*
 * forms - results as programs that run tests read them: JUnit's XML (as Jenkins and GitLab read it: testsuites, testsuite, testcase),
 * TAP (testanything.org, version 13), and the workflow commands of GitHub Actions with its summary of a step.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/results.h"

#define FRAMES 16u /* that a message has at most */

static const char not_whole[] = "capture-is-whole"; /* the check that fails when it is not */

/* "Audio::process_block (a.c:20)". put: ui_markup, for example. */
static void put_frame(FILE *f, const struct source_frame *frame, void (*put)(FILE *f, const char *s))
{
	put(f, *frame->function ? frame->function : "<unknown>");
	fputs(frame->has_source ? " (" : " (in ", f);
	put(f, frame->has_source ? frame->file : frame->module);
	if (frame->has_source)
		fprintf(f, ":%u", (unsigned)frame->line);
	fputs(")", f);
}

/* One line each: before, then the frame. */
static void put_frames(FILE *f, const struct check_result *c, struct report *r, const char *before, void (*put)(FILE *f, const char *s))
{
	size_t n;
	const struct source_frame *const frames = check_frames(c, r->stacks, &n);

	for (size_t i = 0; i < n && i < FRAMES; i++) {
		fputs(before, f);
		fputs(i ? "by " : "at ", f);
		put_frame(f, &frames[i], put);
		fputs("\n", f);
	}
}

static int end(const struct report *r)
{
	return stacks_short_of_memory(r->stacks) ? TRK_ERR_NOMEM : 0;
}

/* ---- JUnit ---- */

static void put_testcase(FILE *f, const char *name)
{
	fputs("    <testcase classname=\"tracker.check\" name=\"", f);
	ui_markup(f, name);
	fputs("\" time=\"0\"", f);
}

static int write_junit(const struct check_results *all, struct report *r, FILE *f)
{
	char text[RESULT_ROOM];

	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"tracker check ", f);
	ui_markup(f, r->capture->path);
	fprintf(f, "\" tests=\"%zu\" failures=\"%zu\" errors=\"%d\" skipped=\"0\" time=\"0\">\n", all->count + (all->incomplete ? 1 : 0), all->failed,
		all->incomplete ? 1 : 0);
	for (size_t i = 0; i < all->count; i++) {
		const struct check_result *const c = &all->items[i];

		put_testcase(f, check_name(c, text));
		fputs(c->passed ? ">\n      <system-out>" : ">\n      <failure type=\"budget\" message=\"", f);
		ui_markup(f, check_sentence(c, text));
		if (!c->passed) {
			fputs("\">", f);
			put_frames(f, c, r, "", ui_markup);
		}
		fputs(c->passed ? "</system-out>\n    </testcase>\n" : "</failure>\n    </testcase>\n", f);
	}
	if (all->incomplete) {
		put_testcase(f, not_whole);
		fputs(">\n      <error type=\"incomplete\" message=\"", f);
		ui_markup(f, all->incomplete);
		fputs("\"/>\n    </testcase>\n", f);
	}
	fputs("  </testsuite>\n</testsuites>\n", f);
	return end(r);
}

/* ---- TAP ---- */

/* In a description, # begins a directive. */
static void put_description(FILE *f, const char *s)
{
	const char *const end = s + strlen(s);

	while (s < end) {
		char piece[UI_PIECE_ROOM];

		s += ui_piece(s, (size_t)(end - s), piece);
		fprintf(f, *piece == '#' || *piece == '\\' ? "\\%s" : "%s", piece);
	}
}

static int write_tap(const struct check_results *all, struct report *r, FILE *f)
{
	char text[RESULT_ROOM];

	fprintf(f, "TAP version 13\n1..%zu\n", all->count + (all->incomplete ? 1 : 0));
	for (size_t i = 0; i < all->count; i++) {
		const struct check_result *const c = &all->items[i];

		fprintf(f, "%s %zu - ", c->passed ? "ok" : "not ok", i + 1);
		put_description(f, check_name(c, text));
		fputs("\n# ", f);
		ui_prose(f, check_sentence(c, text));
		fputs("\n", f);
		put_frames(f, c, r, "# ", ui_prose);
	}
	if (all->incomplete) {
		fprintf(f, "not ok %zu - %s\n# ", all->count + 1, not_whole);
		ui_prose(f, all->incomplete);
		fputs("\n", f);
	}
	return end(r);
}

/* ---- GitHub ---- */

/* What its parser takes for its own: % and ends of lines everywhere, : and , in properties. */
static void put_escaped(FILE *f, const char *s, const char *special)
{
	for (; *s; s++) {
		if (*s == '%' || *s == '\r' || *s == '\n' || strchr(special, *s))
			fprintf(f, "%%%02X", (unsigned char)*s);
		else
			putc(*s, f);
	}
}

static void put_property(FILE *f, const char *s)
{
	put_escaped(f, s, ":,");
}

static void put_message(FILE *f, const char *s)
{
	put_escaped(f, s, "");
}

/* Below the folder of the repository, which is what it knows files by. */
static const char *in_workspace(const char *path)
{
	const char *const folder = getenv("GITHUB_WORKSPACE");
	const size_t n = folder ? strlen(folder) : 0;

	return n && strncmp(path, folder, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static void put_annotation(FILE *f, const struct check_result *c, struct report *r)
{
	char text[RESULT_ROOM];
	size_t n, i = 0;
	const struct source_frame *frames = check_frames(c, r->stacks, &n);

	fputs("::error title=tracker check%3A ", f);
	put_property(f, check_name(c, text));
	while (i < n && !frames[i].has_source)
		i++;
	if (i < n) {
		fputs(",file=", f);
		put_property(f, in_workspace(frames[i].file));
		fprintf(f, ",line=%u", (unsigned)frames[i].line);
	}
	fputs("::", f);
	put_message(f, check_sentence(c, text));
	for (i = 0; i < n && i < FRAMES; i++) {
		fputs(i ? "%0Aby " : "%0Aat ", f);
		put_frame(f, &frames[i], put_message);
	}
	fputs("\n", f);
}

/* In a table of Markdown: what it takes for its own is written as an entity, so that a name stays a name. */
static void put_cell(FILE *f, const char *s)
{
	const char *const end = s + strlen(s);

	while (s < end) {
		char piece[UI_PIECE_ROOM];

		s += ui_piece(s, (size_t)(end - s), piece);
		if (strchr("|`*_[]\\~@#", *piece))
			fprintf(f, "&#%d;%s", *piece, piece + 1);
		else
			ui_markup(f, piece);
	}
}

static void put_summary_row(FILE *f, const char *mark, const char *name, const char *sentence)
{
	fprintf(f, "| %s | ", mark);
	put_cell(f, name);
	fputs(" | ", f);
	put_cell(f, sentence);
	fputs(" |\n", f);
}

static void write_summary(const struct check_results *all, const struct report *r, FILE *f)
{
	char name[RESULT_ROOM], sentence[RESULT_ROOM];

	fputs("### tracker check ", f);
	put_cell(f, r->capture->path);
	fputs("\n\n|  | check | found |\n|---|---|---|\n", f);
	for (size_t i = 0; i < all->count; i++) {
		const struct check_result *const c = &all->items[i];

		put_summary_row(f, c->passed ? "ok" : "**FAIL**", check_name(c, name), check_sentence(c, sentence));
	}
	if (all->incomplete)
		put_summary_row(f, "**FAIL**", not_whole, all->incomplete);
	fputs("\n", f);
}

/* Where GitHub says that the summary of a step goes: behind what other commands wrote there. */
static void append_summary(const struct check_results *all, const struct report *r)
{
	const char *const path = getenv("GITHUB_STEP_SUMMARY");
	FILE *const f = path && *path ? fopen(path, "ae") : NULL;
	bool failed;

	if (!path || !*path)
		return;
	if (f)
		write_summary(all, r, f);
	failed = !f || ferror(f);
	if ((f && fclose(f) != 0) || failed)
		ui_warn("cannot write the step's summary %s: %s", path, strerror(errno));
}

static int write_github(const struct check_results *all, struct report *r, FILE *f)
{
	for (size_t i = 0; i < all->count; i++)
		if (!all->items[i].passed)
			put_annotation(f, &all->items[i], r);
	if (all->incomplete) {
		fprintf(f, "::error title=tracker check%%3A %s::", not_whole);
		put_message(f, all->incomplete);
		fputs("\n", f);
	}
	fprintf(f, "%zu of %zu checks failed\n", all->failed, all->count);
	append_summary(all, r);
	return end(r);
}

const struct check_form check_forms[] = {
	{ "junit", write_junit },
	{ "tap", write_tap },
	{ "github", write_github },
	{ "sarif", check_write_sarif },
	{ 0 },
};
