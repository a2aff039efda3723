/*
 * test_embed - this program looks up addresses of its own calls: the truth is
 * __LINE__, __FILE__ and the function's name. Modules that are missing, rebuilt
 * or no ELF files are reported and left for later.
 */
#include "unit.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbols/embed.h"

enum { M_NONE, M_SELF, M_MISSING, M_CHANGED, M_TEXT, M_VDSO, M_UNUSED, M_COUNT };

static char self[4096];
static uint8_t build_id[64];
static uint32_t build_id_bytes;
static uint64_t bias;

/* The return address into the caller, in the module's own addresses. */
static __attribute__((noinline)) uint64_t here(void)
{
	return (uint64_t)(uintptr_t)__builtin_return_address(0) - bias;
}

static __attribute__((noinline)) uint64_t known_place(uint32_t *ret_line)
{
	const uint64_t address = here(); *ret_line = __LINE__;

	return address;
}

static inline __attribute__((always_inline)) uint64_t inlined_place(uint32_t *ret_line)
{
	const uint64_t address = here(); *ret_line = __LINE__;

	return address;
}

static __attribute__((noinline)) uint64_t outer_place(uint32_t *ret_inner, uint32_t *ret_outer)
{
	const uint64_t address = inlined_place(ret_inner); *ret_outer = __LINE__;

	return address;
}

static void take_build_id(const uint8_t *note, size_t size)
{
	while (size >= sizeof(ElfW(Nhdr))) {
		ElfW(Nhdr) n;
		size_t whole;

		memcpy(&n, note, sizeof(n));
		whole = sizeof(n) + ((n.n_namesz + 3u) & ~3u) + ((n.n_descsz + 3u) & ~3u);
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 && n.n_descsz <= sizeof(build_id)) {
			build_id_bytes = n.n_descsz;
			memcpy(build_id, note + sizeof(n) + 4, build_id_bytes);
		}
		if (whole > size)
			return;
		note += whole;
		size -= whole;
	}
}

/* The first object is the program itself. */
static int take_self(struct dl_phdr_info *info, size_t size, void *data)
{
	bias = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *const p = &info->dlpi_phdr[i];

		if (p->p_type == PT_NOTE)
			take_build_id((const uint8_t *)(uintptr_t)(bias + p->p_vaddr), p->p_memsz);
	}
	return 1;
}

static int find_self(void **state)
{
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	dl_iterate_phdr(take_self, NULL);
	return n > 0 && build_id_bytes ? 0 : -1;
}

static void describe(struct embed_module modules[M_COUNT], const char *text_file)
{
	static const uint8_t other_id[20] = { 1, 2, 3 };

	memset(modules, 0, M_COUNT * sizeof(*modules));
	modules[M_SELF] = (struct embed_module){ .record = { self, build_id, build_id_bytes, 1 }, .fd = -1 };
	modules[M_MISSING] = (struct embed_module){ .record = { "/nonexistent/lib.so", NULL, 0, 0 }, .fd = -1 };
	modules[M_CHANGED] = (struct embed_module){ .record = { self, other_id, sizeof(other_id), 0 }, .fd = -1 };
	modules[M_TEXT] = (struct embed_module){ .record = { text_file, NULL, 0, 0 }, .fd = -1 };
	modules[M_VDSO] = (struct embed_module){ .record = { "[vdso]", NULL, 0, 2 }, .fd = -1 };
	modules[M_UNUSED] = (struct embed_module){ .record = { self, NULL, 0, 0 }, .fd = -1 };
}

struct seen {
	uint32_t frame, calls;
	size_t n;
	char function[2][64], file[2][4096];
	uint32_t line[2];
	bool inlined[2];
};

static void see(void *data, uint32_t frame, const struct trk_symbol_text *s, size_t n)
{
	struct seen *const seen = data;

	seen->frame = frame;
	seen->calls++;
	seen->n = n;
	for (size_t i = 0; i < n && i < 2; i++) {
		snprintf(seen->function[i], sizeof(seen->function[i]), "%s", s[i].function);
		snprintf(seen->file[i], sizeof(seen->file[i]), "%s", s[i].file ? s[i].file : "");
		seen->line[i] = s[i].line;
		seen->inlined[i] = s[i].inlined;
	}
}

/* The build may name this file relative to anywhere: the end of the path is ours. */
static void check_file(const char *file)
{
	const size_t n = strlen("tests/unit/test_embed.c");

	assert_true(file[0] == '/' && strlen(file) > n);
	assert_string_equal(file + strlen(file) - n, "tests/unit/test_embed.c");
	assert_null(strstr(file, "/../"));
}

static void a_return_address_names_its_call(void **state)
{
	uint32_t line;
	struct embed_frame frame = { M_SELF, 7, known_place(&line) };
	struct embed_module modules[M_COUNT];
	struct seen seen = { 0 };
	const struct embed_sink sink = { .symbols = see, .data = &seen };
	struct embed_report report = { 0 };

	describe(modules, "");
	assert_int_equal(embed_frames(&frame, 1, modules, M_COUNT, &sink, &report), 0);
	assert_int_equal(seen.frame, 7);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.function[0], "known_place");
	check_file(seen.file[0]);
	assert_int_equal(seen.line[0], line);
	assert_false(seen.inlined[0]);
	assert_int_equal(report.resolved, 1);
}

