/*
 * alarm - one case of tracker.h's alarms for each name in `cases`: prints what became of it.
 *
 * Alarms count unless a case says otherwise. printf has a buffer that nobody allocates.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../../libtracker/tracker.h"

static void *volatile block;
static tracker_alarm alarm_of_2 = TRACKER_ALARM_INIT; /* blocks or more; counts, and repeats */

static void allocate(size_t size)
{
	void *volatile own = malloc(size);

	free(own);
}

static size_t fired_by(size_t size)
{
	const size_t before = alarm_of_2.fired;

	allocate(size);
	return alarm_of_2.fired - before;
}

static const char *word(size_t fired)
{
	return fired ? "fired" : "quiet";
}

static int min0(void)
{
	tracker_alarm a = TRACKER_ALARM_INIT;

	a.minimum_block_count = 0;
	printf("enter: %d\n", tracker_alarm_enter(&a));
	printf("%s\n", tracker_last_error());
	return 0;
}

static int with_action(tracker_alarm_action action)
{
	tracker_alarm a = TRACKER_ALARM_INIT;

	a.minimum_block_count = 2;
	a.action = action;
	TRACKER_WITH_ALARM(&a)
	{
		allocate(16);
		block = malloc(20); /* here */
	}
	printf("fired=%zu block=%d errno=%d\n", a.fired, block != NULL, errno == ENOMEM);
	return 0;
}

static int case_abort(void)
{
	return with_action(TRACKER_ALARM_ABORT);
}

static int case_trap(void)
{
	return with_action(TRACKER_ALARM_TRAP);
}

static int case_throw(void)
{
	return with_action(TRACKER_ALARM_THROW);
}

static int case_warn(void)
{
	return with_action(TRACKER_ALARM_WARN);
}

static int edge(void)
{
	TRACKER_WITH_ALARM(&alarm_of_2)
	{
		printf("16:%s", word(fired_by(16)));
		printf(" 17:%s\n", word(fired_by(17)));
	}
	return 0;
}

static int scope(void)
{
	size_t inside;

	tracker_alarm_enter(&alarm_of_2);
	inside = fired_by(20);
	printf("inside:%s exit:%d", word(inside), tracker_alarm_exit(&alarm_of_2));
	printf(" after:%s again:%d\n", word(fired_by(20)), tracker_alarm_exit(&alarm_of_2));
	return 0;
}

static int twice(void)
{
	int second;

	tracker_alarm_enter(&alarm_of_2);
	second = tracker_alarm_enter(&alarm_of_2);
	printf("%d %s\n", second, tracker_last_error());
	return tracker_alarm_exit(&alarm_of_2);
}

static int oneshot(void)
{
	tracker_alarm a = alarm_of_2;

	a.repeat = false;
	tracker_alarm_enter(&a);
	allocate(20);
	printf("fired=%zu", a.fired);
	allocate(20);
	printf(" fired=%zu exit=%d", a.fired, tracker_alarm_exit(&a));
	tracker_alarm_enter(&a);
	allocate(20);
	/* It has disarmed itself: entering it once more is none too many. */
	printf(" enter=%d", tracker_alarm_enter(&a));
	printf(" exit=%d\n", tracker_alarm_exit(&a));
	return 0;
}

static int repeat(void)
{
	TRACKER_WITH_ALARM(&alarm_of_2)
	{
		allocate(20);
		allocate(20);
	}
	printf("fired=%zu\n", alarm_of_2.fired);
	return 0;
}

static int ignore(void)
{
	size_t hits[4], again;

	tracker_alarm_enter(tracker_alarm_ignore(&alarm_of_2, 2));
	hits[0] = fired_by(8);
	for (int i = 1; i < 4; i++)
		hits[i] = fired_by(20);
	tracker_alarm_exit(&alarm_of_2);
	tracker_alarm_enter(&alarm_of_2);
	again = fired_by(20);
	tracker_alarm_exit(&alarm_of_2);
	tracker_alarm_enter(tracker_alarm_ignore(&alarm_of_2, SIZE_MAX));
	for (int i = 0; i < 100; i++)
		allocate(20);
	printf("%zu%zu%zu%zu again:%s all:%d null:%d\n", hits[0], hits[1], hits[2], hits[3], word(again), tracker_alarm_exit(&alarm_of_2),
	       tracker_alarm_ignore(NULL, 1) == NULL);
	return 0;
}

