/*
 * test_shorten - demangled and shortened names of real programs: the linkage
 * names come from libstdc++, LLVM, Boost-like code, rustc (both manglings) and gcc.
 */
#include "unit.h"

#include "symbols/skip.h"
#include "symbols/stack.h"

static void check_short(const char *full, const char *expected)
{
	char out[512];

	assert_ptr_equal(symbols_shorten(full, out, sizeof(out)), out);
	assert_string_equal(out, expected);
}

static void check_linkage(const char *linkage, const char *expected)
{
	char *const full = symbols_demangle(linkage);

	assert_non_null(full);
	check_short(full, expected);
	free(full);
}

static void templates_and_parameters_go(void **state)
{
	check_linkage("_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector<...>::push_back");
	check_linkage("_ZN3app3runEi", "app::run");
	check_linkage("_ZN3app12_GLOBAL__N_16helperEi", "app::(anonymous namespace)::helper");
	check_linkage("_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE10_M_disposeEv",
		      "std::__cxx11::basic_string<...>::_M_dispose");
	check_linkage("_ZNKSt3mapIiiSt4lessIiESaISt4pairIKiiEEE4sizeEv", "std::map<...>::size");
	check_linkage("_ZNSt16_Sp_counted_baseILN9__gnu_cxx12_Lock_policyE2EE10_M_releaseEv",
		      "std::_Sp_counted_base<...>::_M_release");
	check_linkage("_ZNSt6vectorIiSaIiEED2Ev", "std::vector<...>::~vector");
	check_short("Foo<(a > b), &(Bar::operator<(int))>::baz()", "Foo<...>::baz");
	check_short("f<>(int)", "f<>");
	check_short("std::function<void (int)>::operator()(int) const", "std::function<...>::operator()");
}

static void return_types_go(void **state)
{
	check_linkage("_ZSt4sortIN9__gnu_cxx17__normal_iteratorIPiSt6vectorIiSaIiEEEEEvT_S7_",
		      "std::sort<...>");
	check_short("decltype (((*this).x)->y) ns::f<int>(int)", "ns::f<...>");
	check_short("decltype(auto) f<int>(int)", "f<...>");
	check_short("void (*ns::get<int>(int))(char)", "ns::get<...>");
	check_short("unsigned long ns::f<int>(unsigned long)", "ns::f<...>");
	check_short("std::vector<int> const& g<A>(A const&)", "g<...>");
	check_short("typename std::enable_if<(N > 3), int>::type h<N>(int)", "h<...>");
	check_short("non-virtual thunk to A::f()", "A::f");
}

static void operators_are_not_templates(void **state)
{
	check_linkage("_ZStlsISt11char_traitsIcEERSt13basic_ostreamIcT_ES5_PKc",
		      "std::operator<<<...>");
	check_short("bool std::operator< <int>(A<int> const&, A<int> const&)", "std::operator<<...>");
	check_short("N::operator<(A const&, A const&)", "N::operator<");
	check_short("N::operator<<(A const&, A const&)", "N::operator<<");
	check_short("A<int>::operator->() const", "A<...>::operator->");
	check_short("A<int>::operator->*(int)", "A<...>::operator->*");
	check_short("A::operator<=>(A const&) const", "A::operator<=>");
	check_short("A<int>::operator[](unsigned long)", "A<...>::operator[]");
	check_short("A<int>::operator()<int, char>(int) const", "A<...>::operator()<...>");
	check_short("A::operator bool() const", "A::operator bool");
	check_short("A::operator std::vector<int, X>() const", "A::operator std::vector<...>");
	check_short("operator\"\" _kb(unsigned long long)", "operator\"\" _kb");
	check_short("A::operator newish() const", "A::operator newish");
	check_short("my_operator<int>(int)", "my_operator<...>");
	check_short("operators::f(int)", "operators::f");
	check_linkage("_Znwm", "operator new");
	check_linkage("_ZnamSt11align_val_tRKSt9nothrow_t", "operator new[]");
	check_linkage("_ZdaPvm", "operator delete[]");
}

