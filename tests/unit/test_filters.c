/*
 * Filters of system calls, as tools/attach/filters.c runs them: random programs, each installed in a child, where the kernel says what it
 * makes of a call; and bytes that are no program.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/attach/filters.c"

#define PROGRAMS 600u
#define CALLS 6u
#define LENGTH_MOST 40u
#define NONE 4095u /* of the errors that a filter may make of a call, the last one */

static uint64_t state = 88172645463325252ull;

static uint32_t number(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16) % below;
}

static uint32_t word(void)
{
	static const uint32_t words[] = { 0, 1, 2, 31, 32, 0x7fffffff, 0x80000000, 0xffffffff, 4096, 39 };

	return number(2) ? words[number(sizeof(words) / sizeof(*words))] : number(UINT32_MAX);
}

static struct sock_filter instruction(unsigned left)
{
	static const uint16_t operations[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_XOR, BPF_LSH, BPF_RSH, BPF_NEG };
	static const uint16_t tests[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };
	const uint16_t source = number(2) ? BPF_X : BPF_K;
	struct sock_filter f = { .k = word() };

	switch (number(9)) {
	case 0: return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number(16) * 4);
	case 1: return (struct sock_filter)BPF_STMT(number(2) ? BPF_LD | BPF_IMM : BPF_LDX | BPF_IMM, word());
	case 2: return (struct sock_filter)BPF_STMT(number(2) ? BPF_LD | BPF_W | BPF_LEN : BPF_LDX | BPF_W | BPF_LEN, 0);
	case 3: return (struct sock_filter)BPF_STMT(number(2) ? BPF_ST : BPF_STX, number(BPF_MEMWORDS));
	case 4: return (struct sock_filter)BPF_STMT(number(2) ? BPF_LD | BPF_MEM : BPF_LDX | BPF_MEM, number(BPF_MEMWORDS));
	case 5: return (struct sock_filter)BPF_STMT(BPF_MISC | (number(2) ? BPF_TAX : BPF_TXA), 0);
	case 6:
		if (left < 3)
			break;
		f = (struct sock_filter)BPF_JUMP(BPF_JMP | tests[number(4)] | source, word(), (uint8_t)number(left - 1), (uint8_t)number(left - 1));
		return number(8) ? f : (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, number(left - 1), 0, 0);
	default:
		f.code = (uint16_t)(BPF_ALU | operations[number(sizeof(operations) / sizeof(*operations))] | source);
		if ((BPF_OP(f.code) == BPF_DIV && !f.k) || ((BPF_OP(f.code) == BPF_LSH || BPF_OP(f.code) == BPF_RSH) && f.k > 31))
			f.k = 1 + number(30); /* the kernel takes no other constant */
		return f;
	}
	return (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, f.k);
}

/* Of getpid() it makes an error, which says what was computed; it lets all other calls be. */
static unsigned program(struct sock_filter *code)
{
	unsigned n = 0, random = 1 + number(LENGTH_MOST);

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	/* the kernel takes no program that reads what it has not written */
	for (uint32_t i = 0; i < BPF_MEMWORDS; i++)
		code[n++] = (struct sock_filter)BPF_STMT(BPF_ST, i);
	for (; random; random--)
		code[n++] = instruction(random);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x7ff);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO | 1);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
	return n;
}

/* What the kernel makes of the calls. False: it does not take the program. */
static bool ask_kernel(struct sock_filter *code, unsigned count, const uint64_t arguments[CALLS][6], uint32_t said[CALLS])
{
	const struct sock_fprog whole = { (unsigned short)count, code };
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		uint32_t errors[CALLS] = { 0 };

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &whole) != 0)
			_exit(1);
		for (unsigned i = 0; i < CALLS; i++) {
			const uint64_t *const a = arguments[i];

			errors[i] = syscall(SYS_getpid, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 ? (uint32_t)errno : NONE;
		}
		_exit(write(ends[1], errors, sizeof(errors)) == sizeof(errors) ? 0 : 2);
	}
	close(ends[1]);
	const bool taken = read(ends[0], said, CALLS * sizeof(*said)) == (ssize_t)(CALLS * sizeof(*said));

	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return taken;
}

static void test_as_the_kernel(void **unused)
{
	struct sock_filter code[LENGTH_MOST + BPF_MEMWORDS + 8];
	unsigned taken = 0;

	(void)unused;
	for (unsigned i = 0; i < PROGRAMS; i++) {
		const unsigned count = program(code);
		uint64_t arguments[CALLS][6];
		uint32_t said[CALLS];

		for (unsigned j = 0; j < CALLS * 6; j++)
			arguments[j / 6][j % 6] = (uint64_t)word() << 32 | word();
		/* the address of the call is not known here, and its words are not loaded */
		for (unsigned j = 0; j < count; j++)
			if (code[j].code == (BPF_LD | BPF_W | BPF_ABS) && (code[j].k == 8 || code[j].k == 12))
				code[j].k = 16;
		if (!ask_kernel(code, count, arguments, said))
			continue;
		taken++;
		for (unsigned j = 0; j < CALLS; j++) {
			const uint32_t own = run(code, count, SYS_getpid, arguments[j]);

			/* division by zero ends a program with "kill", and nothing else does here */
			assert_int_equal(own & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
			assert_int_equal(own & SECCOMP_RET_DATA, said[j]);
		}
	}
	assert_true(taken > PROGRAMS / 4);
}

/* The kernel gives none of these; whatever comes, it is answered. */
static void test_hostile(void **unused)
{
	struct sock_filter code[64];
	const uint64_t arguments[6] = { 0 };
	const char *call = NULL;

	(void)unused;
	for (unsigned i = 0; i < 20000; i++) {
		for (size_t j = 0; j < 64; j++)
			code[j] = (struct sock_filter){ (uint16_t)number(65536), (uint8_t)number(256), (uint8_t)number(256), word() };
		(void)run(code, number(65), (int)number(500), arguments);
		(void)ask_filter(code, number(65), &call);
	}
	assert_int_equal(run(code, 0, SYS_getpid, arguments), SECCOMP_RET_KILL_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_the_kernel),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
