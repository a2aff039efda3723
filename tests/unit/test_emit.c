/*
 * test_emit - one description, and what the back ends make of it. JSON is read back with cJSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include "ui/emit.h"
#include "unit.h"

typedef int describe_function(struct emit *e);

/* What `form` makes of a description: malloc'ed. */
static char *emitted(enum emit_form form, const char *table, describe_function *describe)
{
	char *text = NULL;
	size_t size;
	FILE *const m = open_memstream(&text, &size);

	assert_non_null(m);
	struct emit *const e = emit_new(form, m, table);

	assert_non_null(e);
	emit_document(e, "tracker.test", 1);
	assert_int_equal(describe(e), 0);
	assert_int_equal(emit_end_all(e), 0);
	assert_int_equal(fclose(m), 0);
	return text;
}

static void expect(enum emit_form form, const char *table, describe_function *describe, const char *want)
{
	char *const text = emitted(form, table, describe);

	assert_string_equal(text, want);
	free(text);
}

/* ---- figures and sentences ---- */

static int figures(struct emit *e)
{
	emit_figure(e, "count", emit_count(1234));
	emit_figure(e, "one", emit_count(1));
	emit_figure(e, "size", emit_size(10240));
	emit_figure(e, "change", emit_size_change(-512));
	emit_figure(e, "time_ns", emit_time(1500000000));
	emit_figure(e, "share", emit_percent(12.345));
	emit_figure(e, "nothing", emit_null());
	emit_figure(e, "absent", emit_absent());
	emit_figure(e, "whole", emit_flag(true));
	emit_figure(e, "name", emit_words("a\033[1mb, \"c\""));
	emit_aside(e, "only", emit_number(7));
	emit_group(e, "inner");
	emit_figure(e, "count", emit_count(2));
	emit_end(e);
	emit_say(e, "{count} block{count:s}, {one} block{one:s}, {count:n}, {inner.count}\n");
	emit_say(e, "{size} {size:KiB} {change} {time_ns} {share} {whole} {only}\n");
	emit_say(e, "[[x]] {{y}[ nothing is {nothing}][ and {absent}][ but {one}]\n");
	emit_say(e, "{name}\n");
	return 0;
}

static void people_read_sentences(void **state)
{
	expect(EMIT_PEOPLE, NULL, figures,
	       "1,234 blocks, 1 block, 1234, 2\n"
	       "10.0 KiB 10.0 KiB -512 B 1.500 s 12.35% yes 7\n"
	       "[x] {y} but 1\n"
	       "a\\x1b[1mb, \"c\"\n");
}

static void json_has_exact_figures(void **state)
{
	char *const text = emitted(EMIT_JSON, NULL, figures);
	cJSON *const j = cJSON_Parse(text);

	assert_non_null(j);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(j, "schema")), "tracker.test");
	assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(j, "size")) == 10240);
	assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(j, "change")) == -512);
	assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(j, "share")) == 12.345);
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(j, "nothing")));
	assert_null(cJSON_GetObjectItem(j, "absent"));
	assert_null(cJSON_GetObjectItem(j, "only"));
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(j, "whole")));
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(j, "name")), "a\033[1mb, \"c\"");
	assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(cJSON_GetObjectItem(j, "inner"), "count")) == 2);
	cJSON_Delete(j);
	free(text);
}

static void csv_has_a_line_a_figure(void **state)
{
	expect(EMIT_CSV, NULL, figures,
	       "key,value\nschema,tracker.test\nschema_version,1\ncount,1234\none,1\nsize,10240\nchange,-512\n"
	       "time_ns,1500000000\nshare,12.345\nnothing,\nwhole,true\nname,\"a\033[1mb, \"\"c\"\"\"\ninner.count,2\n");
}

/* What sentences cannot name, programs read all the same; for people nothing is kept of it, however much there is. */
static int data(struct emit *e)
{
	emit_group(e, "files");
	for (int i = 0; i < 3; i++)
		emit_data(e, i ? "/b" : "/a", emit_number((uint64_t)i));
	emit_end(e);
	emit_line(e, "- ", "kind", emit_count(1000));
	return 0;
}

static void data_is_for_programs(void **state)
{
	expect(EMIT_PEOPLE, NULL, data, "- kind: 1,000\n");
	expect(EMIT_CSV, NULL, data, "key,value\nschema,tracker.test\nschema_version,1\nfiles./a,0\nfiles./b,1\nfiles./b,2\nkind,1000\n");
}

static void nothing_is_made_of_it(void **state)
{
	expect(EMIT_NOTHING, NULL, figures, "");
}

/* ---- tables ---- */

static const struct emit_column columns[] = {
	{ "name", EMIT_FOR_ALL, "Name", -4 },
	{ "size", EMIT_FOR_ALL, "Size", 6, "  " },
	{ "bar", EMIT_FOR_PEOPLE, "", -1 },
	{ "id", EMIT_FOR_PROGRAMS },
};

