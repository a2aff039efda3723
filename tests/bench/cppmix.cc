/* cppmix N - C++ containers as programs use them: strings, maps, vectors, shared pointers. */
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

struct Node {
	std::string name;
	std::vector<std::shared_ptr<Node>> children;
};

static unsigned state = 1;

static unsigned dice(unsigned n)
{
	state = state * 1664525u + 1013904223u;
	return (state >> 8) % n;
}

static std::string word()
{
	return std::string(8 + dice(40), static_cast<char>('a' + dice(26)));
}

static std::shared_ptr<Node> grow(int depth)
{
	auto node = std::make_shared<Node>();

	node->name = word();
	for (unsigned i = 0; depth > 0 && i < 1 + dice(3); i++)
		node->children.push_back(grow(depth - 1));
	return node;
}

static size_t weigh(const Node &node, std::map<std::string, size_t> &index)
{
	size_t sum = node.name.size();

	index[node.name.substr(0, 12)] += sum;
	for (const auto &child : node.children)
		sum += weigh(*child, index);
	return sum;
}

int main(int argc, char **argv)
{
	const int rounds = argc > 1 ? atoi(argv[1]) : 2000;
	std::unordered_map<std::string, std::vector<std::string>> table;
	size_t sum = 0;

	for (int i = 0; i < rounds; i++) {
		std::map<std::string, size_t> index;

		sum += weigh(*grow(6), index);
		for (auto &entry : index)
			table[entry.first.substr(0, 3)].push_back(entry.first + word());
		if (table.size() > 20)
			table.clear();
	}
	std::printf("%zu\n", sum);
	return 0;
}