static int nested(void)
{
	tracker_alarm outer = alarm_of_2, fails = alarm_of_2;

	outer.minimum_block_count = 64;
	TRACKER_WITH_ALARM(&outer)
	{
		TRACKER_WITH_ALARM(&alarm_of_2)
		allocate(20);
	}
	printf("outer:%s inner:%s", word(outer.fired), word(alarm_of_2.fired));
	fails.action = TRACKER_ALARM_FAIL;
	TRACKER_WITH_ALARM(&fails)
	{
		TRACKER_WITH_ALARM(&alarm_of_2)
		block = malloc(20);
	}
	printf(" both:%zu%zu block:%d\n", fails.fired, alarm_of_2.fired, block != NULL);
	return 0;
}

static size_t fired_by_realloc(void **p, size_t size)
{
	const size_t before = alarm_of_2.fired;
	void *const q = realloc(*p, size);

	if (q || !size)
		*p = q;
	return alarm_of_2.fired - before;
}

static int case_realloc(void)
{
	void *before = malloc(16), *p;

	TRACKER_WITH_ALARM(&alarm_of_2)
	{
		p = malloc(20);
		printf("made:%zu 20-24:%s", alarm_of_2.fired, word(fired_by_realloc(&p, 24)));
		printf(" 24-64:%s", word(fired_by_realloc(&p, 64)));
		printf(" 64-20:%s", word(fired_by_realloc(&p, 20)));
		printf(" 20-33:%s", word(fired_by_realloc(&p, 33)));
		printf(" 33-33:%s", word(fired_by_realloc(&p, 33)));
		printf(" 33-0:%s", word(fired_by_realloc(&p, 0)));
		p = malloc(10);
		printf(" 10-17:%s", word(fired_by_realloc(&p, 17)));
		printf(" before 16-64:%s", word(fired_by_realloc(&before, 64)));
		printf(" 64-16:%s", word(fired_by_realloc(&before, 16)));
		free(p);
		p = NULL;
		printf(" NULL-20:%s\n", word(fired_by_realloc(&p, 20)));
	}
	return 0;
}