static void rows(struct emit *e, const struct emit_table *t)
{
	emit_table(e, t);
	emit_row(e, (struct emit_value[]){ emit_words("\xc3\xa4"
						      "ra"),
					   emit_about(emit_size(10), true, 3), emit_words("##"), emit_number(1) });
	emit_row(e, (struct emit_value[]){ emit_words("longer"), emit_about(emit_size(20), true, 4), emit_words(""), emit_number(2) });
	emit_end(e);
}

static int aligned(struct emit *e)
{
	static const struct emit_table t = { EMIT_TABLE("rows", columns), .before = "> ", .bare_cells = true };

	rows(e, &t);
	return 0;
}

static int spoken(struct emit *e)
{
	static const struct emit_table t = { EMIT_TABLE("rows", columns), .sentence = "{name}: {size} {total}\n" };

	emit_figure(e, "total", emit_count(9));
	rows(e, &t);
	return 0;
}

static int none(struct emit *e)
{
	static const struct emit_table t = { EMIT_TABLE("rows", columns), .sentence = "{name}\n" };

	emit_table(e, &t);
	emit_end(e);
	return 0;
}

static void columns_are_aligned(void **state)
{
	expect(EMIT_PEOPLE, NULL, aligned, "> Name      Size\n> \xc3\xa4"
					   "ra       10 B ##\n> longer    20 B\n");
}

static void rows_are_sentences(void **state)
{
	expect(EMIT_PEOPLE, NULL, spoken, "\xc3\xa4"
					  "ra: 10 B +- 3 B 9\nlonger: 20 B +- 4 B 9\n");
}

static void csv_is_the_table(void **state)
{
	expect(EMIT_CSV, "rows", spoken, "name,size,size_margin,id\n\xc3\xa4"
					 "ra,10,3,1\nlonger,20,4,2\n");
	expect(EMIT_CSV, "rows", none, "name,size,id\n");
	expect(EMIT_CSV, NULL, none, "key,value\nschema,tracker.test\nschema_version,1\n");
}

static void json_margins_follow_their_figures(void **state)
{
	char *const text = emitted(EMIT_JSON_LINE, NULL, spoken);

	assert_string_equal(text, "{\"schema\":\"tracker.test\",\"schema_version\":1,\"total\":9,\"rows\":["
				  "{\"name\":\"\xc3\xa4"
				  "ra\",\"size\":10,\"id\":1,\"size_margin\":3},"
				  "{\"name\":\"longer\",\"size\":20,\"id\":2,\"size_margin\":4}]}\n");
	free(text);
}

/* ---- trees ---- */

static void branch(struct emit *e, const char *key, const char *name, bool leaf, bool only, bool last)
{
	static const struct emit_column names[] = { { "name" } };
	static const struct emit_table t = { EMIT_TABLE("root", names), .sentence = "{name}\n" };
	const struct emit_value values[] = { emit_words(name) };
	const struct emit_branch b = { values, .leaf = leaf, .only = only, .last = last };

	emit_branch(e, key, &t, &b);
	if (leaf) {
		emit_end(e);
	} else if (strcmp(name, "root") == 0) {
		branch(e, NULL, "chain", false, true, true);
		emit_end(e);
	} else {
		branch(e, NULL, "a", true, false, false);
		branch(e, NULL, "b", true, false, true);
		emit_end(e);
	}
}

static int tree(struct emit *e)
{
	branch(e, "root", "root", false, true, true);
	return 0;
}

static void trees_are_drawn(void **state)
{
	expect(EMIT_PEOPLE, NULL, tree, "+ root\n+ chain\n|-- - a\n`-- - b\n");
	expect(EMIT_CSV, "root", tree, "depth,name\n0,root\n1,chain\n2,a\n2,b\n");
	expect(EMIT_JSON_LINE, NULL, tree,
	       "{\"schema\":\"tracker.test\",\"schema_version\":1,\"root\":{\"name\":\"root\",\"children\":[{\"name\":\"chain\",\"children\":["
	       "{\"name\":\"a\",\"children\":[]},{\"name\":\"b\",\"children\":[]}]}]}}\n");
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(people_read_sentences), cmocka_unit_test(json_has_exact_figures),
		cmocka_unit_test(csv_has_a_line_a_figure), cmocka_unit_test(nothing_is_made_of_it), cmocka_unit_test(data_is_for_programs),
		cmocka_unit_test(columns_are_aligned), cmocka_unit_test(rows_are_sentences), cmocka_unit_test(csv_is_the_table),
		cmocka_unit_test(json_margins_follow_their_figures), cmocka_unit_test(trees_are_drawn)
	};

	setenv("LC_ALL", "C", 1);
	return cmocka_run_group_tests(all, NULL, NULL);
}
