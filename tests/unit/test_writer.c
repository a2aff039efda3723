/* writer - whole captures in memory, read back block by block. What they are written into: test_writer_file.c. */
#include "written_file.h"

static void the_same_thing_gets_the_same_id(void **unused)
{
	const struct trk_module a = { .path = "/bin/a", .build_id = (const uint8_t *)"12", .build_id_bytes = 2 };
	const struct trk_module b = { .path = "/bin/a", .build_id = (const uint8_t *)"13", .build_id_bytes = 2 };
	struct file f;
	struct writer *w = begin(&f);
	uint32_t module;
	uint64_t offset;

	assert_int_equal(writer_module(w, &a), 1);
	assert_int_equal(writer_module(w, &b), 2);
	assert_int_equal(writer_module(w, &a), 1);
	assert_int_equal(writer_string(w, "", 0), 0);
	assert_int_equal(writer_string(w, "x", 1), 1);
	assert_int_equal(writer_string(w, "x\0y", 3), 2);
	assert_int_equal(writer_string(w, "x", 1), 1);
	assert_int_equal(writer_frame(w, 1, 0x1000), 1);
	assert_int_equal(writer_frame(w, 2, 0x1000), 2);
	assert_int_equal(writer_frame(w, 1, 0x1000), 1);
	assert_int_equal(writer_frame_count(w), 2);
	writer_frame_get(w, 2, &module, &offset);
	assert_true(module == 2 && offset == 0x1000);
	assert_int_equal(writer_node(w, 0, 1), 1);
	assert_int_equal(writer_node(w, 1, 1), 2);
	assert_int_equal(writer_node(w, 0, 2), 3);
	assert_int_equal(writer_node(w, 0, 1), 1);
	writer_free(w);
	done(&f);
}

/* One node with very many children, and long chains, in random order, twice. */
static void a_large_call_tree_keeps_its_ids(void **unused)
{
	enum { FRAMES = 300000 }; /* its nodes move to large pages, and those grow */
	struct file f;
	struct writer *w = begin(&f);
	uint32_t *ids = calloc(FRAMES + 1, sizeof(*ids));
	uint64_t seed = 1, offset;
	uint32_t module;

	for (uint32_t i = 1; i <= FRAMES; i++)
		assert_int_equal(writer_frame(w, i % 3, i * 0x123457ull), i);
	for (uint32_t i = 1; i <= FRAMES; i++) {
		const uint32_t parent = i % 2 ? 0 : (uint32_t)(random_next(&seed) % i);

		ids[i] = parent;
		assert_int_equal(writer_node(w, parent, i), i);
	}
	for (uint32_t n = 0; n < 2 * FRAMES; n++) {
		const uint32_t i = (uint32_t)(random_next(&seed) % FRAMES) + 1;

		assert_int_equal(writer_node(w, ids[i], i), i);
		assert_int_equal(writer_frame(w, i % 3, i * 0x123457ull), i);
	}
	writer_frame_get(w, FRAMES, &module, &offset);
	assert_true(module == FRAMES % 3 && offset == FRAMES * 0x123457ull);
	free(ids);
	writer_free(w);
	done(&f);
}

static void an_empty_capture_has_an_index_and_a_trailer(void **unused)
{
	struct trk_block_header h;
	struct file f;
	uint64_t offset;

	finish(begin(&f), &f);
	assert_int_equal(f.size, TRK_HEADER_BYTES + TRK_BLOCK_HEADER_BYTES + TRK_TRAILER_BYTES);
	assert_true(next_block(&f, &h));
	assert_int_equal(h.type, TRK_BLOCK_INDEX);
	assert_int_equal(h.items, 0);
	assert_int_equal(trk_trailer_decode(f.bytes + f.at, &offset), 0);
	assert_int_equal(offset, TRK_HEADER_BYTES);
	done(&f);
}

struct made {
	uint32_t process, node;
	uint64_t address, size, time_ns;
};

/* Counts entries of a NODES payload; they must be the next ids and name known ones. */
static uint32_t read_nodes(const struct trk_block_header *h, uint32_t nodes)
{
	struct byte_reader r = byte_reader_of(raw, h->raw_bytes);

	assert_int_equal(get_varint(&r), nodes + 1);
	for (uint32_t i = 0; i < h->items; i++) {
		const uint64_t up = get_varint(&r);

		assert_true(up >= 1 && up <= ++nodes);
		get_varint(&r);
	}
	assert_false(r.failed);
	assert_int_equal(bytes_left(&r), 0);
	return nodes;
}

