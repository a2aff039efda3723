/*
 * rebuilt - a program that compilers build in many ways: what they inline, split, call in the place of the caller and number anew. With SHIFT its lines
 * and lambdas are others; with GROWN one function allocates 1 % more. Nothing is released that it allocates.
 */
#ifdef SHIFT
#line 1000
static int unused_before(int n);
#endif
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>
#include <algorithm>
#include <thread>

static std::vector<void *> *kept;
static void keep(void *p) { kept->push_back(p); }
#ifdef SHIFT
static int unused_before(int n)
{
	auto f = [](int m) { return m + 1; };
	return f(n);
}
#endif

static inline void *make(std::size_t n)
{
	return std::malloc(n);
}

/* Compilers specialise, split and tail-call these. */
static __attribute__((noinline)) void *sized(std::size_t n, int how)
{
	if (how == 7) {
		std::abort();
	}
	return make(n);
}

static __attribute__((noinline)) void *tail(std::size_t n)
{
	return sized(n + 1, 3);
}

static void *deep(int level, std::size_t n)
{
	return level ? deep(level - 1, n) : make(n);
}

namespace
{
struct Node {
	virtual ~Node() = default;
	virtual void fill() = 0;
};
template <typename T>
struct Leaf : Node {
	std::vector<T> values;
	void fill() override
	{
		values.reserve(1000);
		keep(make(sizeof(T) * 10));
	}
};
} // namespace

static void lambdas()
{
#ifdef SHIFT
	auto before = [](int n) { keep(make((std::size_t)n)); };
	if (kept->size() == 1234567)
		before(1);
#endif
	auto one = [](int n) { keep(make((std::size_t)n)); };
	std::function<void(int)> other = [](int n) { keep(std::malloc((std::size_t)n + 3)); };
	for (int i = 0; i < 100; i++) {
		one(64);
		other(128);
	}
	std::vector<int> v(50, 32);
	std::for_each(v.begin(), v.end(), [](int n) { keep(make((std::size_t)n)); });
}

static void strings()
{
	static std::vector<std::string> *all = new std::vector<std::string>;
	for (int i = 0; i < 100; i++)
		all->push_back(std::string(100, 'x'));
}

int main()
{
	kept = new std::vector<void *>;
	kept->reserve(100000);
	for (int i = 0; i < 200; i++) {
		keep(sized(500, i % 5));
		keep(tail(99));
		keep(deep(i % 4, 300));
	}
#ifdef GROWN
	keep(sized(1000, 1)); /* 1 % of sized's 200 * 500 */
#endif
	std::unique_ptr<Node> a(new Leaf<int>), b(new Leaf<double>);
	a->fill();
	b->fill();
	lambdas();
	strings();
	std::thread t([] { for (int i = 0; i < 10; i++) keep(make(77)); });
	t.join();
}