/* Every way to fail, and no block lost by it: a realloc that fails leaves the old one. */
static int fail(void)
{
	tracker_alarm a = TRACKER_ALARM_INIT;
	tracker_allocation_size sizes = TRACKER_ALLOCATION_SIZE_INIT;
	char *kept = malloc(16), *volatile again = kept;
	void *made = &made;
	uint64_t sum = 0;

	strcpy(kept, "kept");
	a.minimum_block_count = 2;
	a.action = TRACKER_ALARM_FAIL;
	a.repeat = true;
	TRACKER_WITH_ALLOCATION_SIZE(&sizes)
	TRACKER_WITH_ALARM(&a)
	{
		errno = 0;
		block = malloc(20);
		printf("malloc:%d errno:%d", block != NULL, errno == ENOMEM);
		errno = 0;
		block = calloc(5, 20);
		printf(" calloc:%d errno:%d", block != NULL, errno == ENOMEM);
		block = realloc(again, 100);
		printf(" realloc:%d %s", block != NULL, kept);
		printf(" posix_memalign:%d %d", posix_memalign(&made, 64, 64) == ENOMEM, made == &made);
		printf(" aligned_alloc:%d", aligned_alloc(64, 64) != NULL);
		printf(" mmap:%d", mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	}
	for (int i = 0; i < 16; i++)
		sum += sizes.bucket[i];
	printf(" fired:%zu counted:%zu\n", a.fired, (size_t)sum);
	return 0;
}

static void said(const tracker_alarm_event *event, void *user)
{
	*(int *)user += 1;
	printf("%zu bytes %zu blocks %s ", event->size, event->block_count, event->allocator);
	free(malloc(100)); /* may allocate */
}

static int callback(void)
{
	int calls = 0;

	alarm_of_2.on_alarm = said;
	alarm_of_2.user = &calls;
	TRACKER_WITH_ALARM(&alarm_of_2)
	allocate(20);
	printf("calls=%d fired=%zu\n", calls, alarm_of_2.fired);
	return 0;
}

static int leave_by(int how)
{
	for (int i = 0; i < 2; i++) {
		TRACKER_WITH_ALARM(&alarm_of_2)
		{
			if (how == 0)
				break;
			if (how == 1)
				continue;
			if (how == 2)
				goto out;
			return 3;
		}
	}
out:
	return 0;
}

static int left(void)
{
	for (int how = 0; how < 4; how++) {
		leave_by(how);
		printf("%s ", tracker_alarm_exit(&alarm_of_2) == TRACKER_EINVAL ? "left" : "running");
		allocate(20);
	}
	printf("fired=%zu\n", alarm_of_2.fired);
	return 0;
}

static jmp_buf back;

static void __attribute__((noinline)) jump_out(void)
{
	TRACKER_WITH_ALARM(&alarm_of_2)
	{
		TRACKER_ASSERT_NO_ALLOC
		longjmp(back, 1);
	}
}

static int jumped(void)
{
	for (volatile int i = 0; i < 40; i++)
		if (setjmp(back) == 0)
			jump_out();
	allocate(20);
	printf("fired=%zu enter=%d", alarm_of_2.fired, tracker_alarm_enter(&alarm_of_2));
	allocate(20);
	printf(" fired=%zu exit=%d\n", alarm_of_2.fired, tracker_alarm_exit(&alarm_of_2));
	return 0;
}

static int misuse(void)
{
	tracker_alarm odd = TRACKER_ALARM_INIT, many[17];
	tracker_allocation_size sizes = TRACKER_ALLOCATION_SIZE_INIT;
	int statuses[17];

	odd.action = (tracker_alarm_action)77;
	printf("%d", tracker_alarm_enter(NULL));
	printf(" %d", tracker_alarm_exit(NULL));
	printf(" %d", tracker_alarm_enter(&odd));
	printf(" %d", tracker_alarm_exit(&alarm_of_2));
	printf(" %d", tracker_allocation_size_enter(NULL));
	printf(" %d", tracker_allocation_size_exit(NULL));
	printf(" %d", tracker_allocation_size_exit(&sizes));
	printf(" %d", tracker_allocation_size_enter(&sizes));
	printf(" %d", tracker_allocation_size_enter(&sizes));
	printf(" %s;", tracker_last_error());
	tracker_allocation_size_exit(&sizes);
	TRACKER_WITH_ALARM(NULL)
	printf(" runs;");
	for (int i = 0; i < 17; i++) {
		many[i] = alarm_of_2;
		statuses[i] = tracker_alarm_enter(&many[i]);
	}
	printf(" %d %d\n", statuses[15], statuses[16]);
	for (int i = 0; i < 17; i++)
		tracker_alarm_exit(&many[i]);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} cases[] = {
	{ "min0", min0 },
	{ "abort", case_abort },
	{ "trap", case_trap },
	{ "throw", case_throw },
	{ "warn", case_warn },
	{ "edge", edge },
	{ "scope", scope },
	{ "twice", twice },
	{ "oneshot", oneshot },
	{ "repeat", repeat },
	{ "ignore", ignore },
	{ "nested", nested },
	{ "realloc", case_realloc },
	{ "fail", fail },
	{ "callback", callback },
	{ "left", left },
	{ "jumped", jumped },
	{ "misuse", misuse },
};

int main(int argc, char **argv)
{
	static char buffer[BUFSIZ];

	setvbuf(stdout, buffer, _IOLBF, sizeof(buffer));
	alarm_of_2.minimum_block_count = 2;
	alarm_of_2.action = TRACKER_ALARM_COUNT;
	alarm_of_2.repeat = true;
	for (size_t i = 0; argc == 2 && i < sizeof(cases) / sizeof(*cases); i++)
		if (strcmp(argv[1], cases[i].name) == 0)
			return cases[i].run();
	return 2;
}