static void read_events(const struct trk_block_header *h, const struct made *made, size_t count,
			size_t *next, uint32_t nodes)
{
	struct predict_decoder *const d = predict_decoder_new();
	struct trk_event e = { .process = h->process };
	uint32_t n;

	assert_int_equal(predict_open(d, raw, h->raw_bytes, h->items, h->first_time_ns), 0);
	for (uint32_t i = 0; i < h->items; i++) {
		while (*next < count && made[*next].process != h->process)
			++*next;
		assert_true(*next < count);
		assert_int_equal(predict_decode(d, &e, 1, &n), i + 1 < h->items ? 0 : TRK_END);
		assert_int_equal(n, 1);
		assert_int_equal(e.node, made[*next].node);
		assert_true(e.node <= nodes);
		assert_true(e.address == made[*next].address && e.size == made[*next].size);
		assert_true(e.time_ns == made[*next].time_ns && e.process == h->process);
		if (i == 0)
			assert_true(e.time_ns == h->first_time_ns);
		++*next;
	}
	assert_true(e.time_ns == h->last_time_ns);
	predict_decoder_free(d);
}

static void make_events(struct writer *w, struct made *made, size_t count)
{
	uint64_t seed = 9, time_ns = 0;

	for (size_t i = 0; i < count; i++) {
		const uint32_t frame = writer_frame(w, 0, random_next(&seed) % 5000);
		struct trk_event e = { .kind = TRK_MALLOC };

		time_ns += random_next(&seed) % 4 ? 0 : random_next(&seed) % 100000;
		made[i] = (struct made){ .process = (uint32_t)(random_next(&seed) % 3),
					 .node = writer_node(w, i ? made[i / 2].node : 0, frame),
					 .address = random_next(&seed),
					 .size = random_any(&seed),
					 .time_ns = time_ns };
		e.process = made[i].process;
		e.node = made[i].node;
		e.address = made[i].address;
		e.size = made[i].size;
		e.time_ns = time_ns;
		writer_event(w, &e);
		if (i % 40000 == 39999)
			assert_int_equal(writer_flush(w), 0);
	}
}

static void events_come_back_behind_the_tables_they_name(void **unused)
{
	enum { COUNT = 200000 };
	struct made *made = calloc(COUNT, sizeof(*made));
	size_t next[3] = { 0 }, blocks = 0, total = 0;
	struct file f;
	struct writer *w = begin(&f);
	struct trk_block_header h;
	uint32_t nodes = 0;

	make_events(w, made, COUNT);
	finish(w, &f);
	while (next_block(&f, &h)) {
		if (h.type == TRK_BLOCK_NODES)
			nodes = read_nodes(&h, nodes);
		if (h.type != TRK_BLOCK_PREDICTED)
			continue;
		assert_true(h.flags & TRK_BLOCK_MUST_UNDERSTAND);
		assert_true(h.process < 3);
		read_events(&h, made, COUNT, &next[h.process], nodes);
		blocks++;
		total += h.items;
	}
	assert_int_equal(total, COUNT);
	assert_true(blocks > 9);
	free(made);
	done(&f);
}

/* Reads the INDEX blocks from `at` and compares them with the blocks themselves. */
static void index_lists_the_blocks(struct file *f, size_t at, size_t *ret_blocks, size_t *ret_index)
{
	struct file scan = *f;
	struct trk_block_header h, b;
	size_t blocks = 0, index = 0;

	scan.at = TRK_HEADER_BYTES;
	f->at = at;
	while (next_block(f, &h)) {
		static uint8_t copy[TRK_BLOCK_RAW_MAX];
		struct byte_reader r = byte_reader_of(copy, h.raw_bytes);
		uint64_t offset = 0;

		assert_int_equal(h.type, TRK_BLOCK_INDEX);
		memcpy(copy, raw, h.raw_bytes);
		for (uint32_t i = 0; i < h.items; i++) {
			offset += get_varint(&r);
			assert_int_equal(offset, scan.at);
			assert_true(next_block(&scan, &b));
			assert_int_equal(get_varint(&r), b.type);
			assert_int_equal(get_varint(&r), b.process == TRK_NO_PROCESS ? 0 : b.process + 1ull);
			assert_int_equal(get_varint(&r), b.items);
			assert_int_equal(get_varint(&r), b.first_time_ns);
			assert_int_equal(get_varint(&r), b.last_time_ns);
		}
		assert_false(r.failed);
		blocks += h.items;
		index++;
	}
	assert_int_equal(scan.at, at); /* nothing between the last block listed and the index */
	assert_int_equal(f->at, f->size - TRK_TRAILER_BYTES);
	*ret_blocks = blocks;
	*ret_index = index;
}

