/* capture - whole, cut and damaged files; the cursor over them. Tables that lie: test_capture_hostile.c. */
#include "capture_reading.h"

#define EVENTS 1200u

static void add_process(struct writer *w, uint32_t index)
{
	const struct trk_process p = {
		.index = index,
		.pid = 100 + index,
		.ppid = 99,
		.parent = index ? index - 1 : UINT32_MAX,
		.start_ns = index,
		.end_ns = 5000,
		.ended = 1,
		.code = 7,
		.name = "prog",
		.executable = "/bin/prog",
		.command_line = "prog\0-x",
		.command_line_bytes = 8,
		.execs = 2,
		.libc = "glibc 2.36",
		.host = "ada",
		.system = "Linux 6.1.0 x86_64",
		.titled = TRK_NAMED,
		.title = "prog: worker",
	};
	const struct trk_thread t = { .index = index, .process = index, .tid = 100 + index, .end_ns = UINT64_MAX, .name = "worker", .main = true };

	writer_process(w, &p);
	writer_thread(w, &t);
}

/* Two processes; frames, nodes, symbols; EVENTS events, flushed now and then. */
static struct capture_file sample(void)
{
	static const uint8_t build_id[] = { 1, 2, 0, 4 };
	const struct capture_file f = capture_file_new();
	struct writer *w = capture_file_writer(&f);
	const struct trk_module m = { "/bin/prog", build_id, sizeof(build_id), 1 };
	const struct trk_symbol_text symbols[] = { { "inner", "a.c", 3, true },
						   { "outer", "b.c", 4, false } };
	uint32_t node = 0;

	add_process(w, 0);
	add_process(w, 1);
	for (uint32_t i = 0; i < EVENTS; i++) {
		struct trk_event e = event_of(i % 2, i * 10, TRK_MALLOC, 0x1000 + i * 16, i);

		if (i % 100 == 0)
			node = writer_node(w, node, writer_frame(w, writer_module(w, &m), i));
		e.node = node;
		e.thread = i % 2;
		writer_event(w, &e);
		if (i % 200 == 199)
			assert_int_equal(writer_flush(w), 0);
	}
	writer_symbols(w, 1, symbols, 2);
	writer_mapping(w, &(struct trk_mapping){ 0, 1, 0x10, 0x1000, 0x2000, 5, UINT64_MAX });
	writer_rss(w, 1, 77, 8192);
	writer_notice(w, "nothing to see");
	writer_health(w, "lost", 1);
	writer_health(w, "lost", 3);
	writer_summary(w, "events", EVENTS);
	capture_file_finish(w);
	return f;
}

static void every_table_comes_back(void **state)
{
	const struct capture_file f = sample();
	struct capture *c = capture_file_open(&f);

	assert_true(c->complete);
	assert_false(c->cut);
	assert_int_equal(c->event_count, EVENTS);
	assert_int_equal(c->process_count, 2);
	assert_int_equal(c->processes[1].parent, 0);
	assert_int_equal(c->processes[0].parent, UINT32_MAX);
	assert_int_equal(c->processes[1].end_ns, 5000);
	assert_int_equal(c->processes[1].code, 7);
	assert_int_equal(c->processes[1].execs, 2);
	assert_string_equal(c->processes[1].libc, "glibc 2.36");
	assert_string_equal(c->processes[1].host, "ada");
	assert_string_equal(c->processes[1].system, "Linux 6.1.0 x86_64");
	assert_int_equal(c->processes[1].titled, TRK_NAMED);
	assert_string_equal(c->processes[1].title, "prog: worker");
	assert_memory_equal(c->processes[1].command_line, "prog\0-x", 8);
	assert_int_equal(c->threads[1].tid, 101);
	assert_int_equal(c->threads[1].end_ns, UINT64_MAX);
	assert_true(c->threads[1].main);
	assert_string_equal(c->threads[1].name, "worker");
	assert_int_equal(c->module_count, 2);
	assert_string_equal(c->modules[1].path, "/bin/prog");
	assert_int_equal(c->modules[1].build_id_bytes, 4);
	assert_memory_equal(c->modules[1].build_id, "\1\2\0\4", 4);
	assert_int_equal(c->frame_count, 1 + EVENTS / 100);
	assert_int_equal(c->frames[3].offset, 200);
	assert_int_equal(c->frames[3].symbol_count, UINT32_MAX);
	assert_int_equal(c->nodes[3].parent, 2);
	assert_int_equal(c->frames[1].symbol_count, 2);
	assert_true(c->symbols[c->frames[1].first_symbol].inlined);
	assert_string_equal(c->strings[c->symbols[c->frames[1].first_symbol + 1].function],
			    "outer");
	assert_int_equal(c->symbols[c->frames[1].first_symbol + 1].line, 4);
	assert_int_equal(c->mapping_count, 1);
	assert_int_equal(c->mappings[0].unload_time_ns, UINT64_MAX);
	assert_int_equal(c->rss[0].rss_bytes, 8192);
	assert_int_equal(c->rss[0].time_ns, 77);
	assert_string_equal(c->notices[0], "nothing to see");
	assert_int_equal(capture_health(c, "lost"), 3);
	assert_int_equal(capture_health(c, "absent"), 0);
	assert_int_equal(capture_summary(c, "events"), EVENTS);
	assert_int_equal(capture_process_by_pid(c, 101), 1);
	assert_int_equal(capture_process_by_pid(c, 5), UINT32_MAX);
	capture_close(c);
	close(f.fd);
}