static void inlined_calls_are_frames(void **state)
{
	uint32_t inner, outer;
	struct embed_frame frame = { M_SELF, 1, outer_place(&inner, &outer) };
	struct embed_module modules[M_COUNT];
	struct seen seen = { 0 };
	const struct embed_sink sink = { .symbols = see, .data = &seen };
	struct embed_report report = { 0 };

	describe(modules, "");
	assert_int_equal(embed_frames(&frame, 1, modules, M_COUNT, &sink, &report), 0);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.function[0], "inlined_place");
	assert_string_equal(seen.function[1], "outer_place");
	assert_int_equal(seen.line[0], inner);
	assert_int_equal(seen.line[1], outer);
	assert_true(seen.inlined[0] && !seen.inlined[1]);
}

/* The file may be gone by then: it stays open. */
static void what_was_forgotten_is_read_again(void **state)
{
	uint32_t inner, outer;
	const uint64_t address = outer_place(&inner, &outer) - 1;
	char path[sizeof(self) + 32], text_file[] = "/tmp/test_embed.XXXXXX";
	const int fd = mkstemp(text_file);
	struct resolver *r = NULL;
	struct resolved_frame f[4];

	snprintf(path, sizeof(path), "cp %s %s", self, text_file);
	assert_true(fd >= 0 && system(path) == 0);
	close(fd);
	assert_int_equal(resolver_new(&r), 0);
	struct resolver_module *const m = resolver_module(r, text_file, build_id, build_id_bytes);

	for (int i = 0; i < 3; i++, resolver_forget(r)) {
		assert_int_equal(resolver_lookup(m, address, f, 4), 2);
		unlink(text_file);
		assert_string_equal(f[0].function, "inlined_place");
		assert_string_equal(f[1].function, "outer_place");
		assert_int_equal(f[0].line, inner);
		assert_int_equal(f[1].line, outer);
		assert_int_equal(resolver_module_state(m), RESOLVER_FULL);
	}
	resolver_free(r);
}

static void modules_that_cannot_be_read_are_left_for_later(void **state)
{
	char text_file[] = "/tmp/test_embed.XXXXXX";
	const int fd = mkstemp(text_file);
	uint32_t line;
	struct embed_frame frames[] = {
		{ M_VDSO, 1, 0x100 }, { M_TEXT, 2, 0x100 },  { M_CHANGED, 3, known_place(&line) },
		{ M_MISSING, 4, 1 },  { M_SELF, 5, 0x10 },   { 0, 6, 0x1234 },
		{ M_COUNT, 7, 0x10 }, { M_MISSING, 8, 0x0 }, { M_SELF, 9, known_place(&line) },
	};
	struct embed_module modules[M_COUNT];
	uint8_t states[M_COUNT];
	struct seen seen = { 0 };
	const struct embed_sink sink = { .symbols = see, .data = &seen };
	struct embed_report report = { .states = states };

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "no ELF file\n", 12), 12);
	close(fd);
	describe(modules, text_file);
	assert_int_equal(embed_frames(frames, 9, modules, M_COUNT, &sink, &report), 0);
	unlink(text_file);
	assert_int_equal(seen.calls, 2); /* both frames of this program, one of them unknown */
	assert_int_equal(report.frames, 7);
	assert_int_equal(report.resolved, 1);
	assert_int_equal(report.without_symbols, 6);
	assert_int_equal(report.modules, 4);
	assert_int_equal(report.missing, 1);
	assert_int_equal(report.changed, 1);
	assert_int_equal(report.unreadable, 1);
	assert_int_equal(report.unavailable_frames, 4);
	assert_int_equal(states[M_SELF], RESOLVER_FULL);
	assert_int_equal(states[M_MISSING], RESOLVER_MISSING);
	assert_int_equal(states[M_CHANGED], RESOLVER_CHANGED);
	assert_int_equal(states[M_TEXT], RESOLVER_UNREADABLE);
	assert_int_equal(states[M_UNUSED], EMBED_UNUSED);
}

struct to_writer {
	struct writer *writer;
	uint64_t done;
};

static void count_progress(void *data, uint64_t done, uint64_t total)
{
	assert_true(done <= total);
	((struct to_writer *)data)->done = done;
}

static void put_symbols(void *data, uint32_t frame, const struct trk_symbol_text *s, size_t n)
{
	writer_symbols(((struct to_writer *)data)->writer, frame, s, n);
}

static void a_writer_gets_symbols_for_its_frames(void **state)
{
	const int fd = memfd_create("capture", MFD_CLOEXEC);
	const struct trk_header header = { .version = TRK_VERSION, .page_bytes = 4096 };
	struct embed_module modules[M_COUNT];
	struct embed_report report = { 0 };
	struct writer *w = NULL;
	struct to_writer to = { 0 };
	const struct embed_sink sink = { .symbols = put_symbols, .progress = count_progress, .data = &to };
	uint32_t line;
	char bytes[8192] = "";

	describe(modules, "");
	assert_int_equal(writer_new(&w, fd, &header), 0);
	writer_module(w, &(struct trk_module){ .path = self });
	writer_frame(w, M_SELF, known_place(&line));
	writer_frame(w, 0, 0x1000);
	to.writer = w;
	assert_int_equal(embed_writer_frames(w, modules, M_COUNT, &sink, &report), 0);
	assert_int_equal(report.frames, 1);
	assert_int_equal(report.resolved, 1);
	assert_int_equal(to.done, 2);
	assert_int_equal(writer_finish(w), 0);
	writer_free(w);
	assert_true(pread(fd, bytes, sizeof(bytes), 0) > 0);
	assert_non_null(memmem(bytes, sizeof(bytes), "known_place", 11));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_return_address_names_its_call),
		cmocka_unit_test(inlined_calls_are_frames),
		cmocka_unit_test(what_was_forgotten_is_read_again),
		cmocka_unit_test(modules_that_cannot_be_read_are_left_for_later),
		cmocka_unit_test(a_writer_gets_symbols_for_its_frames),
	};

	return cmocka_run_group_tests(tests, find_self, NULL);
}
