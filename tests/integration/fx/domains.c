/*
 * domains - a program that names its domains and keeps pools: domains MODE [FILE]. It counts by itself, and prints what it
 * counted: "NUMBER NAME BLOCKS BYTES" for each domain, or what the calls said.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <tracker-replay.h>
#include <unistd.h>

#define ARENA_BYTES (1u << 20)

static void said(const char *what, int code)
{
	printf("%s: %d %s\n", what, code, code < 0 ? tracker_last_error() : "");
}

/* ---- what is refused ---- */

static void misuse(const char *file)
{
	char name[200];
	int code = 0, given = 0;

	(void)file;
	memset(name, 'x', sizeof(name));
	said("heap", tracker_domain_name(TRACKER_DOMAIN_HEAP, "a"));
	said("fd", tracker_domain_name(TRACKER_DOMAIN_FD, "a"));
	said("null", tracker_domain_name(300, NULL));
	said("empty", tracker_domain_name(300, ""));
	name[128] = 0;
	said("128 bytes", tracker_domain_name(300, name));
	name[127] = 0;
	said("127 bytes", tracker_domain_name(300, name));
	said("small", tracker_domain_name(7, "small"));
	said("again", tracker_domain_name(7, "other"));
	for (unsigned i = 0; i < 300 && !code; i++, given += !code)
		code = tracker_domain_name(1000 + i, "many");
	printf("then %d\n", given);
	said("too many", code);
	said("a known one", tracker_domain_name(7, "third"));
	said("range of the heap", tracker_untrack_range(TRACKER_DOMAIN_HEAP, 0, 100));
}

/* ---- names ---- */

static void track(unsigned domain, unsigned blocks, size_t bytes)
{
	static uintptr_t next = 0x1000;

	for (unsigned i = 0; i < blocks; i++)
		tracker_track(domain, next += 0x1000, bytes);
}

static volatile int handled = 1;

static void in_a_handler(int signal)
{
	(void)signal;
	handled = tracker_domain_name(302, "of a handler");
}

static void named(void)
{
	tracker_domain_name(300, "before");
	tracker_domain_name(300, "gpu");
	track(300, 3, 1000);
	track(301, 4, 10);
	tracker_domain_name(301, "behind, with \"marks\"");
	signal(SIGUSR1, in_a_handler);
	raise(SIGUSR1);
	track(302, 5, 7);
	track(303, 2, 50);
	track(TRACKER_DOMAIN_FD, 6, 1);
	printf("handler: %d\n3 fd 6 6\n300 gpu 3 3000\n301 behind, with \"marks\" 4 40\n302 of a handler 5 35\n303 - 2 100\n", handled);
}

static void names(const char *file)
{
	(void)file;
	named();
}

/* The same in a capture of its own; a name was given before it began. */
static void own(const char *file)
{
	tracker_options o;
	tracker_capture *c;

	tracker_domain_name(303, "earlier");
	tracker_options_init(&o);
	o.file_name = file;
	o.file_format = strstr(file, "sums") ? TRACKER_FILE_FORMAT_AGGREGATED_ALLOCATIONS : TRACKER_FILE_FORMAT_ALL_ALLOCATIONS;
	c = tracker_capture_new(&o);
	said("enter", tracker_capture_enter(c));
	named();
	said("exit", tracker_capture_exit(c));
	tracker_capture_free(c);
}

