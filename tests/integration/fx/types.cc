/*
 * types - says what its blocks hold: 1,000 of each type, in all ways, and blocks of which it says nothing at addresses that were annotated before.
 *
 * usage: types
 */
#include <cstdlib>
#include <new>

#include "../../../libtracker/tracker.hpp"

#define COUNT 1000

namespace geo
{

struct Node : public tracker::tracked<Node> {
	double weight[5];
};

template <typename T> struct Box : public tracker::tracked<Box<T>> {
	T value[3];
};

} // namespace geo

struct point {
	int x, y, z;
};

static void *kept[COUNT * 16];
static int used;

static void keep(void *p)
{
	kept[used++] = p;
}

__attribute__((noinline)) static void make()
{
	for (int i = 0; i < COUNT; i++) {
		void *p = std::malloc(40);

		if (tracker_annotate(p, "plain") != TRACKER_OK && tracker_is_available())
			std::abort();
		keep(p);
		p = std::malloc(50);
		(void)tracker_annotate(p, "first");
		(void)tracker_annotate(p, "second");
		keep(p);
		p = std::calloc(8, 10);
		(void)tracker_annotate_array(p, "row", 8);
		keep(std::realloc(p, 300)); /* another block: nobody says what it holds */
		p = std::malloc(60);
		(void)tracker_annotate(p, "gone");
		std::free(p);
		keep(std::malloc(60)); /* most likely there */
		keep(TRACKER_NEW(struct point));
		keep(new geo::Node);
		keep(new geo::Box<int>);
		keep(new (std::nothrow) geo::Node);
	}
	for (int i = 0; i < COUNT / 10; i++)
		keep(new geo::Node[10]);
	(void)tracker_annotate(nullptr, "nothing");
	(void)tracker_annotate(&used, "no block");
}

int main()
{
	make();
	std::_Exit(0);
}
