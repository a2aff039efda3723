/* alarm_cpp - alarms that throw out of operator new, and what tracker.hpp makes of the rest. */
#include <cstdio>
#include <cstring>
#include <cstdlib>
#include <string>
#include <vector>

#include "../../../libtracker/tracker.hpp"

static void *volatile block;

struct leaves {
	int *count;

	~leaves()
	{
		++*count;
	}
};

static void __attribute__((noinline)) allocate(int *left)
{
	const leaves on_the_way{ left };

	block = new char[20];
}

static int thrown()
{
	int left = 0;

	try {
		tracker::alarm a(2);

		allocate(&left);
	} catch (std::bad_alloc &e) {
		std::printf("caught: %s\n", e.what());
	}
	std::printf("left=%d\n", left);
	block = new char[20];
	return 0;
}

static int in_library()
{
	std::vector<int> v{ 1 };

	try {
		tracker::alarm a(100);

		for (int i = 0; i < 100000; i++)
			v.push_back(i);
	} catch (tracker::allocation_error &e) {
		std::printf("%zu blocks at %zu elements\n", e.event().block_count, v.size());
	}
	return 0;
}

/* Deeper on the stack than where the exception came from. */
static size_t __attribute__((noinline)) deeper(const tracker::alarm &a)
{
	volatile char room[500];

	room[0] = 1;
	try {
		block = new int;
	} catch (std::bad_alloc &) {
	}
	return a.fired() * static_cast<size_t>(room[0]);
}

static int forms()
{
	tracker::alarm a(1, TRACKER_ALARM_THROW, true);
	int caught = 0;
	void *const p = new (std::nothrow) int;

	try {
		block = new int;
	} catch (std::bad_alloc &) {
		caught++;
	}
	try {
		block = new int[5];
	} catch (std::bad_alloc &) {
		caught++;
	}
	try {
		block = ::operator new(64, std::align_val_t(64));
	} catch (std::bad_alloc &) {
		caught++;
	}
	std::printf("nothrow:%d caught:%d fired:%zu", p != nullptr, caught, a.fired());
	std::printf(" deeper:%zu\n", deeper(a));
	return 0;
}

static int by_malloc()
{
	tracker::alarm a(2);

	block = std::malloc(20);
	return 0;
}

static int handled;

static void handler()
{
	handled++;
	std::set_new_handler(nullptr);
}

static int fail()
{
	int caught = 0;
	void *p;

	{
		tracker::alarm a(2, TRACKER_ALARM_FAIL, true);

		std::set_new_handler(handler);
		try {
			block = new char[20];
		} catch (std::bad_alloc &e) {
			caught += dynamic_cast<tracker::allocation_error *>(&e) == nullptr;
		}
		p = new (std::nothrow) char[20];
	}
	{
		tracker::alarm a(2, TRACKER_ALARM_FAIL);

		std::set_new_handler(handler);
		block = new char[20];
	}
	std::printf("caught:%d nothrow:%d handled:%d retried:%d\n", caught, p != nullptr, handled, block != nullptr);
	return 0;
}

/* Memory runs out when the library says so. */
static int memory()
{
	int caught = 0;

	std::set_new_handler(handler);
	try {
		for (int i = 0; i < 1000; i++)
			block = new char[20];
	} catch (std::bad_alloc &) {
		caught++;
	}
	block = new (std::nothrow) char[20];
	std::printf("caught:%d nothrow:%d handled:%d\n", caught, block != nullptr, handled);
	return 0;
}

static int sizes()
{
	tracker::allocation_size s;
	unsigned long sum = 0;

	delete[] new char[64];
	for (std::uint64_t count : s)
		sum += count;
	std::printf("status:%d buckets:%zu [2]:%d sum:%lu\n", s.status(), s.size(), static_cast<int>(s[2]), sum);
	return 0;
}

/* The macros' blocks are left by an exception. */
static int asserted()
{
	try {
		TRACKER_ASSERT_MAX_ALLOCS(1, 1000) /* the exception itself */
			throw 1;
	} catch (int) {
	}
	delete new int;
	try {
		TRACKER_ASSERT_MAX_ALLOCS(3, 1000)
		{
			delete new int;
			throw std::string("x");
		}
	} catch (std::string &) {
	}
	for (int i = 0; i < 10; i++)
		delete new int;
	std::puts("left");
	return 0;
}

static const struct {
	const char *name;
	int (*run)();
} cases[] = {
	{ "cpp", thrown },
	{ "in_library", in_library },
	{ "forms", forms },
	{ "by_malloc", by_malloc },
	{ "fail", fail },
	{ "memory", memory },
	{ "sizes", sizes },
	{ "asserted", asserted },
};

int main(int argc, char **argv)
{
	static char buffer[BUFSIZ];

	std::setvbuf(stdout, buffer, _IOLBF, sizeof(buffer));
	for (const auto &c : cases)
		if (argc == 2 && std::strcmp(argv[1], c.name) == 0)
			return c.run();
	return 2;
}