static void processes_merge_in_time_order(void **state)
{
	const struct capture_file f = sample();
	struct capture *c = capture_file_open(&f);
	size_t n;
	struct trk_event *e = capture_file_events(c, UINT32_MAX, &n);

	assert_int_equal(n, EVENTS);
	for (uint32_t i = 0; i < EVENTS; i++) {
		assert_int_equal(e[i].time_ns, i * 10);
		assert_int_equal(e[i].process, i % 2);
		assert_int_equal(e[i].thread, i % 2);
		assert_int_equal(e[i].address, 0x1000 + i * 16);
		assert_int_equal(e[i].node, i / 100 + 1);
	}
	free(e);
	e = capture_file_events(c, 1, &n);
	assert_int_equal(n, EVENTS / 2);
	assert_int_equal(e[7].size, 15);
	free(e);
	capture_close(c);
	close(f.fd);
}

/* Same times everywhere: lower process index first, its own order kept. */
static void equal_times_go_by_process(void **state)
{
	const struct capture_file f = capture_file_new();
	struct writer *w = capture_file_writer(&f);
	struct trk_event *e;
	struct capture *c;
	size_t n;

	for (uint32_t p = 3; p-- > 0;) {
		for (uint32_t i = 0; i < 400; i++) {
			const struct trk_event one = event_of(p, 5 + i / 200, TRK_MALLOC, 16, i);

			writer_event(w, &one);
		}
	}
	capture_file_finish(w);
	c = capture_file_open(&f);
	assert_int_equal(c->process_count, 3);
	e = capture_file_events(c, UINT32_MAX, &n);
	assert_int_equal(n, 1200);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(e[i].time_ns, 5 + i / 600);
		assert_int_equal(e[i].process, i % 600 / 200);
		assert_int_equal(e[i].size, i / 600 * 200 + i % 200);
	}
	free(e);
	capture_close(c);
	close(f.fd);
}

static void any_cut_keeps_whole_blocks(void **state)
{
	const struct capture_file f = sample();
	size_t size;
	uint8_t *bytes = capture_file_bytes(&f, &size);
	long last = -1;

	for (size_t n = (size - 1) % SHARE; n < size; n += SHARE) {
		const struct capture_file cut = capture_file_new();
		bool complete = true;
		long events;

		if (n)
			capture_file_append(&cut, bytes, n);
		events = read_all(&cut, &complete);
		assert_true(events >= last);
		assert_int_equal(events >= 0, n >= TRK_HEADER_BYTES);
		assert_true(events < 0 || !complete);
		last = events;
		close(cut.fd);
	}
	assert_int_equal(last, EVENTS);
	free(bytes);
	close(f.fd);
}

static void every_flipped_byte_is_noticed(void **state)
{
	const struct capture_file f = sample();
	size_t size;
	uint8_t *bytes = capture_file_bytes(&f, &size);

	for (size_t i = 0; i < size; i += SHARE) {
		const uint8_t bad = bytes[i] ^ 0x41;
		bool complete = false;
		long events;

		assert_int_equal(pwrite(f.fd, &bad, 1, (off_t)i), 1);
		events = read_all(&f, &complete);
		assert_true(events < 0 ? i < TRK_HEADER_BYTES : !complete);
		/* At most one block of events is lost. */
		assert_true(events < 0 || events >= (long)EVENTS - 250);
		assert_int_equal(pwrite(f.fd, &bytes[i], 1, (off_t)i), 1);
	}
	free(bytes);
	close(f.fd);
}

static int open_error(const struct capture_file *f, struct trk_fault *fault)
{
	struct capture *c = NULL;
	const int err = capture_open(&c, f->path, fault);

	assert_null(c);
	assert_int_equal(err, fault->code);
	return err;
}

