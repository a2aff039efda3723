/*
 * traceback_print - a stack as tracemalloc prints one, with its source lines; see traceback.h.
 */
#include "common/traceback.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOURCE_LINE_MAX 500
#define SOURCE_FILE_MAX (64 << 20)

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

void traceback_print_source(FILE *f, const char *file, uint64_t line, const struct traceback_options *o)
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

/* The second in which a file was changed last; `otherwise`: it is not there. */
static int64_t changed_at(const char *path, int64_t otherwise)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_mtim.tv_sec : otherwise;
}

/* Whether the source is still the one that was compiled, as far as times tell: older than the program, and than the recording. */
static bool is_old_enough(const struct source_frame *frame, int64_t not_after)
{
	const int64_t built = changed_at(frame->module, not_after), changed = changed_at(frame->file, INT64_MAX);

	return changed <= not_after && changed <= built;
}

char *traceback_call_source(const struct source_frame *frame, const struct traceback_calls *o)
{
	return is_old_enough(frame, o->not_after) ? traceback_source(frame->file, frame->line, o->sources) : NULL;
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
	traceback_print_source(f, frame->file, frame->line, o);
}

void traceback_print(FILE *f, const struct source_frame *frames, size_t count, const struct traceback_options *o)
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

void traceback_print_folded(FILE *f, const struct source_frame *frames, size_t count)
{
	while (count-- > 0) {
		const char *const unknown = frames[count].cut ? "..." : "<unknown>";

		fputs(*frames[count].function ? frames[count].function : unknown, f);
		fputs(count ? ";" : "", f);
	}
}
