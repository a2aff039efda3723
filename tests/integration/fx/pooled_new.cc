/*
 * pooled_new - a program whose operators new and delete, of pool_new.cc, are replaced in a library, or (OWN) in the program.
 *
 * Every form has to reach them as it does alone, a failure with the exception of the one that failed.
 */
#include <algorithm>
#include <new>
#include <vector>

#include "pool_new.h"
#include "truth.h"

#ifdef OWN
enum { SEEN = 0 }; /* the program calls its own operator: nobody stands in between */
#else
enum { SEEN = 1 };
#endif

static void *sized(size_t size) { return keep(::operator new(size)); }

static void each_form()
{
	for (int i = 0; i < 10; i++) {
		::operator delete(sized(1001));
		::operator delete(sized(1001), (size_t)1001);
		::operator delete[](keep(::operator new[](1003)));
		::operator delete(keep(::operator new(1005, std::nothrow)), std::nothrow);
		::operator delete[](keep(::operator new[](1007, std::nothrow)));
		::operator delete(keep(::operator new(1009, std::align_val_t(64))), std::align_val_t(64));
	}
	must(pool_allocated == 50 && pool_released == 50, "every form but the aligned one");
	truth("new", 1001, 20 * SEEN);
	truth("delete", 1001, 20 * SEEN);
	truth("new", 1003, 10);
	truth("delete", 1003, 10);
	truth("new", 1005, 10);
	truth("delete", 1005, 10);
	truth("new", 1007, 10);
	truth("delete", 1007, 10);
	truth("new", 1009, 10);
	truth("delete", 1009, 10);
}

struct no_more : std::bad_alloc {};
static int handled;

static void handler()
{
	handled++;
	throw no_more();
}

/* Without a new handler, and with one, which is called once each time. */
static void failures()
{
	volatile size_t much = 64 << 20;
	int caught = 0;

	for (int i = 0; i < 6; i++) {
		std::set_new_handler(i < 3 ? nullptr : handler);
		try {
			keep(::operator new(much));
		} catch (const no_more &) {
			caught += i >= 3;
		} catch (const std::bad_alloc &) {
			caught += i < 3;
		}
		try {
			keep(::operator new[](much));
		} catch (const no_more &) {
			caught += i >= 3;
		} catch (const std::bad_alloc &) {
			caught += i < 3;
		}
		must(!::operator new(much, std::nothrow) && !::operator new[](much, std::nothrow), "no memory");
	}
	must(caught == 12 && handled == 12, "exceptions");
}

int main()
{
	failures(); /* first: what an exception left behind would hide the rest */
	each_form();
	std::vector<int> numbers(100);
	for (int i = 0; i < 100; i++)
		numbers[(size_t)i] = i * 37 % 100;
	std::stable_sort(numbers.begin(), numbers.end()); /* a nothrow new, a plain delete */
	must(numbers[99] == 99, "sorted");
	return 0;
}
