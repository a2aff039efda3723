/*
 * traceback - see traceback.h.
 */
#include "traceback.h"

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
		[SOURCES_DEFAULT] = "default", [SOURCES_ALL] = "all", [SOURCES_NONE] = "none",
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

void traceback_check(const char *limit, bool json, struct traceback_options *o)
{
	o->wanted = limit != NULL;
	ui_needs("--most-recent-first", o->most_recent_first, "--traceback", o->wanted);
	ui_needs("--functions", o->functions, "--traceback", o->wanted);
	ui_exclude("--json", json, "--most-recent-first", o->most_recent_first);
	ui_exclude("--json", json, "--functions", o->functions);
	ui_exclude("--json", json, "--confidential-files", o->confidential_files != NULL);
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

void traceback_print_source(FILE *f, const char *indent, const char *file, uint64_t line,
			    const struct traceback_options *o)
{
	char *const source =
		line <= UINT32_MAX ? traceback_source(file, (uint32_t)line, o->sources) : NULL;

	if (!source)
		return;
	fprintf(f, "%s    ", indent);
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

static void print_frame(FILE *f, const char *indent, const struct source_frame *frame,
			const struct traceback_options *o)
{
	fprintf(f, "%s  ", indent);
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
	traceback_print_source(f, indent, frame->file, frame->line, o);
}

void traceback_print(FILE *f, const char *indent, const struct source_frame *frames, size_t count,
		     const struct traceback_options *o)
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
		print_frame(f, indent, &frames[o->most_recent_first ? i : last - 1 - (i - first)], o);
}

void traceback_json(struct ui_json *j, const char *key, const struct source_frame *frames,
		    size_t count)
{
	ui_json_array(j, key);
	for (size_t i = 0; i < count; i++) {
		ui_json_object(j, NULL);
		ui_json_string(j, "file", frames[i].file);
		ui_json_uint(j, "line", frames[i].line);
		ui_json_string(j, "function", *frames[i].function ? frames[i].function : NULL);
		ui_json_string(j, "module", frames[i].module);
		if (frames[i].via)
			ui_json_string(j, "via", frames[i].via);
		ui_json_end(j);
	}
	ui_json_end(j);
}
