// private - a C++ plugin. Its constructor, which runs under the loader's lock, waits for
// a thread that uses operators nobody has used yet: a hook that asks the loader hangs.
#include <new>
#include <stdexcept>
#include <thread>

#include "truth.h"

namespace {

struct alignas(64) Wide {
	char bytes[1024];
};

int loaded = [] {
	std::thread([] {
		delete static_cast<Wide *>(keep(new Wide));
		delete[] static_cast<char *>(keep(new (std::nothrow) char[1001]));
	}).join();
	return 1;
}();

} // namespace

extern "C" void plugin_work()
{
	volatile size_t huge = SIZE_MAX / 4;
	int caught = 0;

	for (int i = 0; i < 100; i++) {
		char *const p = static_cast<char *>(keep(::operator new(1002)));

		try {
			throw std::runtime_error("thrown");
		} catch (const std::exception &) {
			caught++;
		}
		::operator delete(p);
	}
	try {
		keep(new char[huge]);
	} catch (const std::bad_alloc &) {
		caught++;
	}
	must(loaded == 1 && caught == 101, "exceptions");
	truth("new", 1001, 1);
	truth("delete", 1001, 1);
	truth("new", 1002, 100);
	truth("delete", 1002, 100);
}
