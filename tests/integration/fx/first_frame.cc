/*
 * first_frame - allocates through the C++ library, the C library and, if it is there, GLib, and prints of each block how many frames its
 * traceback has, whether the stack had more, and the function of the most recent one: once by itself, once in a snapshot.
 *
 * usage: first_frame NFRAME [CAPTURE]. Each block has a size of its own.
 */
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <tracker-replay.h>

#define FAR __attribute__((noinline))

static void *kept[16]; /* a block lives until the end */
static int count;

static void keep(void *p)
{
	kept[count++] = p;
}

struct large {
	char bytes[3001];
};

FAR static void by_malloc()
{
	keep(std::malloc(2001));
}

FAR static void by_new()
{
	keep(new large);
}

FAR static void by_vector()
{
	static std::vector<char> v;

	v.resize(4001);
	keep(v.data());
}

FAR static void by_push_back()
{
	static std::vector<large> v;

	v.push_back(large());
	v.push_back(large());
	keep(v.data());
}

FAR static void by_string()
{
	static std::string s;

	s.assign(5001, 'x');
	keep(&s[0]);
}

FAR static void by_map()
{
	static std::map<int, large> m;

	keep(&m[3]);
}

FAR static void by_shared()
{
	static std::shared_ptr<large> p;

	p = std::make_shared<large>();
	keep(p.get());
}

FAR static void by_function()
{
	static std::function<int()> f;
	large big = large();

	f = [big] { return (int)big.bytes[0]; };
	keep(nullptr); /* only its snapshot */
}

FAR static void by_strdup()
{
	static char text[7001];

	std::memset(text, 'y', sizeof(text) - 1);
	keep(strdup(text));
}

FAR static void by_g_malloc(void *(*g_malloc)(size_t))
{
	keep(g_malloc(8001));
}

static const char *base_of(const char *function)
{
	return function ? function : "?";
}

static void print(const char *how, const tracker_traceback *t)
{
	tracker_frame f = tracker_frame();

	if (tracker_traceback_frame(t, -1, &f) == TRACKER_OK)
		std::printf("%s %zu %d %s\n", how, tracker_traceback_len(t), tracker_traceback_total_nframe(t) > tracker_traceback_len(t),
			    base_of(f.function));
}

static void print_blocks()
{
	for (int i = 0; i < count; i++) {
		tracker_traceback *const t = kept[i] ? tracker_get_object_traceback(kept[i]) : nullptr;

		if (t)
			print("block", t);
		tracker_traceback_free(t);
	}
}

static void print_snapshot()
{
	tracker_snapshot *const s = tracker_take_snapshot();
	tracker_trace trace;

	for (size_t i = 0; i < tracker_snapshot_len(s); i++)
		if (tracker_snapshot_trace(s, i, &trace) == TRACKER_OK && trace.size > 2000 && trace.size < 8100)
			print("trace", trace.traceback);
	tracker_snapshot_free(s);
}

static tracker_capture *begin_capture(const char *path, int nframe)
{
	tracker_options o;

	tracker_options_init(&o);
	o.file_name = path;
	o.nframe = nframe;
	tracker_capture *const c = tracker_capture_new(&o);

	if (!c || tracker_capture_enter(c) != TRACKER_OK)
		std::exit(1);
	return c;
}

int main(int argc, char **argv)
{
	void *const glib = dlopen("libglib-2.0.so.0", RTLD_NOW), *const g_malloc = glib ? dlsym(glib, "g_malloc") : nullptr;
	tracker_capture *capture = nullptr;

	if (argc < 2 || tracker_start(std::atoi(argv[1])) != TRACKER_OK)
		return 1;
	if (argc > 2)
		capture = begin_capture(argv[2], std::atoi(argv[1]));
	by_malloc();
	by_new();
	by_vector();
	by_push_back();
	by_string();
	by_map();
	by_shared();
	by_function();
	by_strdup();
	if (g_malloc)
		by_g_malloc((void *(*)(size_t))g_malloc);
	if (tracker_capture_exit(capture) != TRACKER_OK && argc > 2)
		return 1;
	tracker_capture_free(capture);
	print_blocks();
	print_snapshot();
	return 0;
}
