// pool - a plugin that defines operator new and delete: they are called, and their malloc is what is recorded.
#include <new>

#include "truth.h"

namespace {
int made, gone;
}

void *operator new(size_t size)
{
	made++;
	return malloc(size);
}

void operator delete(void *p) noexcept
{
	gone++;
	free(p);
}

void operator delete(void *p, size_t) noexcept
{
	::operator delete(p);
}

extern "C" void plugin_work()
{
	for (int i = 0; i < 50; i++)
		::operator delete(keep(::operator new(1003)));
	must(made == 50 && gone == 50, "the plugin's own operators");
	truth_churn(1003, 50);
}
