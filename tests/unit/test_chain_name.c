/*
 * test_chain_name - names of frames in two builds: what gcc, clang, rustc and go call the same function. The shortened names are those that
 * symbols/shorten.c makes (test_shorten.c).
 */
#include "unit.h"

#include "common/chain_name.h"

static void check_frame(struct source_frame f, const char *expected)
{
	char out[64];

	if (!f.module)
		f.module = "/bin/app";
	assert_ptr_equal(chain_name(&f, out, sizeof(out)), out);
	assert_string_equal(out, expected);
}

static void check_name(const char *function, const char *expected)
{
	check_frame((struct source_frame){ .function = function }, expected);
}

static void lambdas_have_no_numbers(void **state)
{
	check_name("app::run::{lambda(int)#1}::operator()", "app::run::{lambda}::operator()");
	check_name("app::run::{lambda(int, {lambda()#2})#12}::operator()", "app::run::{lambda}::operator()");
	check_name("app::run::$_0::operator()", "app::run::{lambda}::operator()");
	check_name("app::run::$_17::operator()", "app::run::{lambda}::operator()");
	check_name("app::run::'lambda0'(int)::operator()", "app::run::{lambda}(int)::operator()");
	check_name("helper::<lambda(int, int)>", "helper::{lambda}");
	check_name("app::{unnamed type#2}::f", "app::{unnamed type}::f");
	check_name("crate::main::{closure#0}", "crate::main::{closure}");
	check_name("crate::main::{{closure}}", "crate::main::{closure}");
	check_name("main.run.func1", "main.run.func");
	check_name("main.run.func2.1", "main.run.func");
	check_name("main.run.gowrap3", "main.run.gowrap");
	check_name("main.run.function1", "main.run.function1");
	check_name("{", "{}");
	check_name("a{b", "a{b}");
}

static void copies_are_one_function(void **state)
{
	check_name("parse.0", "parse");
	check_name("parse.1234", "parse");
	check_name("parse.2.5", "parse");
	check_name("parse.2x", "parse.2x"); /* no compiler's */
	check_name("parse.__uniq.87", "parse");
	check_name("parse.specialized.1", "parse");
	check_name("memcpy@@GLIBC_2.14", "memcpy");
	check_name("crate::f::h0123456789abcdef", "crate::f");
	check_name("crate::f::h0123456789abcde", "crate::f::h0123456789abcde");
	check_name("@", "@");
	check_name(".5", ".5");
}

static void standard_libraries_do_not_count(void **state)
{
	check_name("std::for_each<...>", "");
	check_name("__gnu_cxx::new_allocator<...>::allocate", "");
	check_name("core::run", "core::run"); /* a program's own */
	check_frame((struct source_frame){ .function = "core::ops::f", .linkage = "_ZN4core3ops1f17h0123456789abcdefE" }, "");
	check_frame((struct source_frame){ .function = "alloc::f", .linkage = "_RNvCs_5alloc1f" }, "");
	check_frame((struct source_frame){ .function = "core::f", .linkage = "_ZN4core1fEv" }, "core::f");
	check_frame((struct source_frame){ .function = "main", .runtime = true }, "");
	check_frame((struct source_frame){ .function = "...", .cut = true }, "");
}

static void functions_without_names_are_their_library(void **state)
{
	check_frame((struct source_frame){ .function = "", .module = "/usr/lib/libfoo.so.6.0.30" }, "<libfoo.so>");
	check_frame((struct source_frame){ .function = "libfoo.so.6!0x1234", .placeholder = true, .module = "/usr/lib/libfoo.so.6" }, "<libfoo.so>");
	check_frame((struct source_frame){ .function = "", .module = "/home/me/build-7/app" }, "<program>");
	check_frame((struct source_frame){ .function = "", .module = "<unknown>" }, "<unknown>");
	check_frame((struct source_frame){ .function = "", .module = "[vdso]" }, "[vdso]");
}

static void names_are_bounded(void **state)
{
	char name[200], out[16];
	const struct source_frame f = { .function = name, .module = "" };

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	chain_name(&f, out, sizeof(out));
	assert_string_equal(out, "aaaaaaaaaaaaaaa");
	memset(name, '{', sizeof(name) - 1);
	chain_name(&f, out, sizeof(out));
	assert_string_equal(out, "{}");
	assert_string_equal(chain_name_always(&(struct source_frame){ .function = "std::f", .module = "" }, out, sizeof(out)), "std::f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lambdas_have_no_numbers),
		cmocka_unit_test(copies_are_one_function),
		cmocka_unit_test(standard_libraries_do_not_count),
		cmocka_unit_test(functions_without_names_are_their_library),
		cmocka_unit_test(names_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
