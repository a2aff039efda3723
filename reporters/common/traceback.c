/*
 * traceback - see traceback.h.
 */
#include "common/traceback.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOURCE_LINE_MAX 500
#define SOURCE_FILE_MAX (64 << 20)

bool traceback_parse_limit(const char *text, struct traceback_options *o)
{
	char *end;

	if (!text || !*text)
		return true;
	errno = 0;
	o->limit = strtoll(text, &end, 10);
	o->has_limit = true;
	return *end == 0 && errno == 0 && !isspace((unsigned char)*text);
}

static void parse_sources(struct traceback_options *o)
{
	static const char *const names[] = {
		[SOURCES_DEFAULT] = "default",
		[SOURCES_ALL] = "all",
		[SOURCES_NONE] = "none",
	};
	unsigned i = 0;

	if (!o->confidential_files)
		return;
	while (i <= SOURCES_NONE && strcmp(names[i], o->confidential_files) != 0)
		i++;
	if (i > SOURCES_NONE)
		ui_usage_error("argument --confidential-files: %s is none of default, all, none",
			       o->confidential_files);
	o->sources = (enum traceback_sources)i;
}

void traceback_check(const char *limit, const char *form, struct traceback_options *o)
{
	o->wanted = limit != NULL;
	ui_needs("--most-recent-first", o->most_recent_first, "--traceback", o->wanted);
	ui_needs("--functions", o->functions, "--traceback", o->wanted);
	ui_exclude(form, form, "--most-recent-first", o->most_recent_first);
	ui_exclude(form, form, "--functions", o->functions);
	ui_exclude(form, form, "--confidential-files", o->confidential_files != NULL);
	if (!traceback_parse_limit(limit, o))
		ui_usage_error("argument --traceback: %s is an invalid int value", limit);
	parse_sources(o);
}

/* O_NONBLOCK: a name in debug information may be that of a pipe by now. */
static FILE *open_source(const char *path, enum traceback_sources sources)
{
	struct stat st;
	const int fd = *path == '/' ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (sources == SOURCES_ALL || st.st_mode & S_IROTH) && st.st_size <= SOURCE_FILE_MAX) {
		FILE *const f = fdopen(fd, "r");
		if (f)
			return f;
	}
	close(fd);
	return NULL;
}

static char *strip(char *s)
{
	size_t n = strlen(s);

	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = 0;
	while (isspace((unsigned char)*s))
		s++;
	if (strlen(s) > SOURCE_LINE_MAX)
		s[SOURCE_LINE_MAX] = 0;
	return *s ? strdup(s) : NULL;
}

char *traceback_source(const char *file, uint32_t line, enum traceback_sources sources)
{
	FILE *const f = line && sources != SOURCES_NONE ? open_source(file, sources) : NULL;
	char *text = NULL, *ret = NULL;
	size_t room = 0;

	if (!f)
		return NULL;
	while (line && getline(&text, &room, f) >= 0)
		line--;
	if (line == 0)
		ret = strip(text);
	free(text);
	fclose(f);
	return ret;
}

static void print_source(FILE *f, const char *file, uint64_t line, const struct traceback_options *o)
{
	char *const source =
		line <= UINT32_MAX ? traceback_source(file, (uint32_t)line, o->sources) : NULL;

	if (!source)
		return;
	fputs("    ", f);
	ui_text(f, source);
	fputc('\n', f);
	free(source);
}

void traceback_print_cut(FILE *f, const char *indent, const struct source_frame *frame)
{
	fprintf(f, "%s... ", indent);
	if (frame->least_older < frame->most_older)
		fprintf(f, "%" PRIu64 " to ", frame->least_older);
	if (frame->most_older)
		fprintf(f, "%" PRIu64 " ", frame->most_older);
	fprintf(f, frame->most_older == 1 ? "older frame was cut off\n" : "older frames were cut off\n");
}

static void print_frame(FILE *f, const struct source_frame *frame, const struct traceback_options *o)
{
	fputs("  ", f);
	if (frame->cut) {
		traceback_print_cut(f, "", frame);
		return;
	}
	fputs("File \"", f);
	ui_text(f, frame->file);
	fprintf(f, "\", line %" PRIu32, frame->line);
	if (o->functions && *frame->function) {
		fputs(", in ", f);
		ui_text(f, frame->function);
	}
	if (o->functions && frame->via) {
		fputs(" via ", f);
		ui_text(f, frame->via);
	}
	fputc('\n', f);
	print_source(f, frame->file, frame->line, o);
}

