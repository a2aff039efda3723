/* scopes - functions that only this file can call, in every kind of scope. */
#include <string>

static volatile int sink;
#define KEEP __attribute__((noinline, used))

namespace app
{
namespace
{
KEEP int in_anonymous(int n) { return sink += n; }

struct Hidden {
	KEEP static int make(int n) { return sink += n; }
	KEEP int method(int n) const { return sink + n; }
	struct Deeper {
		KEEP int go(const std::string &s, int *p) { return sink += (int)s.size() + *p; }
	};
};

namespace inner
{
KEEP int nested(int n) { return sink -= n; }
} // namespace inner
} // namespace

KEEP static int is_static(int n) { return sink ^= n; }

template <class F> KEEP static int apply(F f) { return f(3, 'x'); }

KEEP int closures(int n)
{
	auto first = [](int a, char) KEEP { return sink += a; };
	auto second = [n](int a, char) KEEP { return sink += a + n; };
	auto third = [](const std::string &s) KEEP { return sink += (int)s.size(); };
	struct Local {
		KEEP int f(int z)
		{
			auto in_local = [z](unsigned long a) KEEP { return sink += (int)a + z; };

			return in_local(5);
		}
	} local;

	return first(1, 'a') + second(2, 'b') + third("abc") + local.f(n) + apply(first) + apply(second);
}
} // namespace app

namespace other
{
KEEP static int is_static(int n)
{
	app::Hidden h;
	app::Hidden::Deeper d;

	return app::Hidden::make(n) + h.method(n) + d.go("x", &n) + app::inner::nested(n) + app::in_anonymous(n) +
	       app::is_static(n);
}
} // namespace other

KEEP static int outermost(int n) { return other::is_static(n); }

int main(int argc, char **argv)
{
	(void)argv;
	return app::closures(argc) + outermost(argc) == 12345;
}
