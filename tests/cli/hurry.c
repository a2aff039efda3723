/* hurry - a library with a clock that goes on by 150 ms whenever it is read, so that any work takes long by it. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *t);

int clock_gettime(clockid_t clock, struct timespec *t)
{
	static long long passed;
	const int ret = (int)syscall(SYS_clock_gettime, clock, t);

	if (ret == 0 && clock == CLOCK_MONOTONIC) {
		passed += 150000000;
		t->tv_sec = passed / 1000000000;
		t->tv_nsec = passed % 1000000000;
	}
	return ret;
}