static void print(FILE *f, const struct source_frame *frames, size_t count, const struct traceback_options *o)
{
	size_t first = 0, last = count; /* [first, last), most recent first */

	if (o->has_limit) {
		const uint64_t limit = o->limit < 0 ? -(uint64_t)o->limit : (uint64_t)o->limit;
		const size_t wanted = limit < count ? (size_t)limit : count;
		if (o->limit < 0)
			first = count - wanted;
		else
			last = wanted;
	}
	for (size_t i = first; i < last; i++)
		print_frame(f, &frames[o->most_recent_first ? i : last - 1 - (i - first)], o);
}

/* Columns for programs, then those for people. */
enum {
	FILE_NAME,
	LINE,
	FUNCTION,
	MODULE,
	VIA,
	WORD,
	NAME,
	SOURCE,
	OBJECT,
	OFFSET,
	SHOWN_VIA,
	COLUMNS,
};

static const struct emit_column columns[COLUMNS] = {
	[FILE_NAME] = { "file" },
	[LINE] = { "line" },
	[FUNCTION] = { "function" },
	[MODULE] = { "module" },
	[VIA] = { "via" },
	[WORD] = { "word", EMIT_FOR_PEOPLE },
	[NAME] = { "name", EMIT_FOR_PEOPLE },
	[SOURCE] = { "source", EMIT_FOR_PEOPLE },
	[OBJECT] = { "object", EMIT_FOR_PEOPLE },
	[OFFSET] = { "offset", EMIT_FOR_PEOPLE },
	[SHOWN_VIA] = { "shown_via", EMIT_FOR_PEOPLE },
};

static void emit_frame(struct emit *e, const struct source_frame *s, bool first)
{
	const bool is_known = s->function[0] || s->has_source || s->offset;
	const char *const unknown = is_known ? "???" : "<unknown>";

	const struct emit_value values[COLUMNS] = {
		[FILE_NAME] = emit_words(s->file),
		[LINE] = emit_number(s->line),
		[FUNCTION] = emit_words(*s->function ? s->function : NULL),
		[MODULE] = emit_words(s->module),
		[VIA] = emit_optional(s->via),
		[WORD] = emit_words(first ? "at" : "by"),
		[NAME] = emit_words(*s->function ? s->function : unknown),
		[SOURCE] = emit_optional(s->has_source ? s->file : NULL),
		[OBJECT] = emit_optional(is_known && !s->has_source ? s->module : NULL),
		[OFFSET] = emit_number(s->offset),
		[SHOWN_VIA] = emit_optional(is_known && first ? s->via : NULL),
	};

	emit_row(e, values);
}

static void emit_frames(struct emit *e, const char *key, const struct source_frame *frames, size_t count, const char *sentence)
{
	const struct emit_table table = { EMIT_TABLE(key, columns), .sentence = sentence };

	emit_table(e, &table);
	for (size_t i = 0; i < count; i++) {
		if (frames[i].cut && emit_people(e))
			traceback_print_cut(emit_people(e), "   ", &frames[i]);
		else
			emit_frame(e, &frames[i], i == 0);
	}
	emit_end(e);
}

void traceback_emit(struct emit *e, const char *key, const struct source_frame *frames, size_t count, const struct traceback_options *o)
{
	FILE *const f = emit_people(e);

	if (!f)
		emit_frames(e, key, frames, count, "");
	else if (o)
		print(f, frames, count, o);
}

void traceback_emit_calls(struct emit *e, const char *key, const struct source_frame *frames, size_t count)
{
	emit_frames(e, key, frames, count, "   {word} {name}[ ({source}:{line})][ (in {object}+0x{offset:hex})][ via {shown_via}]\n");
}

char *traceback_folded(const struct emit *e, const struct source_frame *frames, size_t count)
{
	char *text = NULL;
	size_t size;
	FILE *const m = emit_form(e) == EMIT_CSV ? open_memstream(&text, &size) : NULL;

	if (!m)
		return NULL;
	while (count-- > 0) {
		const char *const unknown = frames[count].cut ? "..." : "<unknown>";

		fputs(*frames[count].function ? frames[count].function : unknown, m);
		fputs(count ? ";" : "", m);
	}
	return ui_memstream_end(m, &text);
}

void traceback_emit_source(struct emit *e, const char *file, uint64_t line, const struct traceback_options *o)
{
	if (emit_people(e))
		print_source(emit_people(e), file, line, o);
}
