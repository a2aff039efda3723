/* exceptions - allocations before, while and after a stack is unwound by an exception. */
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

int main()
{
	int caught = 0;

	for (int i = 0; i < 200; i++) {
		try {
			thrower(9);
		} catch (const std::runtime_error &) {
			caught++;
			churn(1004, 1);
		}
	}
	must(caught == 200, "exceptions caught");
	truth_churn(1001, 2000);
	truth_churn(1002, 2000);
	truth_churn(1003, 2000);
	truth_churn(1004, 200);
	return 0;
}
