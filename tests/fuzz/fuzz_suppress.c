/*
 * fuzz_suppress - suppression files and skip patterns out of any bytes. The first byte says how much of the rest
 * is a name; what follows is a file of rules, of which the first line is also a pattern by itself.
 */
#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/suppress.h"
#include "symbols/skip.h"

#define NAME_MAX_BYTES 32u
#define PATTERN_MAX 24u
#define WILDCARDS_MAX 4u /* the slow way takes exponential time */

/* The slow and obvious way: where * is, everything is tried. */
static bool matches_here(const char *p, const char *t, bool to_end)
{
	if (!*p)
		return !to_end || !*t;
	if (*p == '$' && !p[1])
		return !*t;
	if (*p == '*' || *p == '$') { /* a $ that is not at the end is one more * */
		for (;; t++) {
			if (matches_here(p + 1, t, to_end))
				return true;
			if (!*t)
				return false;
		}
	}
	return *t == *p && matches_here(p + 1, t + 1, to_end);
}

static bool matches_anywhere(const char *p, const char *t)
{
	if (!*t)
		return false;
	if (*p == '^')
		return matches_here(p + 1, t, false);
	for (;; t++) {
		if (matches_here(p, t, false))
			return true;
		if (!*t)
			return false;
	}
}

static unsigned wildcards(const char *pattern)
{
	unsigned n = 0;

	for (; *pattern; pattern++)
		n += *pattern == '*' || *pattern == '$';
	return n;
}

static void as_pattern(const char *pattern, const char *name)
{
	const char *const patterns[] = { pattern, NULL };

	(void)skip_matches(name, patterns);
	(void)skip_is_allocator(name);
	(void)skip_is_runtime(name);
	(void)skip_is_runtime_module(name);
	if (wildcards(pattern) <= WILDCARDS_MAX)
		MUST(suppress_pattern_matches(pattern, name) == matches_anywhere(pattern, name));
}

static const struct suppress_kind kinds[] = { { "leak", "Leak", 1 }, { "other", "Free", 2 }, { 0 } };

static void as_file(const uint8_t *data, size_t size, const char *name)
{
	const struct source_frame frames[] = {
		{ .function = "malloc", .full_function = "malloc", .file = "<unknown>", .module = "/lib/libc.so.6", .skipped = true },
		{ .function = name, .full_function = name, .file = name, .module = name },
		{ .function = "", .full_function = "", .file = "a.c", .module = "/lib/ld-linux-x86-64.so.2" },
	};
	struct suppressions s;
	unsigned line = 0;
	char path[64];
	const int fd = memfd_create("rules", MFD_CLOEXEC);

	if (fd < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	MUST(suppressions_init(&s, size % 2) == 0);
	if (write(fd, data, size) == (ssize_t)size) {
		const int err = suppressions_read(&s, path, kinds, &line);

		MUST(err == 0 || (err == TRK_ERR_ARG && line));
		for (size_t n = 0; n <= 3; n++)
			(void)suppressions_match(&s, frames, n, &(struct suppressed){ .kind = (uint8_t)(size % 12), .verdict = (uint8_t)(n % LOOK_VERDICTS), .judged = n & 1, .about = (uint32_t)size % 4 });
	}
	suppressions_finish(&s);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[NAME_MAX_BYTES + 1] = "", pattern[PATTERN_MAX + 1] = "";
	size_t n;

	if (!size)
		return 0;
	n = data[0] % (NAME_MAX_BYTES + 1);
	data++, size--;
	n = n < size ? n : size;
	memcpy(name, data, n);
	data += n, size -= n;
	for (size_t i = 0; i < PATTERN_MAX && i < size && data[i] != '\n'; i++)
		pattern[i] = (char)data[i];
	as_pattern(pattern, name);
	as_file(data, size, name);
	return 0;
}