static void what_is_no_capture_says_so(void **state)
{
	struct capture_file f = capture_file_new();
	uint8_t header[TRK_HEADER_BYTES];
	struct trk_fault fault;
	struct capture *c = NULL;

	assert_int_equal(open_error(&f, &fault), TRK_ERR_MAGIC);
	assert_string_equal(fault.why, "it is empty");
	capture_file_append(&f, "hello, world\n", 13);
	assert_int_equal(open_error(&f, &fault), TRK_ERR_MAGIC);
	assert_string_equal(fault.why, "it does not look like a capture written by tracker; tracker run writes one");
	assert_int_equal(capture_open(&c, "/nonexistent/x", &fault), TRK_ERR_IO);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(capture_open(&c, "/", &fault), TRK_ERR_IO);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(capture_open(&c, "/dev/null", &fault), TRK_ERR_MAGIC);

	assert_int_equal(ftruncate(f.fd, 0), 0);
	trk_header_encode(&(struct trk_header){ .version = 9 }, header);
	capture_file_append(&f, header, sizeof(header));
	assert_int_equal(open_error(&f, &fault), TRK_ERR_VERSION);
	assert_non_null(strstr(fault.why, "version 9"));
	assert_non_null(strstr(fault.why, "upgrade"));

	assert_int_equal(ftruncate(f.fd, 0), 0);
	trk_header_encode(&(struct trk_header){ .version = 1, .required = 32 }, header);
	capture_file_append(&f, header, sizeof(header));
	assert_int_equal(open_error(&f, &fault), TRK_ERR_FEATURE);
	assert_non_null(strstr(fault.why, "5"));

	assert_int_equal(ftruncate(f.fd, 40), 0);
	assert_int_equal(open_error(&f, &fault), TRK_ERR_CORRUPT);
	close(f.fd);
}

static void unknown_blocks_are_skipped_unless_they_must_be_understood(void **state)
{
	const struct capture_file f = header_only();
	struct trk_fault fault;
	struct capture *c;

	capture_file_block(&f, (struct trk_block_header){ .type = 99 }, (const uint8_t *)"abc", 3);
	c = capture_file_open(&f);
	assert_int_equal(c->damaged_blocks, 0);
	assert_int_equal(c->whole_blocks, 1);
	assert_true(c->cut);
	capture_close(c);
	capture_file_block(&f,
			   (struct trk_block_header){ .type = 98,
						      .flags = TRK_BLOCK_MUST_UNDERSTAND },
			   (const uint8_t *)"abc", 3);
	assert_int_equal(open_error(&f, &fault), TRK_ERR_FEATURE);
	assert_non_null(strstr(fault.why, "98"));
	close(f.fd);
}

/* In blocks of either coding: an event that must be understood ends the reading, and its number is told. */
static void kinds_that_must_be_understood_are_refused(void **state)
{
	for (unsigned plain = 0; plain < 2; plain++) {
		const struct capture_file f = plain ? header_only() : capture_file_new();
		struct cursor *k = NULL;
		struct capture *c;
		struct trk_event e;
		int err;

		if (plain) {
			capture_file_block(&f, (struct trk_block_header){ .type = TRK_BLOCK_EVENTS, .items = 2 },
					   (const uint8_t *)"\x10\x02\x00\x3f\x8d\x03\x00", 7);
		} else {
			struct writer *const w = capture_file_writer(&f);

			e = event_of(0, 0, TRK_FREE, 16, 0);
			writer_event(w, &e);
			e = (struct trk_event){ .kind = TRK_UNKNOWN, .size = 99, .detail = TRK_ESCAPE_REQUIRED };
			writer_event(w, &e);
			capture_file_finish(w);
		}
		c = capture_file_open(&f);
		assert_int_equal(cursor_open(&k, c, UINT32_MAX), 0);
		while ((err = cursor_next(k, &e, NULL)) == 0)
			assert_int_equal(e.kind, TRK_FREE);
		assert_int_equal(err, TRK_ERR_FEATURE);
		assert_non_null(strstr(capture_why(c, TRK_ERR_FEATURE), "kind 99"));
		assert_int_equal(c->damaged_blocks, 0);
		cursor_close(k);
		capture_close(c);
		close(f.fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_table_comes_back),
		cmocka_unit_test(processes_merge_in_time_order),
		cmocka_unit_test(equal_times_go_by_process),
		cmocka_unit_test(any_cut_keeps_whole_blocks),
		cmocka_unit_test(every_flipped_byte_is_noticed),
		cmocka_unit_test(what_is_no_capture_says_so),
		cmocka_unit_test(unknown_blocks_are_skipped_unless_they_must_be_understood),
		cmocka_unit_test(kinds_that_must_be_understood_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