static void lambdas_and_local_names_stay(void **state)
{
	check_linkage("_ZZN3app3runEiENKUliE_clEi", "app::run::{lambda(int)#1}::operator()");
	check_linkage("_ZZN3app3runEiEN5Inner1fEi", "app::run::Inner::f");
	check_short("f(int) const::{lambda(std::vector<int>)#2}::operator()(std::vector<int>) const",
		    "f::{lambda(std::vector<...>)#2}::operator()");
	check_short("helper(int)::<lambda(int, int)>", "helper::<lambda(int, int)>");
	check_short("A::f() &&::g", "A::f::g");
}

static void decorations_go(void **state)
{
	check_linkage("_ZN3app3runEi.cold", "app::run");
	check_linkage("_ZN3app3runEi.constprop.0.isra.0", "app::run");
	check_short("get[abi:cxx11](int)", "get");
	check_short("A[abi:v1]::f(int) const", "A::f");
	check_short("main [clone .cold]", "main");
	check_short("read_line.part.0", "read_line");
	check_short("read_line.constprop.12", "read_line");
	check_short("main.cold", "main");
	check_short("__GI___strdup", "__strdup");
	check_short("__GI_", "__GI_");
}

static void rust_names(void **state)
{
	check_linkage("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad");
	check_linkage("_RNvCs1234_7mycrate3foo", "mycrate::foo");
	check_linkage("_RNvMCs1234_7mycrateNtB2_3Foo3bar", "<mycrate::Foo>::bar");
	check_linkage("_RNCNvCs1234_7mycrate4main0B3_", "mycrate::main::{closure#0}");
	check_short("<alloc::vec::Vec<u8> as core::ops::drop::Drop>::drop",
		    "<alloc::vec::Vec<...> as core::ops::drop::Drop>::drop");
	check_short("core::ptr::drop_in_place::<alloc::string::String>",
		    "core::ptr::drop_in_place::<...>");
	check_short("core::slice::<impl [T]>::iter", "core::slice::<impl [T]>::iter");
}

static void other_languages_are_left_alone(void **state)
{
	check_short("main", "main");
	check_short("", "");
	check_short("runtime.mallocgc", "runtime.mallocgc");
	check_short("main.(*T).Method", "main.(*T).Method");
	check_short("main.(*G[go.shape.map[string]int_0]).Do", "main.(*G[...]).Do");
	check_short("main.Gen[go.shape.func(int) string_0].func1", "main.Gen[...].func1");
	check_short("type..eq.[]string", "type..eq.[]string");
	check_short("-[NSObject init:with:]", "-[NSObject init:with:]");
	check_short("f[abi:cxx11](int)", "f");
	check_short("$s4main3fooyyF", "$s4main3fooyyF");
	assert_null(symbols_demangle("main"));
	assert_null(symbols_demangle("_start"));
	assert_null(symbols_demangle("_Zzzz"));
}

static void broken_names_do_no_harm(void **state)
{
	static const char *const broken[] = {
		"f<int",
		"f(int",
		"<",
		"(",
		"{",
		"[",
		")",
		" ",
		"operator",
		"operator ",
		"f<(",
		"{<}",
		"a::<",
		"((",
		"(*",
		"f(int) const::",
		"operator<",
		"<a<b",
		"x [",
		"decltype(",
		"f<->",
		"\xff\xfe<\x01>",
	};
	char out[64], small[4];

	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		symbols_shorten(broken[i], out, sizeof(out));
		assert_true(*out != '\0');
		symbols_shorten(broken[i], small, sizeof(small));
		assert_true(strlen(small) < sizeof(small));
	}
	symbols_shorten("a_long_name", small, sizeof(small));
	assert_string_equal(small, "a_l");
}

static void random_text_does_no_harm(void **state)
{
	static const char alphabet[] = "<>(){}[]:: *&-,.#~ab operator new";
	uint64_t seed = 7;

	for (int i = 0; i < 20000; i++) {
		char text[64], out[80];
		const size_t n = random_next(&seed) % (sizeof(text) - 1);

		for (size_t k = 0; k < n; k++)
			text[k] = alphabet[random_next(&seed) % (sizeof(alphabet) - 1)];
		text[n] = '\0';
		symbols_shorten(text, out, sizeof(out));
		assert_true(n == 0 || *out != '\0');
		assert_true(strlen(out) < sizeof(out));
	}
}

