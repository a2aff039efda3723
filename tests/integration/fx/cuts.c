/*
 * cuts WHY - 100 allocations whose stacks cannot be walked to their root: below
 * code made at run time, below wrong and unknown unwind information, and 100 deep.
 */
#include <sys/mman.h>

#include "truth.h"

#define COUNT 100

typedef void (*function)(void);

void cut_by_rule(function f);
void cut_off_stack(function f);

static void allocate(void)
{
	churn(1001, 1);
}

/* sub $8, %rsp; call *%rdi; nop; add $8, %rsp; ret: without the nop, the code itself would tell the size of its frame */
static const unsigned char code[] = { 0x48, 0x83, 0xec, 0x08, 0xff, 0xd7, 0x90, 0x48, 0x83, 0xc4, 0x08, 0xc3 };

static void cut_by_no_info(function f)
{
	static void *made;

	if (!made) {
		made = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		must(made != MAP_FAILED, "mmap");
		memcpy(made, code, sizeof(code));
	}
	((void (*)(function))made)(f);
}

static int depth;

static void cut_by_depth(function f)
{
	depth = depth ? depth : 100;
	if (--depth)
		cut_by_depth(f);
	else
		f();
	__asm__ volatile("");
}

static const struct { const char *name; void (*run)(function); } reasons[] = {
	{ "depth", cut_by_depth },
	{ "no_unwind_info", cut_by_no_info },
	{ "unknown_rule", cut_by_rule },
	{ "off_stack", cut_off_stack },
};

int main(int argc, char **argv)
{
	must(argc == 2, "a reason");
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		if (strcmp(argv[1], reasons[i].name) != 0)
			continue;
		for (int n = 0; n < COUNT; n++)
			reasons[i].run(allocate);
		truth_churn(1001, COUNT);
		return 0;
	}
	return 2;
}
