/* exceptions [DEPTH] - allocations before, while and after a stack of DEPTH + 1 frames is unwound by an exception. */
#include <cstdlib>
#include <stdexcept>

#include "truth.h"

struct Holder {
	void *p = keep(malloc(1002));
	~Holder()
	{
		churn(1003, 1);
		free(p);
	}
};

__attribute__((noinline)) static void thrower(int depth)
{
	Holder h;

	churn(1001, 1);
	if (depth == 0)
		throw std::runtime_error("deep");
	thrower(depth - 1);
	asm volatile("");
}

int main(int argc, char **argv)
{
	const int depth = argc > 1 ? std::atoi(argv[1]) : 9;
	const unsigned long frames = 200ul * (unsigned long)(depth + 1);
	int caught = 0;

	for (int i = 0; i < 200; i++) {
		try {
			thrower(depth);
		} catch (const std::runtime_error &) {
			caught++;
			churn(1004, 1);
		}
	}
	must(caught == 200, "exceptions caught");
	truth_churn(1001, frames);
	truth_churn(1002, frames);
	truth_churn(1003, frames);
	truth_churn(1004, 200);
	return 0;
}
