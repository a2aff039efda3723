/*
 * operators - all twenty replaceable operators new and delete. Each is one
 * event, not also a malloc or free underneath; reports give the array forms the
 * name of the others.
 */
#include <new>
#include <cstdint>

#include "truth.h"

static const std::align_val_t wide{ 64 };
static const std::nothrow_t &quiet = std::nothrow;

static void *checked(void *p, const char *what)
{
	must(p != nullptr, what);
	return p;
}

static void *checked_wide(void *p, const char *what)
{
	must(reinterpret_cast<uintptr_t>(p) % 64 == 0, what);
	return checked(p, what);
}

static void single()
{
	::operator delete(checked(::operator new(1001), "new"));
	::operator delete(checked(::operator new(1002), "new"), 1002);
	::operator delete(checked(::operator new(1003, quiet), "new nothrow"), quiet);
	::operator delete(checked_wide(::operator new(1004, wide), "new aligned"), wide);
	::operator delete(checked_wide(::operator new(1005, wide), "new aligned"), 1005, wide);
	::operator delete(checked_wide(::operator new(1006, wide, quiet), "new aligned nothrow"), wide, quiet);
	for (int size = 1001; size <= 1006; size++) {
		truth("new", size, 1);
		truth("delete", size, 1);
	}
}

static void array()
{
	::operator delete[](checked(::operator new[](2001), "new[]"));
	::operator delete[](checked(::operator new[](2002), "new[]"), 2002);
	::operator delete[](checked(::operator new[](2003, quiet), "new[] nothrow"), quiet);
	::operator delete[](checked_wide(::operator new[](2004, wide), "new[] aligned"), wide);
	::operator delete[](checked_wide(::operator new[](2005, wide), "new[] aligned"), 2005, wide);
	::operator delete[](checked_wide(::operator new[](2006, wide, quiet), "new[] aligned nothrow"), wide, quiet);
	for (int size = 2001; size <= 2006; size++) {
		truth("new", size, 1);
		truth("delete", size, 1);
	}
}

struct Plain {
	char room[3001];
};

/* The size comes through a volatile: gcc warns of (and folds) constants that cannot succeed. */
static void failing()
{
	volatile size_t huge = SIZE_MAX / 2;
	bool thrown = false;

	must(::operator new(huge, quiet) == nullptr, "new nothrow of too much");
	must(::operator new[](huge, wide, quiet) == nullptr, "new[] aligned nothrow of too much");
	try {
		keep(::operator new(huge));
	} catch (const std::bad_alloc &) {
		thrown = true;
	}
	must(thrown, "bad_alloc");
	::operator delete(nullptr);
	::operator delete[](nullptr);
}

/* "operators plain" leaves out what cannot succeed: some allocators abort then, also without us. */
int main(int argc, char **)
{
	single();
	array();
	delete static_cast<Plain *>(keep(new Plain));
	truth("new", 3001, 1);
	truth("delete", 3001, 1);
	if (argc == 1)
		failing();
	return 0;
}