/* The child has its parent's names, until it gives its own; neither sees the other's. */
static void forked(const char *file)
{
	pid_t child;

	(void)file;
	tracker_domain_name(300, "both");
	tracker_domain_name(301, "parent");
	track(300, 1, 10);
	child = fork();
	if (!child) {
		track(300, 2, 10);
		tracker_domain_name(301, "child");
		track(301, 3, 10);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	track(301, 4, 10);
	printf("%d\n", (int)child);
}

/* The next program knows no names: it gives another one, and none. */
static void executing(const char *file)
{
	tracker_domain_name(300, "first");
	tracker_domain_name(301, "only the first");
	track(300, 1, 10);
	track(301, 1, 10);
	execl("/proc/self/exe", "domains", "executed", file, NULL);
	_exit(1);
}

static void executed(const char *file)
{
	(void)file;
	tracker_domain_name(300, "second");
	track(300, 2, 10);
	track(302, 1, 10);
}

/* ---- snapshots ---- */

static void show(const tracker_snapshot *s, unsigned domain)
{
	char name[64] = "", shorter[3] = "";
	const int length = tracker_snapshot_domain_name(s, domain, name, sizeof(name));

	printf("%u: %d %s\n", domain, length, length < 0 ? tracker_replay_last_error() : name);
	if (length > 2)
		printf("... %d %s\n", tracker_snapshot_domain_name(s, domain, shorter, sizeof(shorter)), shorter);
}

static void snapshot(const char *file)
{
	const tracker_filter gpu = { true, NULL, -1, false, 300 };
	tracker_snapshot *s, *of_gpu;

	tracker_domain_name(300, "gpu");
	said("start", tracker_start(5));
	track(300, 3, 1000);
	track(301, 4, 10);
	tracker_domain_name(301, "pool");
	s = tracker_take_snapshot();
	show(s, 0);
	show(s, 300);
	show(s, 301);
	show(s, 302);
	printf("gpu is %ld, nothing is %ld\n", tracker_snapshot_domain(s, "gpu"), tracker_snapshot_domain(s, "nothing"));
	printf("null: %d %ld\n", tracker_snapshot_domain_name(NULL, 0, NULL, 0), tracker_snapshot_domain(s, NULL));
	of_gpu = tracker_snapshot_filter(s, &gpu, 1);
	printf("blocks of gpu: %zu\n", tracker_snapshot_len(of_gpu));
	show(of_gpu, 300);
	said("dump", tracker_snapshot_dump(s, file));
	tracker_snapshot_free(of_gpu);
	tracker_snapshot_free(s);
	said("stop", tracker_stop());
}

/* ---- pools ---- */

static size_t in(unsigned domain)
{
	size_t now = 0;

	tracker_get_traced_memory_in(domain, &now, NULL);
	return now;
}

#define OBJECT 24u

/*
 * Two arenas of the heap, whose objects are blocks of domain 300: of the first, some are given back, then all that are
 * left at once; the second one's objects stay. A third pool has a domain of its own, of which all go.
 */
static void pools(const char *file)
{
	char *arena, *other;
	unsigned objects = 0;

	(void)file;
	said("start", tracker_start(5));
	arena = malloc(ARENA_BYTES);
	other = malloc(ARENA_BYTES);
	tracker_domain_name(300, "arena");
	for (unsigned i = 0; i < 1000; i++, objects++)
		TRACKER_POOL_ALLOC(300, arena + OBJECT * i, OBJECT);
	for (unsigned i = 0; i < 10; i++, objects++)
		TRACKER_POOL_ALLOC(300, other + OBJECT * i, OBJECT);
	for (unsigned i = 0; i < 5; i++)
		TRACKER_POOL_ALLOC(301, arena + OBJECT * i, 100);
	for (unsigned i = 0; i < 100; i++, objects--)
		TRACKER_POOL_FREE(300, arena + OBJECT * i);
	printf("full: %d %d %d\n", in(0) == 2 * ARENA_BYTES, in(300) == objects * OBJECT, in(301) == 500);
	tracker_mark("full");
	said("clear", TRACKER_POOL_CLEAR(300, arena, ARENA_BYTES));
	printf("cleared: %d %zu %zu\n", in(0) == 2 * ARENA_BYTES, in(300), in(301));
	tracker_mark("cleared");
	for (unsigned i = 0; i < 7; i++)
		TRACKER_POOL_ALLOC(300, arena + OBJECT * i, OBJECT);
	said("one of two ends", TRACKER_POOL_CLEAR(300, arena, 2 * OBJECT));
	printf("filled again: %zu\n", in(300));
	said("all", TRACKER_POOL_CLEAR(301));
	said("nothing", TRACKER_POOL_CLEAR(301));
	said("no bytes", TRACKER_POOL_CLEAR(300, arena, 0));
	printf("last: %zu %zu\n", in(300), in(301));
	tracker_mark("last");
	free(other);
	free(arena);
}

/* A pool of the parent is cleared in the child, and of the parent nothing. */
static void forked_pool(const char *file)
{
	pid_t child;

	(void)file;
	said("start", tracker_start(5));
	track(300, 10, 10);
	fflush(stdout);
	child = fork();
	if (!child) {
		const size_t before = in(300);

		track(300, 1, 10);
		TRACKER_POOL_CLEAR(300);
		printf("child: %zu, then %zu\n", before, in(300));
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	printf("parent: %zu\n", in(300));
}

static void none(const char *file)
{
	(void)file;
	said("name", tracker_domain_name(300, "a"));
	said("alloc", TRACKER_POOL_ALLOC(300, 4096, 1));
	said("free", TRACKER_POOL_FREE(300, 4096));
	said("clear", TRACKER_POOL_CLEAR(300));
	said("range", TRACKER_POOL_CLEAR(300, 4096, 4096));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const char *file);
	} modes[] = { { "misuse", misuse }, { "names", names }, { "own", own }, { "forked", forked }, { "executing", executing }, { "executed", executed }, { "snapshot", snapshot }, { "pools", pools }, { "forked_pool", forked_pool }, { "none", none } };

	static char output[4096]; /* stdout's: it is no block */

	setvbuf(stdout, output, _IOFBF, sizeof(output));
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(*modes); i++)
		if (strcmp(argv[1], modes[i].name) == 0) {
			modes[i].run(argc > 2 ? argv[2] : "");
			return 0;
		}
	return 2;
}
