/* trampolines - blocks that are allocated through code made at run time that gives its frame back and returns, as python3 -X perf makes it. */
#include <string.h>
#include <sys/mman.h>

#include "truth.h"

#ifdef __x86_64__
/* sub $8, %rsp; call *%rsi; add $8, %rsp; ret */
static const unsigned char code[] = { 0x48, 0x83, 0xec, 8, 0xff, 0xd6, 0x48, 0x83, 0xc4, 8, 0xc3 };
#else
/* stp x29, x30, [sp, -16]!; mov x29, sp; blr x1; ldp x29, x30, [sp], 16; ret */
static const unsigned int code[] = { 0xa9bf7bfd, 0x910003fd, 0xd63f0020, 0xa8c17bfd, 0xd65f03c0 };
#endif
#define COPIES 1000
#define APART 32l /* in a sandbox, and in an emulator, code that lies on two pages is not read */

typedef void (*called)(long n);
static char *room;

static void through(long n)
{
	void (*trampoline)(long, called);
	char *const copy = room + n * APART;

	if (n == 0) {
		keep(malloc(1005));
		return;
	}
	memcpy(&trampoline, &copy, sizeof(copy));
	trampoline(n - 1, through);
}

int main(void)
{
	const size_t bytes = 65536;

	room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		return 1;
	for (int i = 0; i < COPIES; i++)
		memcpy(room + i * APART, code, sizeof(code));
	__builtin___clear_cache(room, room + bytes);
	if (mprotect(room, bytes, PROT_READ | PROT_EXEC))
		return 1;
	for (long n = 0; n < 20; n++)
		through(n * n);
	truth("malloc", 1005, 20);
	truth_leaked(1005, 20);
	return 0;
}
