/*
 * tracked - tracks classes and objects in many ways, and says how many it has, how large they are, and what calls return.
 *
 * usage: tracked MODE
 */
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fnmatch.h>
#include <new>
#include <malloc.h>
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../../libtracker/tracker.hpp"

namespace geo
{
struct Node : public tracker::tracked<Node> {
	double weight[5];
};
struct Base { /* nobody says what these are but their virtual tables */
	virtual ~Base() {}
	long value[3];
};
struct Derived : public Base {
	long more[4];
};
struct Other : public Derived {
	~Other() override {}
};
} // namespace geo

static void *kept[4096];
static int used;

template <typename T> static T *keep(T *p)
{
	kept[used++] = p;
	return p;
}

static void call(const char *what, int code)
{
	std::printf("%s %d\n", what, code);
}

static void snapshot(const char *description, bool total = false)
{
	const int code = tracker_create_snapshot(description, total);

	if (code != TRACKER_OK)
		call("snapshot", code);
}

static void wait_ms(long ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, nullptr);
}

static long ms_between(const struct timespec &a, const struct timespec &b)
{
	return (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
}

struct pair {
	void *to[4];
};

static struct pair *plain(std::size_t size)
{
	struct pair *const p = static_cast<struct pair *>(std::calloc(1, size));

	return p;
}

/* 10 before, 1000 after; names, detaching, ending. */
static void classes()
{
	tracker_track_options o = { "Foobar", 0, false, true };
	geo::Node *some[1000];

	call("null", tracker_track_class(nullptr, nullptr));
	call("empty", tracker_track_class("", nullptr));
	call("unknown", tracker_detach_class("geo::Node"));
	for (int i = 0; i < 10; i++)
		keep(new geo::Node);
	call("track", tracker_track_class("geo::No*", &o));
	o.name = "Baz";
	call("again", tracker_track_class("geo::No*", &o));
	call("never", tracker_track_class("geo::Never", nullptr));
	for (int i = 0; i < 1000; i++)
		some[i] = keep(new geo::Node);
	call("label", tracker_annotate_label(some[7], "the seventh"));
	snapshot("after mk");
	for (int i = 0; i < 600; i++)
		delete some[i];
	call("detach", tracker_detach_class("geo::No*"));
	keep(new geo::Node);
	snapshot("fewer");
	call("again", tracker_track_class("geo::No*", &o));
	call("classes", (tracker_detach_all_classes(), tracker_detach_class("geo::No*")));
	keep(new geo::Node);
	snapshot("detached");
	tracker_detach_all();
	snapshot("none");
	std::printf("size %zu\n", sizeof(geo::Node));
}

/* The series of a class: 1 2 3 2 1 2 1 0. */
static void history()
{
	geo::Node *p[4];

	tracker_track_class("geo::Node", nullptr);
	p[0] = new geo::Node;
	p[1] = new geo::Node;
	p[2] = new geo::Node;
	delete p[0];
	delete p[1];
	p[3] = new geo::Node;
	delete p[2];
	delete p[3];
}

static void clear()
{
	tracker_track_class("geo::Node", nullptr);
	keep(new geo::Node);
	snapshot("before");
	tracker_clear();
	keep(new geo::Node);
}

/* A root with two children, one of which has a grandchild. */
static void graph()
{
	struct pair *const root = plain(100), *const first = plain(200), *const second = plain(300), *const grand = plain(400), *const cycle = plain(50);
	int local;

	root->to[0] = first;
	root->to[1] = reinterpret_cast<char *>(second) + 8;
	first->to[0] = grand;
	grand->to[0] = root;
	cycle->to[0] = cycle;
	keep(root);
	keep(cycle);
	call("stack", tracker_track_object(&local, "root", nullptr));
	call("root", tracker_track_object(root->to, "root", nullptr));
	call("middle", tracker_track_object(reinterpret_cast<char *>(root) + 8, "root", nullptr));
	call("again", tracker_track_object(root, "other", nullptr));
	call("nothing", tracker_track_object(nullptr, "root", nullptr));
	call("change nothing", tracker_track_change(first, 1));
	call("cycle", tracker_track_object(cycle, "cycle", nullptr));
	snapshot("level 0");
	for (unsigned level = 1; level <= 2; level++) {
		char text[] = "level 0";

		text[6] = static_cast<char>('0' + level);
		call("change", tracker_track_change(root, level));
		snapshot(text);
	}
	std::free(first);
	root->to[0] = grand;
	snapshot("without the first");
	std::free(root);
	snapshot("without the root");
}

/* A list moves from b to a. */
static void shared()
{
	struct pair *const a = plain(100), *const b = plain(110), *const list = plain(1000), *const data = plain(2000);

	list->to[0] = data;
	b->to[0] = list;
	b->to[1] = a;
	keep(a);
	keep(b);
	tracker_track_object(b, "b", nullptr);
	tracker_track_object(a, "a", nullptr);
	snapshot("in b");
	a->to[0] = list;
	snapshot("in both");
	b->to[0] = nullptr;
	snapshot("in a");
}

static void tables(const char *pattern)
{
	keep(new geo::Derived);
	if (std::strcmp(pattern, "-") != 0) {
		tracker_track_class(pattern, nullptr);
		if (std::strcmp(pattern, "geo::Base+") == 0)
			tracker_track_class("geo::Other", nullptr);
	}
	for (int i = 0; i < 30; i++) {
		keep(new geo::Base);
		if (i < 20)
			keep(new geo::Derived);
		if (i < 10)
			keep(static_cast<geo::Base *>(new geo::Other));
	}
	keep(new geo::Derived[5]);
	snapshot("made", true);
	std::printf("base %zu\nderived %zu\n", sizeof(geo::Base), sizeof(geo::Derived));
}

static void *eighth(void *)
{
	for (int i = 0; i < 100; i++)
		snapshot("");
	return nullptr;
}

static void threads()
{
	pthread_t t[8];

	for (pthread_t &one : t)
		pthread_create(&one, nullptr, eighth, nullptr);
	for (pthread_t &one : t)
		pthread_join(one, nullptr);
}

__attribute__((noinline)) static void lose()
{
	volatile char stack[4096];

	plain(700)->to[0] = plain(60);
	std::memset(const_cast<char *>(stack), 0, sizeof(stack));
}

static std::atomic<bool> all_taken;

/* Each list is 1,000 bytes in ten blocks. Until all snapshots are taken, a thread replaces its parts all the time: the old part is freed when the new one has its place. */
static void *rebuild(void *list)
{
	struct pair *const head = static_cast<struct pair *>(list);

	while (!all_taken.load()) {
		struct pair *const p = plain(100), *const old = static_cast<struct pair *>(head->to[0]);

		p->to[0] = old->to[0];
		head->to[0] = p;
		std::free(old);
	}
	return nullptr;
}

static void torn()
{
	pthread_t t[4];

	for (pthread_t &one : t) {
		struct pair *const head = plain(100), *at = head;

		for (int i = 0; i < 9; i++, at = static_cast<struct pair *>(at->to[0]))
			at->to[0] = plain(100);
		tracker_track_object(head, "list", nullptr);
		keep(head);
		pthread_create(&one, nullptr, rebuild, head);
	}
	for (int i = 0; i < 5; i++)
		snapshot("while");
	all_taken = true;
	for (pthread_t &one : t)
		pthread_join(one, nullptr);
}

static void lost()
{
	keep(plain(1000))->to[0] = plain(500);
	lose();
	wait_ms(1);
	snapshot("total", true);
}

static long threads_of_mine()
{
	FILE *const f = std::fopen("/proc/self/status", "r");
	char line[200];
	long n = 0;

	while (f && std::fgets(line, sizeof(line), f))
		if (std::sscanf(line, "Threads: %ld", &n) == 1)
			break;
	if (f)
		std::fclose(f);
	return n;
}

static void periodic()
{
	struct timespec a, b;

	call("wrong", tracker_start_periodic_snapshots(0));
	call("not running", tracker_stop_periodic_snapshots());
	call("long", tracker_start_periodic_snapshots(60));
	clock_gettime(CLOCK_MONOTONIC, &a);
	call("start", tracker_start_periodic_snapshots(0.1));
	wait_ms(1000);
	call("start", tracker_start_periodic_snapshots(60));
	clock_gettime(CLOCK_MONOTONIC, &b);
	std::printf("started for ms %ld\n", ms_between(a, b));
	std::printf("threads %ld\n", threads_of_mine());
	clock_gettime(CLOCK_MONOTONIC, &a);
	call("stop", tracker_stop_periodic_snapshots());
	clock_gettime(CLOCK_MONOTONIC, &b);
	std::printf("stopped %d\n", ms_between(a, b) < 5000);
	snapshot("last");
}

static void dump(const char *path)
{
	tracker_track_class("geo::Node", nullptr);
	for (int i = 0; i < 100; i++)
		keep(new geo::Node);
	snapshot("one");
	call("nowhere", tracker_dump_stats("/nonexistent/file"));
	call("dump", tracker_dump_stats(path));
}

/*
 * 200 objects that are kept: half by their class, half by themselves, and released in all ways. What is left of each, and whether its
 * address was given out again. `limit`: bytes that may be kept.
 */
static void keeps(size_t limit)
{
	static constexpr int COUNT = 200, SIZE = 72;
	const tracker_track_options o = { nullptr, 0, true, false };
	unsigned char *blocks[COUNT];
	size_t left = 0;
	int wrong = 0, again = 0, failed = 0;

	if (limit == 0)
		tracker_track_class("kept*", &o);
	tracker_track_class("*other*", nullptr);
	for (int i = 0; i < COUNT; i++) {
		blocks[i] = static_cast<unsigned char *>(i % 4 ? std::malloc(SIZE) : ::operator new(SIZE));
		std::memset(blocks[i], i, SIZE);
		if (i % 2)
			failed += tracker_track_object(blocks[i], "single", &o) != TRACKER_OK;
		else
			failed += tracker_annotate(blocks[i], "kept by class") != TRACKER_OK;
	}
	for (int i = 0; i < COUNT; i++) {
		if (i % 4 == 0)
			::operator delete(blocks[i]);
		else if (i % 10 == 1)
			std::free(std::realloc(blocks[i], 5000));
		else
			std::free(blocks[i]);
		if (limit == 0 || left + SIZE <= limit)
			left += SIZE;
		else
			blocks[i] = nullptr;
	}
	for (int i = 0; i < 1000; i++) {
		void *const p = keep(std::malloc(SIZE));

		for (unsigned char *b : blocks)
			again += b && p == b;
		std::memset(p, 0xee, SIZE);
	}
	for (int i = 0; i < COUNT; i++)
		for (int k = 0; blocks[i] && k < SIZE; k++)
			wrong += blocks[i][k] != i;
	std::printf("calls that failed %d\nwrong bytes %d\naddresses given out again %d\n", failed, wrong, again);
	void *const other = std::malloc(SIZE);

	tracker_annotate(other, "other");
	std::free(keep(other));
	call("freed as ever", keep(std::malloc(SIZE)) == other);
	snapshot("kept");
}

static void forks()
{
	tracker_track_class("geo::Node", nullptr);
	keep(new geo::Node);
	const pid_t child = fork();

	if (child == 0) {
		keep(new geo::Node);
		keep(new geo::Node);
		snapshot("child");
		_exit(0);
	}
	waitpid(child, nullptr, 0);
	snapshot("parent");
}

/* What the kernel and malloc say of this process. */
static void figures(const char *when)
{
	char text[8192];
	const int fd = open("/proc/self/status", O_RDONLY);
	const ssize_t n = read(fd, text, sizeof(text) - 1);
	const struct mallinfo2 m = mallinfo2();

	close(fd);
	text[n > 0 ? n : 0] = 0;
	for (const char *line = text; *line; line += std::strcspn(line, "\n"), line += *line == '\n') {
		char key[32];
		long kib;

		if (std::sscanf(line, "Vm%31[A-Za-z]: %ld kB", key, &kib) == 2)
			std::printf("%s Vm%s %ld\n", when, key, kib * 1024);
	}
	std::printf("%s arena %zu\n%s inuse %zu\n%s free %zu\n%s mmapped %zu\n", when, m.arena, when, m.uordblks, when, m.fordblks, when, m.hblkhd);
}

static void nothing()
{
	std::puts("begin 0"); /* what printing takes once, it has now */
	figures("before");
	snapshot("nothing");
	figures("after");
}

int main(int argc, char **argv)
{
	const char *const mode = argc > 1 ? argv[1] : "";

	std::setvbuf(stdout, nullptr, _IOLBF, 0);
	if (!std::strcmp(mode, "classes"))
		classes();
	else if (!std::strcmp(mode, "history"))
		history();
	else if (!std::strcmp(mode, "clear"))
		clear();
	else if (!std::strcmp(mode, "graph"))
		graph();
	else if (!std::strcmp(mode, "shared"))
		shared();
	else if (!std::strcmp(mode, "tables"))
		tables(argc > 2 ? argv[2] : "-");
	else if (!std::strcmp(mode, "threads"))
		threads();
	else if (!std::strcmp(mode, "torn"))
		torn();
	else if (!std::strcmp(mode, "lost"))
		lost();
	else if (!std::strcmp(mode, "periodic"))
		periodic();
	else if (!std::strcmp(mode, "dump"))
		dump(argv[2]);
	else if (!std::strcmp(mode, "forks"))
		forks();
	else if (!std::strcmp(mode, "keep"))
		keeps(argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0);
	else if (!std::strcmp(mode, "nothing"))
		nothing();
	else
		return 2;
	return 0;
}
