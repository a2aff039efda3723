/* thrower - four threads throw at depth 200, again and again, until there is a line on the input; then it says how often. */
#include <atomic>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

static std::atomic<bool> over{false};
static std::atomic<long> caught{0}, wrong{0};

static int deep(int n, unsigned seed)
{
	const std::string text(50 + seed % 100, 'a');

	if (n == 0)
		throw std::runtime_error(text);
	return deep(n - 1, seed + 1) + text[0];
}

static void work(unsigned seed)
{
	while (!over) {
		try {
			deep(200, seed);
			wrong++;
		} catch (const std::runtime_error &e) {
			if (std::string(e.what()).size() != 50 + (seed + 200) % 100)
				wrong++;
			caught++;
		}
		std::vector<int> v;
		for (int i = 0; i < 1000; i++)
			v.push_back(i);
		if (v[999] != 999)
			wrong++;
		usleep(500);
		seed++;
	}
}

int main()
{
	std::vector<std::thread> threads;
	char line[8];

	for (unsigned i = 0; i < 4; i++)
		threads.emplace_back(work, i * 1000);
	std::printf("ready %d\n", static_cast<int>(getpid()));
	std::fflush(stdout);
	(void)!read(0, line, sizeof(line));
	over = true;
	for (auto &t : threads)
		t.join();
	std::printf("%s\n", caught > 0 && wrong == 0 ? "good" : "bad");
	return 5;
}
