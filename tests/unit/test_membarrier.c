/* membarrier - the order of events where the kernel, or a sandbox, does not let the recorder call it. */
#include "segment.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define SELF ((uint32_t)getpid())

/* From here on this process may not call membarrier, as in a sandbox. */
static void forbid_membarrier(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = sizeof(code) / sizeof(*code), .filter = code };

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0), 0);
}

/* Then what was published by the round before is final: everything comes a round later, in order. */
static void without_membarrier_events_come_a_round_later(void **state)
{
	struct segment s = segment_new();
	struct fake_thread a, b;

	forbid_membarrier();
	fake_process(&s, 0, SELF, SHM_ATTACHED);
	a = fake_thread(&s, 0, 0, SELF);
	b = fake_thread(&s, 1, 0, SELF + 1);
	fake_malloc(&s, &b, 2, 0x200, 2);
	fake_malloc(&s, &a, 1, 0x100, 1);
	segment_round(&s);
	assert_true(s.r->no_membarrier);
	assert_int_equal(s.r->counters.events, 0);
	fake_malloc(&s, &a, 3, 0x300, 3);
	segment_round(&s);
	assert_int_equal(s.r->counters.events, 2);
	segment_round(&s);
	assert_int_equal(s.r->counters.events, 3);
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(segment_event(&s).size, i);
	assert_int_equal(s.r->counters.late, 0);
	segment_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(without_membarrier_events_come_a_round_later) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
