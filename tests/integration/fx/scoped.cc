/*
 * scoped - what tracker.hpp ties to a scope: tracing, regions, captures.
 *
 * usage: scoped MODE [FILE]; prints what the answers were.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "../../../libtracker/tracker.hpp"

static char output[1 << 12];

__attribute__((noinline)) static void allocate(std::size_t size)
{
	void *volatile p = std::malloc(size);

	std::free(p);
}

static int tracing()
{
	{
		const tracker::tracing outer(3);

		{
			const tracker::tracing inner(7);

			std::printf("inner: %d, limit %d\n", inner.status(), tracker_get_traceback_limit());
		}
		std::printf("outer: %d, tracing %d\n", outer.status(), tracker_is_tracing());
	}
	const tracker::tracing refused(0);

	std::printf("behind: %d, refused: %d\n", tracker_is_tracing(), refused.status());
	return 0;
}

static int capture(const char *file)
{
	allocate(1000);
	{
		const tracker::capture c(file);
		const tracker::region r("inside");

		allocate(700);
		std::printf("region: %d, active: %d\n", r.status(), tracker_capture_is_active());
		try {
			const tracker::capture other("/dev/null");
		} catch (const std::runtime_error &e) {
			std::printf("another: %d %s\n", static_cast<const tracker::error &>(e).code(), e.what());
		}
	}
	allocate(90);
	std::printf("left: %d\n", tracker_capture_is_active());
	try {
		const tracker::capture again(file);
	} catch (const tracker::error &e) {
		std::printf("there: %d\n", e.code());
	}
	tracker::capture null("/dev/null");

	null.exit();
	try {
		null.exit();
	} catch (const tracker::error &e) {
		std::printf("twice: %d, get %d\n", e.code(), null.get() != nullptr);
	}
	return 0;
}

static int absent(const char *file)
{
	const tracker::tracing t;
	const tracker::region r("absent");

	std::printf("%d %d ", t.status(), r.status());
	try {
		const tracker::capture c(file);
	} catch (const tracker::error &e) {
		std::printf("%d %s\n", e.code(), e.what());
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *const mode = argc > 1 ? argv[1] : "";

	std::setvbuf(stdout, output, _IOFBF, sizeof(output));
	if (std::strcmp(mode, "tracing") == 0)
		return tracing();
	if (std::strcmp(mode, "capture") == 0)
		return capture(argv[2]);
	return std::strcmp(mode, "absent") == 0 ? absent("/dev/null") : 2;
}