static void an_index_of_many_blocks_goes_on_in_the_next_block(void **unused)
{
	enum { COUNT = 40000 };
	struct file f;
	struct writer *w = begin(&f);
	size_t blocks, index;
	uint64_t offset;

	for (uint32_t i = 0; i < COUNT; i++) {
		const struct trk_event e = { .kind = TRK_FREE, .address = i, .time_ns = i * 1000000ull };

		writer_event(w, &e);
		writer_flush(w);
	}
	finish(w, &f);
	assert_int_equal(trk_trailer_decode(f.bytes + f.size - TRK_TRAILER_BYTES, &offset), 0);
	index_lists_the_blocks(&f, offset, &blocks, &index);
	assert_int_equal(blocks, COUNT);
	assert_true(index >= 2);
	done(&f);
}

static void records_come_back(void **unused)
{
	const struct trk_process p = {
		.index = 1,
		.pid = 77,
		.ppid = 1,
		.parent = 0,
		.origin = 1,
		.start_ns = 5,
		.end_ns = 900,
		.ended = 2,
		.code = 9,
		.name = "sh",
		.executable = "/bin/sh",
		.command_line = "sh\0-c\0",
		.command_line_bytes = 6,
		.execs = 3,
		.libc = "glibc 2.9",
		.host = "ada",
		.system = NULL,
		.titled = TRK_TITLED,
		.title = "sh: x",
	};
	static const uint8_t want[] = "\x33\x01\x4d\x01\x01\x01\x05\x85\x07\x02\x09\x02sh\x07/bin/sh\x06sh\0-c\0\x03"
				      "\x09glibc 2.9\x03"
				      "ada\0\x01\x05"
				      "sh: x";
	struct trk_block_header h;
	struct file f;
	struct writer *w = begin(&f);

	writer_process(w, &p);
	finish(w, &f);
	assert_true(find_block(&f, TRK_BLOCK_PROCESSES, &h));
	assert_int_equal(h.items, 1);
	assert_int_equal(h.process, TRK_NO_PROCESS);
	assert_int_equal(h.raw_bytes, sizeof(want) - 1);
	assert_memory_equal(raw, want, sizeof(want) - 1);
	done(&f);
}

static void an_end_that_is_not_known_is_0(void **unused)
{
	const struct trk_thread t = { .index = 300, .process = 2, .tid = 5, .end_ns = UINT64_MAX, .name = "io" };
	struct trk_block_header h;
	struct file f;
	struct writer *w = begin(&f);

	writer_thread(w, &t);
	finish(w, &f);
	assert_true(find_block(&f, TRK_BLOCK_THREADS, &h));
	assert_int_equal(h.raw_bytes, 11);
	assert_memory_equal(raw, "\x0a\xac\x02\x02\x05\x00\x00\x02io\x00", 11);
	done(&f);
}

static void endless_strings_are_cut(void **unused)
{
	const size_t size = 3u << 20;
	char *text = malloc(size + 1);
	struct trk_process p = { .end_ns = UINT64_MAX, .name = text, .executable = text, .command_line = text, .command_line_bytes = size };
	struct trk_block_header h;
	size_t blocks = 0;
	struct file f;
	struct writer *w = begin(&f);

	memset(text, 'x', size);
	text[size] = 0;
	for (int i = 0; i < 20; i++) {
		text[i] = 'y';
		writer_process(w, &p);
		writer_notice(w, text);
		writer_health(w, text, 1);
		writer_string(w, text, size);
		writer_symbols(w, 1, &(struct trk_symbol_text){ .function = text, .file = text }, 1);
	}
	finish(w, &f);
	while (next_block(&f, &h))
		blocks++;
	assert_true(blocks > 5);
	assert_int_equal(f.at, f.size - TRK_TRAILER_BYTES);
	free(text);
	done(&f);
}

static void rss_times_never_run_backwards(void **unused)
{
	struct trk_block_header h;
	struct file f;
	struct writer *w = begin(&f);

	writer_rss(w, 0, 1000, 4096);
	writer_rss(w, 1, 990, 8192);
	writer_rss(w, 0, 1007, 1);
	finish(w, &f);
	assert_true(find_block(&f, TRK_BLOCK_RSS, &h));
	assert_true(h.first_time_ns == 1000 && h.last_time_ns == 1007);
	assert_int_equal(h.raw_bytes, 11);
	assert_memory_equal(raw, "\x00\x00\x80\x20\x01\x00\x80\x40\x00\x07\x01", 11);
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_thing_gets_the_same_id),
		cmocka_unit_test(a_large_call_tree_keeps_its_ids),
		cmocka_unit_test(an_empty_capture_has_an_index_and_a_trailer),
		cmocka_unit_test(events_come_back_behind_the_tables_they_name),
		cmocka_unit_test(an_index_of_many_blocks_goes_on_in_the_next_block),
		cmocka_unit_test(records_come_back),
		cmocka_unit_test(an_end_that_is_not_known_is_0),
		cmocka_unit_test(endless_strings_are_cut),
		cmocka_unit_test(rss_times_never_run_backwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
