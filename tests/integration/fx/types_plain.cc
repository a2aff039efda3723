/*
 * types_plain - makes 1,000 objects of each of several types, in the ways that C++ programs do, and keeps them.
 *
 * usage: types_plain
 */
#include <cstdio>
#include <cstdlib>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

#define COUNT 1000

namespace geo {

struct Base {
	virtual ~Base() = default;
	int x = 0;
};

struct Node : Base { /* a derived class, in a list */
	double weight = 0;
	Node *next = nullptr;
};

struct Shape { /* shared */
	virtual ~Shape() = default;
	char name[40] = "";
};

struct Both : Base, Shape { /* multiple inheritance, unique */
	int y = 0;
};

template <typename T> struct Box { /* a template, in a vector */
	T value;
	char more[56];
};

struct Own { /* has operators of its own */
	char text[24];
	static void *operator new(std::size_t size) { return ::operator new(size); }
	static void operator delete(void *p) { ::operator delete(p); }
	static void *operator new[](std::size_t size) { return ::operator new[](size); }
	static void operator delete[](void *p) { ::operator delete[](p); }
};

} // namespace geo

static std::list<geo::Node> nodes;
static std::vector<std::shared_ptr<geo::Shape>> shapes;
static std::vector<std::unique_ptr<geo::Both>> both;
static std::vector<geo::Box<long>> boxes;
static std::vector<geo::Own *> own;
static std::map<int, std::string> names;
static std::vector<void *> plain;

__attribute__((noinline)) static void make()
{
	shapes.reserve(COUNT);
	both.reserve(COUNT);
	boxes.reserve(COUNT);
	own.reserve(COUNT);
	plain.reserve(COUNT);
	for (int i = 0; i < COUNT; i++) {
		nodes.emplace_back();
		shapes.push_back(std::make_shared<geo::Shape>());
		both.push_back(std::make_unique<geo::Both>());
		boxes.push_back({ i, "" });
		own.push_back(new geo::Own);
		names[i] = "short";
		plain.push_back(std::malloc(72));
	}
}

int main()
{
	make();
	std::printf("node %zu shape %zu both %zu box %zu own %zu\n", sizeof(geo::Node), sizeof(geo::Shape), sizeof(geo::Both), sizeof(geo::Box<long>), sizeof(geo::Own));
	std::fflush(stdout);
	_Exit(0);
}
