/*
 * types_virtual - makes 1,000 objects of each of several classes with virtual functions, keeps them, and prints of each kind of block the type
 * that its virtual table says, how many blocks there are and how many bytes these have: "1000 16000 geo::Base".
 *
 * usage: types_virtual
 */
#include <cstdio>
#include <list>
#include <map>
#include <memory>
#include <vector>

#define COUNT 1000

namespace geo {

struct Base {
	virtual ~Base() = default;
	long x = 0;
};

struct Node : Base {
	double weight = 0;
	Node *next = nullptr;
};

struct Other {
	virtual ~Other() = default;
	virtual int other() { return 1; }
	char name[40] = "";
};

struct Both : Base, Other { /* multiple inheritance */
	long y = 0;
};

struct Left : virtual Base {
	long left = 0;
};
struct Right : virtual Base {
	long right = 0;
};
struct Diamond : Left, Right { /* virtual inheritance */
	long d = 0;
};

struct Plain { /* has no virtual functions, but what is derived from it does */
	long p = 0;
};
struct Late : Plain {
	virtual ~Late() = default;
	long l = 0;
};

template <typename T> struct Box : Base {
	T value;
};

struct Shared : Base {
	char more[100] = "";
};

} // namespace geo

namespace {
struct Hidden : geo::Base {
	char more[200] = "";
};
} // namespace

/* The block is reached by its start, whatever base class it is held by. */
static std::vector<std::unique_ptr<geo::Base>> kept;
static std::vector<geo::Diamond *> diamonds;
static std::vector<geo::Late *> late;
static std::vector<geo::Node *> arrays;
static std::vector<std::shared_ptr<geo::Shared>> shared;
static std::list<geo::Node> nodes;
static std::map<int, geo::Node> tree;
static std::vector<geo::Node> row;

static void say(const char *type, size_t count, size_t bytes)
{
	std::printf("%zu %zu %s\n", count, count * bytes, type);
}

__attribute__((noinline)) static void make()
{
	kept.reserve(6 * COUNT);
	diamonds.reserve(COUNT);
	late.reserve(COUNT);
	arrays.reserve(COUNT);
	shared.reserve(COUNT);
	row.reserve(COUNT);
	for (int i = 0; i < COUNT; i++) {
		kept.emplace_back(new geo::Base);
		kept.emplace_back(new geo::Node);
		kept.emplace_back(new geo::Both);
		kept.emplace_back(new geo::Box<int>);
		kept.emplace_back(new geo::Box<geo::Plain>);
		kept.emplace_back(new Hidden);
		diamonds.push_back(new geo::Diamond);
		late.push_back(new geo::Late);
		arrays.push_back(new geo::Node[3]);
		shared.push_back(std::make_shared<geo::Shared>());
		nodes.emplace_back();
		tree[i].x = i;
		row.emplace_back();
	}
}

int main()
{
	make();
	say("geo::Base", COUNT, sizeof(geo::Base));
	say("geo::Node", COUNT, sizeof(geo::Node));
	say("geo::Both", COUNT, sizeof(geo::Both));
	say("geo::Box<int>", COUNT, sizeof(geo::Box<int>));
	say("geo::Box<geo::Plain>", COUNT, sizeof(geo::Box<geo::Plain>));
	say("(anonymous namespace)::Hidden", COUNT, sizeof(Hidden));
	say("geo::Diamond", COUNT, sizeof(geo::Diamond));
	say("geo::Late", COUNT, sizeof(geo::Late));
	say("geo::Node[]", COUNT, sizeof(size_t) + 3 * sizeof(geo::Node));
	say("geo::Node[]", 1, COUNT * sizeof(geo::Node));
	say("geo::Shared", COUNT, sizeof(geo::Shared) + 2 * sizeof(void *));
	say("holds geo::Node", COUNT, 2 * sizeof(void *) + sizeof(geo::Node));
	say("holds geo::Node", COUNT, 4 * sizeof(void *) + sizeof(long) + sizeof(geo::Node));
	std::fflush(stdout);
	return 0;
}
