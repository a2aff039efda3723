/*
 * tracker-version - which tracker this is: its version, the commit that it was built of, and the libraries that it runs with.
 */
#include <elfutils/libdwfl.h>
#include <lz4.h>
#include <string.h>
#include <sys/utsname.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

#include "commit.h"
#include "ui/emit.h"

static bool json;

static const struct ui_option options[] = {
	{ 'j', "json", UI_FLAG, &json, NULL, "machine-readable output", 0, 0 },
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-version",
	.usage = "[options]",
	.summary = "Prints the version of tracker, its commit, and the versions of the libraries that it runs with.",
	.options = options,
	.is_internal = true, /* it answers also if the file has a mistake */
};

/* A release archive knows no commit. */
static const char *commit(void)
{
	return strcmp(TRACKER_COMMIT, "unknown") != 0 ? TRACKER_COMMIT : NULL;
}

static void describe_libraries(struct emit *e)
{
	static const struct emit_column columns[] = { { "name" }, { "version" } };
	static const struct emit_table table = { EMIT_TABLE("libraries", columns), .sentence = "{name} {version}\n" };
	char xxhash[32];
	const unsigned n = XXH_versionNumber();

	snprintf(xxhash, sizeof(xxhash), "%u.%u.%u", n / 10000, n / 100 % 100, n % 100);

	const struct {
		const char *name, *version;
	} libraries[] = {
		{ "elfutils", dwfl_version(NULL) },
		{ "zstd", ZSTD_versionString() },
		{ "lz4", LZ4_versionString() },
		{ "xxhash", xxhash },
		{ "zlib", zlibVersion() },
	};

	emit_table(e, &table);
	for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++)
		emit_row(e, (struct emit_value[]){ emit_words(libraries[i].name), emit_words(libraries[i].version) });
	emit_end(e);
}

int main(int argc, char **argv)
{
	struct utsname machine = { 0 };

	ui_parse(&command, argc, argv, false);
	uname(&machine);
	struct emit *const e = emit_new(json ? EMIT_JSON : EMIT_PEOPLE, stdout, NULL);
	struct ui_output out = { .file = stdout };

	if (e) {
		emit_document(e, "tracker.version", 1);
		emit_figure(e, "version", emit_words(TRACKER_VERSION));
		emit_figure(e, "commit", emit_words(commit()));
		emit_figure(e, "machine", emit_words(machine.machine));
		emit_say(e, "tracker {version}[ (commit {commit})] on {machine}\n");
		describe_libraries(e);
	}
	if (!e || emit_end_all(e)) {
		ui_error("out of memory");
		return UI_CANNOT;
	}
	return ui_output_close(&out);
}
