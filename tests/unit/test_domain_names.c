/* domain_names - what domains are called: of one process, of all, under several names, and in filters. */
#include "capture_file.h"

#include "common/filter.h"
#include "replay/domain_names.h"

static struct capture *capture_of(const struct capture_file *f, const struct trk_domain *names, size_t n)
{
	struct writer *const w = capture_file_writer(f);

	for (uint32_t i = 0; i < 3; i++)
		writer_process(w, &(struct trk_process){ .index = i, .pid = 100 + i, .parent = UINT32_MAX, .end_ns = UINT64_MAX });
	for (size_t i = 0; i < n; i++)
		writer_domain(w, &names[i]);
	capture_file_finish(w);
	return capture_file_open(f);
}

#define ALL UINT32_MAX

static const struct trk_domain some[] = {
	{ 0, 0, 300, "gpu" },
	{ 1, 0, 300, "gpu" },
	{ 2, 0, 300, "pool" },
	{ 1, 0, 301, "old" },
	{ 1, 0, 301, "new" },
	{ 0, 0, 400, "first" },
	{ 0, 1, 400, "second" },
	{ 0, 0, 7, "small" },
	{ 0, 0, 1, "never" },
	{ 2, 0, 302, "gpu" },
};

static void expect_name(const struct capture *c, uint32_t process, uint32_t domain, const char *want)
{
	char room[DOMAIN_NAME_ROOM];
	const char *const name = domain_name(c, process, domain, room);

	if (want)
		assert_string_equal(name, want);
	else
		assert_null(name);
}

static void b58_names_are_those_of_a_process_or_of_all(void **state)
{
	const struct capture_file f = capture_file_new();
	struct capture *const c = capture_of(&f, some, sizeof(some) / sizeof(*some));

	expect_name(c, 0, 300, "gpu");
	expect_name(c, 2, 300, "pool");
	expect_name(c, ALL, 300, "gpu / pool");
	expect_name(c, 0, 301, NULL);
	expect_name(c, 1, 301, "new");
	expect_name(c, ALL, 301, "new");
	expect_name(c, 0, 400, "first / second");
	expect_name(c, ALL, 7, "small");
	expect_name(c, ALL, 8, NULL);
	expect_name(c, ALL, ALL, NULL);
	expect_name(c, 0, 0, "heap");
	expect_name(c, ALL, 1, "mmap");
	expect_name(c, 5, 2, "shm");
	expect_name(c, 0, 3, "fd");
	assert_int_equal(c->domain_count, 8);
	capture_close(c);
	close(f.fd);
}

static void b58_a_name_finds_its_domains(void **state)
{
	const struct capture_file f = capture_file_new();
	struct capture *const c = capture_of(&f, some, sizeof(some) / sizeof(*some));
	uint32_t domain;

	assert_true(domain_by_name(c, "gpu", &domain));
	assert_int_equal(domain, 300);
	assert_true(domain_by_name(c, "fd", &domain));
	assert_int_equal(domain, 3);
	assert_false(domain_by_name(c, "old", &domain));
	assert_false(domain_by_name(c, "gpu / pool", &domain));
	assert_true(domain_has_name(c, 0, 400, "second"));
	assert_false(domain_has_name(c, 2, 300, "gpu"));
	capture_close(c);
	close(f.fd);
}

/* However many processes gave it one. */
static void many_names_are_cut(void **state)
{
	enum { NAMES = 3000 };
	const struct capture_file f = capture_file_new();
	struct trk_domain *const names = calloc(NAMES, sizeof(*names));
	char texts[NAMES][100], room[DOMAIN_NAME_ROOM];

	assert_non_null(names);
	for (uint32_t i = 0; i < NAMES; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%090u", i % 50);
		names[i] = (struct trk_domain){ .execs = i, .domain = 300, .name = texts[i] };
	}
	struct capture *const c = capture_of(&f, names, NAMES);

	assert_int_equal(strlen(domain_name(c, ALL, 300, room)), DOMAIN_NAME_ROOM - 1);
	assert_memory_equal(room, texts[0], 90);
	capture_close(c);
	free(names);
	close(f.fd);
}

static bool passes(const char *filter, const struct capture *c, uint32_t process, uint32_t domain)
{
	const struct source_frame frame = { .file = "a.c", .line = 1 };
	struct filters f = { 0 };
	bool ret;

	assert_true(filters_add(&f, filter));
	if (c)
		assert_null(filters_settle(&f, c));
	ret = filters_pass(&f, &frame, 1, process, domain);
	filters_finish(&f);
	return ret;
}

static void b56_b57_b58_filters_take_names(void **state)
{
	const struct capture_file f = capture_file_new();
	struct capture *const c = capture_of(&f, some, sizeof(some) / sizeof(*some));
	struct filters unknown = { 0 };

	assert_true(passes("+domain=gpu", c, 0, 300));
	assert_true(passes("+domain=gpu", c, 2, 302));
	assert_false(passes("+domain=gpu", c, 2, 300));
	assert_false(passes("-domain=gpu", c, 1, 300));
	assert_true(passes("+domain=heap", c, 1, 0));
	assert_true(passes("+a.c,domain=gpu", c, 0, 300));
	assert_false(passes("+b.c,domain=gpu", c, 0, 300));
	assert_false(passes("+a.c:1,domain=gpu,all_frames", c, 0, 301));
	assert_true(passes("+domain=300", c, 2, 300));
	assert_false(passes("+domain=gpu", NULL, 0, 300));
	assert_true(filters_add(&unknown, "-a.c,domain=old"));
	assert_string_equal(filters_settle(&unknown, c), "old");
	filters_finish(&unknown);
	capture_close(c);
	close(f.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(b58_names_are_those_of_a_process_or_of_all),
		cmocka_unit_test(b58_a_name_finds_its_domains),
		cmocka_unit_test(many_names_are_cut),
		cmocka_unit_test(b56_b57_b58_filters_take_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
