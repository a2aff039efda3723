/*
 * questions - does what its arguments say, one after another, and asks libtracker-replay where blocks of plugins were allocated.
 *
 * load:PATH  loads it, and allocates by its function "make"     unload  unloads what was loaded last
 * make       allocates by it again                              ask     prints where the last block was allocated
 * top:N      prints the functions of a snapshot's blocks of N bytes
 * remove:PATH   move:FROM:TO   write:FROM:TO (into the file that is there)
 * fds        prints how many descriptors are open               limit:N  allows N more
 * close      closes all descriptors above 2, and opens three    fork    goes on in a child
 * maps:TEXT  prints how many files of such a name are mapped
 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tracker-replay.h>

typedef void *make_fn(size_t size);

static void *plugin, *block;
static make_fn *maker;

static void *must(void *p, const char *what)
{
	if (!p) {
		fprintf(stderr, "questions: %s: %s\n", what, tracker_replay_last_error());
		exit(1);
	}
	return p;
}

static void make(char *unused)
{
	(void)unused;
	block = maker(1000);
}

static void load(char *path)
{
	plugin = must(dlopen(path, RTLD_NOW), path);
	*(void **)&maker = must(dlsym(plugin, "make"), "make");
	make(path);
}

static void unload(char *unused)
{
	(void)unused;
	dlclose(plugin);
}

static void print_frame(const tracker_traceback *t)
{
	const char *slash;
	tracker_frame f;

	if (tracker_traceback_frame(t, -1, &f) != TRACKER_OK)
		exit(1);
	slash = strrchr(f.filename, '/');
	printf("%s:%u %s\n", slash ? slash + 1 : f.filename, f.lineno, f.function);
}

static void ask(char *unused)
{
	tracker_traceback *const t = must(tracker_get_object_traceback(block), "ask");

	(void)unused;
	print_frame(t);
	tracker_traceback_free(t);
}

static void top(char *bytes)
{
	tracker_snapshot *const s = must(tracker_take_snapshot(), "top");
	tracker_trace trace;

	for (size_t i = 0; i < tracker_snapshot_len(s); i++)
		if (tracker_snapshot_trace(s, i, &trace) == TRACKER_OK && trace.size == strtoul(bytes, NULL, 10))
			print_frame(trace.traceback);
	tracker_snapshot_free(s);
}

static void write_into(char *from)
{
	char *const to = strchr(from, ':'), bytes[65536];
	ssize_t n;

	*to = 0;
	const int in = open(from, O_RDONLY), out = open(to + 1, O_WRONLY | O_TRUNC);

	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		if (write(out, bytes, (size_t)n) != n)
			exit(1);
	close(in);
	close(out);
}

static void move(char *from)
{
	char *const to = strchr(from, ':');

	*to = 0;
	if (rename(from, to + 1) != 0)
		exit(1);
}

static void remove_file(char *path)
{
	if (unlink(path) != 0)
		exit(1);
}

static int open_count(void)
{
	DIR *const d = opendir("/proc/self/fd");
	int n = -3; /* ".", ".." and the directory */

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void fds(char *unused)
{
	(void)unused;
	printf("%d descriptors\n", open_count());
}

static void limit(char *more)
{
	const int lowest = dup(0);
	const struct rlimit l = { (rlim_t)(lowest + atoi(more)), (rlim_t)(lowest + atoi(more)) };

	close(lowest);
	if (setrlimit(RLIMIT_NOFILE, &l) != 0)
		exit(1);
}

static void close_all(char *unused)
{
	(void)unused;
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	for (int i = 0; i < 3; i++)
		if (open("/dev/null", O_RDWR) != 3 + i)
			exit(1);
}

static void go_on_in_child(char *unused)
{
	int status;

	(void)unused;
	fflush(stdout);
	if (fork() == 0)
		return;
	wait(&status);
	_exit(status != 0);
}

static void maps(char *text)
{
	FILE *const f = fopen("/proc/self/maps", "r");
	char line[1000], last[1000] = "";
	int n = 0;

	while (fgets(line, sizeof(line), f)) {
		const char *const name = strchr(line, '/');

		if (!name || !strstr(name, text) || strcmp(name, last) == 0)
			continue;
		n++;
		snprintf(last, sizeof(last), "%s", name);
	}
	fclose(f);
	printf("%d mapped\n", n);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(char *argument);
	} commands[] = { { "load", load }, { "make", make }, { "unload", unload }, { "ask", ask }, { "top", top }, { "remove", remove_file }, { "move", move }, { "write", write_into }, { "fds", fds }, { "limit", limit }, { "close", close_all }, { "fork", go_on_in_child }, { "maps", maps } };

	if (tracker_start(25) != TRACKER_OK)
		return 1;
	for (int i = 1; i < argc; i++) {
		char *const argument = strchr(argv[i], ':');

		if (argument)
			*argument = 0;
		for (size_t c = 0; c < sizeof(commands) / sizeof(*commands); c++)
			if (strcmp(argv[i], commands[c].name) == 0)
				commands[c].run(argument ? argument + 1 : NULL);
	}
	return 0;
}
