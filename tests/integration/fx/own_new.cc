/* own_new - a program with operators new and delete of its own, over malloc: they are not ours to record, malloc is. */
#include <cstdlib>
#include <new>
#include <string>

#include "truth.h"

static unsigned long calls;

void *operator new(size_t size)
{
	calls++;
	return malloc(size);
}

void operator delete(void *p) noexcept { free(p); }
void operator delete(void *p, size_t) noexcept { free(p); }

int main()
{
	for (int i = 0; i < 100; i++) {
		::operator delete(keep(::operator new(1001)));
		std::string(1001, 'x').append("y");
	}
	must(calls >= 200, "its own operators");
	truth("new", 1001, 0);
	truth("delete", 1001, 0);
	truth_churn(1001, 100);
	return 0;
}