static void allocators_and_runtime_are_known(void **state)
{
	static const char *const allocators[] = {
		"malloc",
		"__libc_malloc",
		"calloc",
		"realloc",
		"reallocarray",
		"posix_memalign",
		"operator new",
		"operator new[]",
		"operator delete",
		"strdup",
		"__strdup",
		"vasprintf",
		"g_malloc0",
		"g_strdup_printf",
		"std::vector<...>::push_back",
		"__gnu_cxx::new_allocator<...>::allocate",
		"getline",
		"wcsdup",
		"__asprintf",
		"canonicalize_file_name",
	};
	static const char *const others[] = {
		"main", "xmalloc", "my_malloc", "operator newish", "stdlib::f", "app::std::f",
		"Foo::operator new", "mallocs", ""
	};

	for (size_t i = 0; i < sizeof(allocators) / sizeof(*allocators); i++)
		assert_true(skip_is_allocator(allocators[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_false(skip_is_allocator(others[i]));
	assert_true(skip_is_runtime("_start") && skip_is_runtime("__libc_start_main"));
	assert_true(skip_is_runtime("start_thread") && skip_is_runtime("clone3"));
	assert_true(skip_is_runtime("_dl_start_user") && skip_is_runtime("call_init"));
	assert_false(skip_is_runtime("main") || skip_is_runtime(""));
}

/* gdc's names of a program; in full as c++filt -s dlang has them. */
static void names_of_d_are_read(void **state)
{
	char *const full = symbols_demangle("_D3app__T4PoolTiZQi4takeMFNbNimZPv");

	assert_string_equal(full, "app.Pool!(int).Pool.take(ulong)");
	free(full);
	check_linkage("_D3app__T4PoolTiZQi4takeMFNbNimZPv", "app.Pool!(...).Pool.take");
	check_linkage("_D3app5Outer4makeMFiZPv", "app.Outer.make");
	check_linkage("_D3app5plainFAyaZPv", "app.plain");
	assert_null(symbols_demangle("_Draw"));
	assert_null(symbols_demangle("_D"));
}

/* Of GNAT's encodings, in full as c++filt --format=gnat has them. */
static void names_of_ada_are_read(void **state)
{
	static const struct {
		const char *linkage, *name;
	} names[] = {
		{ "shapes__make__2", "shapes.make" },
		{ "_ada_main_prog", "main_prog" },
		{ "shapes__make__nested__2.0", "shapes.make.nested" },
		{ "shapes__Oadd", "shapes.\"+\"" },
		{ "shapes__Ole", "shapes.\"<=\"" },
		{ "shapes___elabb", "shapes'Elab_Body" },
		{ "shapes__prot__hitP", "shapes.prot.hit" },
		{ "shapes__baseSR", "shapes.base'Read" },
		{ "shapes__workerTKB", "shapes.worker" },
		{ "shapes__workerTB", "shapes.worker" }, /* of tasks, as gdb has them */
		{ "shapes__P4sIP", NULL },
		{ "shapes__x___finalizer.1", NULL },
		{ "main", NULL },
		{ "__gnat_malloc", NULL },
		{ "__", NULL },
		{ "_ada_", NULL },
		{ "TB", NULL },
		{ "", NULL }
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *const full = symbols_demangle_ada(names[i].linkage);

		if (names[i].name) {
			assert_string_equal(full, names[i].name);
			check_short(full, names[i].name);
		} else {
			assert_null(full);
		}
		free(full);
	}
	assert_null(symbols_demangle("shapes__make")); /* C's, perhaps */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_ada_are_read),
		cmocka_unit_test(names_of_d_are_read),
		cmocka_unit_test(templates_and_parameters_go),
		cmocka_unit_test(return_types_go),
		cmocka_unit_test(operators_are_not_templates),
		cmocka_unit_test(lambdas_and_local_names_stay),
		cmocka_unit_test(decorations_go),
		cmocka_unit_test(rust_names),
		cmocka_unit_test(other_languages_are_left_alone),
		cmocka_unit_test(broken_names_do_no_harm),
		cmocka_unit_test(random_text_does_no_harm),
		cmocka_unit_test(allocators_and_runtime_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
