/*
 * torture_objects - C++ objects that live as long as a thread, or longer than main; operators
 * of the program's own class; handlers for when there is no memory.
 */
#include <atomic>
#include <cstdint>
#include <exception>
#include <limits>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#include "truth.h"

namespace {

struct Lived {
	void *p = keep(malloc(1001));
	~Lived()
	{
		churn(1002, 2);
		free(p);
	}
};

thread_local Lived lived;
thread_local std::vector<char> grown;

void touch()
{
	lived.p = keep(lived.p);
	grown.reserve(1003);
}

struct AtExit {
	~AtExit() { churn(1004, 3); }
} at_exit;

int asked;

void no_memory()
{
	churn(1005, 1);
	if (++asked % 5 == 0)
		throw std::bad_alloc();
}

void handler()
{
	volatile size_t huge = SIZE_MAX / 4;
	int caught = 0;

	std::set_new_handler(no_memory);
	for (int i = 0; i < 20; i++) {
		try {
			keep(::operator new(huge));
		} catch (const std::bad_alloc &) {
			caught++;
		}
		must(::operator new(huge, std::nothrow) == nullptr, "new nothrow with a handler");
		must(::operator new[](huge, std::align_val_t{ 128 }, std::nothrow) == nullptr, "its aligned array");
	}
	std::set_new_handler(nullptr);
	must(caught == 20 && asked == 300, "bad_alloc after the handler gave up");
	truth_churn(1005, 300);
}

struct Bad {
	char bytes[1006];
	Bad() { throw std::runtime_error("constructor"); }
};

// Memory of an object that never came to be goes back.
void constructors()
{
	int caught = 0;
	volatile int negative = -1;

	for (int i = 0; i < 50; i++) {
		try {
			keep(new Bad);
		} catch (const std::runtime_error &) {
			caught++;
		}
		try {
			keep(new int[static_cast<size_t>(negative)]);
		} catch (const std::bad_array_new_length &) {
			caught++;
		} catch (const std::bad_alloc &) {
			caught++;
		}
	}
	must(caught == 100, "constructors that throw");
	truth("new", 1006, 50);
	truth("delete", 1006, 50);
}

struct alignas(4096) Page {
	char bytes[8192];
};

struct Own {
	char bytes[1007];
	static void *operator new(size_t size) { return keep(malloc(size)); }
	static void operator delete(void *p) { free(p); }
};

// An exception that leaves its thread.
void carried()
{
	for (int i = 0; i < 20; i++) {
		std::exception_ptr e;

		std::thread([&e] {
			try {
				std::vector<char>(1008).at(2000) = 1;
			} catch (...) {
				e = std::current_exception();
			}
		}).join();
		try {
			std::rethrow_exception(e);
		} catch (const std::out_of_range &) {
		}
	}
	truth("new", 1008, 20);
	truth("delete", 1008, 20);
}

} // namespace

int main()
{
	for (int i = 0; i < 100; i++)
		std::thread(touch).join();
	touch();
	truth_churn(1001, 101);
	truth_churn(1002, 202);
	truth("new", 1003, 101);
	truth("delete", 1003, 101);
	truth_churn(1004, 3);
	handler();
	constructors();
	delete[] static_cast<Page *>(keep(new Page[2]));
	truth("new", 16384, 1);
	truth("delete", 16384, 1);
	delete static_cast<Own *>(keep(new Own));
	truth_churn(1007, 1);
	carried();
	return 0;
}
