/*
 * sample - C++ with much inlining: containers, algorithms, lambdas, local
 * classes, anonymous namespaces, exceptions, virtual and cold functions.
 */
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" int sample_c(int n);

namespace app
{
namespace
{
struct Base {
	virtual ~Base() {}
	virtual int go(int x) = 0;
};

struct Local : Base {
	std::string name = "a name that is too long to fit";
	int go(int x) override { return x * (int)name.size(); }
};

int helper(int x)
{
	std::vector<int> v;

	for (int i = 0; i < x; i++)
		v.push_back(i * i);
	std::sort(v.begin(), v.end(), [](int a, int b) { return a > b; });
	return v.at(0);
}
} // namespace

template <class T, int N> struct Ring {
	T items[N];
	int used = 0;

	void add(const T &t) { items[used++ % N] = t; }
	template <class F> void each(F f)
	{
		for (int i = 0; i < std::min(used, N); i++)
			f(items[i]);
	}
};

__attribute__((noinline)) int run(int n)
{
	struct Inner {
		int f(int z)
		{
			std::string s(z, 'x');
			auto l = [&s](int q) { return s.size() + q; };
			return l(z);
		}
		__attribute__((noinline)) int outlined(int z)
		{
			return (int)std::string(z * 40, 'y').find_last_of("z") + z;
		}
	} inner;
	std::map<std::string, std::vector<std::string>> m;
	Ring<std::string, 4> ring;
	size_t bytes = 0;

	for (int i = 0; i < n; i++) {
		m[std::to_string(i)].push_back(std::string(i, 'a'));
		ring.add(std::to_string(i));
	}
	ring.each([&bytes](const std::string &s) { bytes += s.size(); });
	std::function<int(int)> fn = [&](int k) { return helper(k) + inner.f(k) + (int)m.size(); };
	std::unique_ptr<Base> b = std::make_unique<Local>();
	return fn(n) + b->go(n) + inner.outlined(n) + (int)bytes;
}
} // namespace app

int main(int argc, char **argv)
{
	try {
		printf("%d %d\n", app::run(argc + 10), sample_c(argc));
		throw std::runtime_error(argv[0]);
	} catch (const std::exception &e) {
		return e.what() == nullptr;
	}
}
