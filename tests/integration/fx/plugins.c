/* plugins A B [ROUNDS] - loads, calls and unloads two libraries in turn, at one address. */
#include <dlfcn.h>

#include "truth.h"

#define ROUNDS 200
#define CALLS 7
#define SPLIT_ROUNDS 3
#define SPLITS 600 /* a stack that comes so often is known to libtracker */

/*
 * The first library tells from where it was called. The second one is called from elsewhere. Where the frame of the first one holds
 * that address, and below it the frame pointer of `split`, it holds the same.
 */
static void *site, *frame;

static void take_site(void *room, size_t bytes, void *caller)
{
	memset(room, 0, bytes);
	site = caller;
}

static void put_site(void *room, size_t bytes, void *caller)
{
	(void)caller;
	for (size_t i = 0; i < bytes; i += sizeof(void *))
		memcpy((char *)room + i, i / sizeof(void *) % 2 ? &site : &frame, sizeof(void *));
}

static void split(void *library, int times, int other)
{
	typedef void filler(void *, size_t, void *);
	void *const code = dlsym(library, "plugin_split");
	void (*const call)(void **, filler *, int) = (void (*)(void **, filler *, int))code;

	must(code != NULL, "plugin_split");
	frame = __builtin_frame_address(0);
	for (int i = 0; i < times; i++) {
		void *p = NULL;

		call(&p, other ? put_site : take_site, other);
		free(p);
	}
}

/* Returns where the function was. */
static void *use(const char *path, const char *function, int splits, int other)
{
	void *const library = dlopen(path, RTLD_NOW);

	must(library != NULL, path);
	void *const code = dlsym(library, function);
	void (*const call)(void **, int) = (void (*)(void **, int))code;
	must(code != NULL, function);
	for (int i = 0; i < CALLS; i++) {
		void *p = NULL;

		call(&p, i); /* deeper each time: with frames that no stack before had */
		free(p);
	}
	split(library, splits, other);
	must(dlclose(library) == 0, "dlclose");
	return code;
}

int main(int argc, char **argv)
{
	const int rounds = argc > 3 ? atoi(argv[3]) : ROUNDS;
	int reused = 0;

	must(argc >= 3, "two libraries");
	for (int i = 0; i < rounds; i++) {
		const int splits = i < SPLIT_ROUNDS ? SPLITS : 0;
		void *where[2];

		for (int other = 0; other < 2; other++) /* both are called by the same code */
			where[other] = use(argv[1 + other], other ? "plugin_second" : "plugin_first", splits, other);
		reused += where[0] == where[1];
	}
	must(reused > rounds / 2, "addresses reused");
	truth_churn(1001, rounds * CALLS);
	truth_churn(1002, rounds * CALLS);
	truth_churn(1011, SPLIT_ROUNDS * SPLITS);
	truth_churn(1012, SPLIT_ROUNDS * SPLITS);
	return 0;
}
