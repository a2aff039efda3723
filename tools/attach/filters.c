/* filters - see filters.h. */
#include "tools/attach/filters.h"

#include "tools/attach/target.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define FILTERS_MAX 64u
#define STOP_MS 1000
#define STEPS_MAX BPF_MAXINSNS /* a filter only jumps forward */

/* ---- one filter ---- */

struct machine {
	uint32_t a, x, memory[BPF_MEMWORDS];
	struct seccomp_data data;
};

static bool load(struct machine *m, const struct sock_filter *f, uint32_t *to)
{
	switch (BPF_MODE(f->code)) {
	case BPF_IMM: *to = f->k; return true;
	case BPF_LEN: *to = sizeof(m->data); return true;
	case BPF_MEM:
		if (f->k >= BPF_MEMWORDS)
			return false;
		*to = m->memory[f->k];
		return true;
	case BPF_ABS:
		if (f->k > sizeof(m->data) - 4 || f->k % 4)
			return false;
		memcpy(to, (const char *)&m->data + f->k, 4);
		return true;
	default: return false;
	}
}

static bool compute(struct machine *m, const struct sock_filter *f)
{
	const uint32_t v = BPF_SRC(f->code) == BPF_X ? m->x : f->k;

	switch (BPF_OP(f->code)) {
	case BPF_ADD: m->a += v; return true;
	case BPF_SUB: m->a -= v; return true;
	case BPF_MUL: m->a *= v; return true;
	case BPF_DIV: m->a = v ? m->a / v : 0; return v != 0;
	case BPF_OR: m->a |= v; return true;
	case BPF_AND: m->a &= v; return true;
	case BPF_XOR: m->a ^= v; return true;
	case BPF_LSH: m->a <<= v & 31; return true; /* as the processor does */
	case BPF_RSH: m->a >>= v & 31; return true;
	case BPF_NEG: m->a = -m->a; return true;
	default: return false;
	}
}

/* How many instructions are skipped. */
static uint32_t jump(const struct machine *m, const struct sock_filter *f)
{
	const uint32_t v = BPF_SRC(f->code) == BPF_X ? m->x : f->k;
	bool holds;

	switch (BPF_OP(f->code)) {
	case BPF_JA: return f->k;
	case BPF_JEQ: holds = m->a == v; break;
	case BPF_JGT: holds = m->a > v; break;
	case BPF_JGE: holds = m->a >= v; break;
	default: holds = (m->a & v) != 0; break;
	}
	return holds ? f->jt : f->jf;
}

static bool store(struct machine *m, const struct sock_filter *f, uint32_t value)
{
	if (f->k >= BPF_MEMWORDS)
		return false;
	m->memory[f->k] = value;
	return true;
}

/* What the filter says of a call: SECCOMP_RET_*. One that the kernel would not have taken kills. */
static uint32_t run(const struct sock_filter *code, unsigned count, int call, const uint64_t arguments[6])
{
	struct machine m = { .data = { .nr = call, .arch = AUDIT_ARCH_X86_64 } };
	bool good = true;

	memcpy(m.data.args, arguments, sizeof(m.data.args));
	for (uint64_t at = 0; good && at < count && at < STEPS_MAX; at++) {
		const struct sock_filter *const f = &code[at];

		switch (BPF_CLASS(f->code)) {
		case BPF_LD: good = load(&m, f, &m.a); break;
		case BPF_LDX: good = load(&m, f, &m.x); break;
		case BPF_ST: good = store(&m, f, m.a); break;
		case BPF_STX: good = store(&m, f, m.x); break;
		case BPF_ALU: good = compute(&m, f); break;
		case BPF_JMP: at += jump(&m, f); break;
		case BPF_RET: return BPF_RVAL(f->code) == BPF_A ? m.a : f->k;
		default:
			if (BPF_MISCOP(f->code) == BPF_TAX)
				m.x = m.a;
			else
				m.a = m.x;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}

/* ---- the calls ---- */

/* Those that the library and the loader make, as they make them. needed: it does not work if the call fails. */
static const struct {
	const char *name;
	bool needed;
	int call;
	uint64_t arguments[6];
} calls[] = {
	{ "mmap", true, SYS_mmap, { 0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX } },
	{ "mmap", true, SYS_mmap, { 0, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, 3 } },
	{ "mmap", true, SYS_mmap, { 0, 65536, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE, 3 } },
	{ "mprotect", true, SYS_mprotect, { 0, 4096, PROT_READ | PROT_EXEC } },
	{ "mprotect", true, SYS_mprotect, { 0, 4096, PROT_READ | PROT_WRITE } },
	{ "mprotect", true, SYS_mprotect, { 0, 4096, PROT_READ } },
	{ "munmap", true, SYS_munmap, { 0, 4096 } },
	{ "mremap", true, SYS_mremap, { 0, 0, 4096, MREMAP_MAYMOVE } },
	{ "madvise", true, SYS_madvise, { 0, 4096, MADV_WIPEONFORK } },
	{ "madvise", false, SYS_madvise, { 0, 4096, MADV_DONTDUMP } },
	{ "madvise", false, SYS_madvise, { 0, 4096, MADV_DONTNEED } },
	{ "memfd_create", true, SYS_memfd_create, { 0, 3 } },
	{ "openat", true, SYS_openat, { (uint64_t)(int64_t)-100, 0, 02000000 } },
	{ "read", true, SYS_read, { 3, 0, 832 } },
	{ "pread64", true, SYS_pread64, { 3, 0, 832 } },
	{ "fstat", true, SYS_fstat, { 3 } },
	{ "newfstatat", true, SYS_newfstatat, { 3, 0, 0, 4096 } },
	{ "close", true, SYS_close, { 3 } },
	{ "futex", true, SYS_futex, { 0, FUTEX_WAIT } },
	{ "futex", true, SYS_futex, { 0, FUTEX_WAIT | FUTEX_PRIVATE_FLAG } },
	{ "brk", false, SYS_brk, { 0 } },
	{ "rt_sigprocmask", true, SYS_rt_sigprocmask, { 2, 0, 0, 8 } },
	{ "rt_sigreturn", true, SYS_rt_sigreturn, { 0 } },
	{ "nanosleep", false, SYS_nanosleep, { 0 } },
	{ "membarrier", false, SYS_membarrier, { MEMBARRIER_CMD_PRIVATE_EXPEDITED } },
	{ "sigaltstack", false, SYS_sigaltstack, { 0 } },
	{ "readlinkat", false, SYS_readlinkat, { (uint64_t)(int64_t)-100 } },
	{ "prlimit64", false, SYS_prlimit64, { 0, 3 } },
	{ "getpid", false, SYS_getpid, { 0 } },
	{ "getppid", false, SYS_getppid, { 0 } },
	{ "gettid", false, SYS_gettid, { 0 } },
	{ "process_vm_readv", false, SYS_process_vm_readv, { 0 } },
};

static bool allows(uint32_t said, bool needed)
{
	const uint32_t action = said & SECCOMP_RET_ACTION_FULL;

	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG || (action == SECCOMP_RET_ERRNO && !needed);
}

static enum filters_answer ask_filter(const struct sock_filter *code, unsigned count, const char **ret_call)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (!allows(run(code, count, calls[i].call, calls[i].arguments), calls[i].needed)) {
			*ret_call = calls[i].name;
			return FILTERS_FORBID;
		}
	return FILTERS_ALLOW;
}

/* ---- the program ---- */

struct asking {
	enum filters_answer answer;
	const char *call;
};

static void ask_stopped(pid_t thread, struct asking *a)
{
	static struct sock_filter code[BPF_MAXINSNS];
	long count = 0;
	unsigned i = 0;

	for (; i < FILTERS_MAX && a->answer == FILTERS_ALLOW; i++) {
		count = ptrace(PTRACE_SECCOMP_GET_FILTER, thread, i, NULL);
		if (count <= 0 || count > BPF_MAXINSNS || ptrace(PTRACE_SECCOMP_GET_FILTER, thread, i, code) != count)
			break;
		a->answer = ask_filter(code, (unsigned)count, &a->call);
	}
	/* the filters are numbered from the last one on; behind the first one there is none */
	if (a->answer == FILTERS_ALLOW && !(i && count < 0 && errno == ENOENT))
		a->answer = FILTERS_UNKNOWN;
}

/* A parent that waits in vfork does not stop. */
static bool has_stopped(pid_t thread, int *ret_status)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < STOP_MS; i++) {
		if (waitpid(thread, ret_status, __WALL | WNOHANG) == thread)
			return WIFSTOPPED(*ret_status);
		nanosleep(&pause, NULL);
	}
	return false;
}

static bool ask_thread(pid_t thread, void *data)
{
	struct asking *const a = data;
	int status;

	if (ptrace(PTRACE_SEIZE, thread, 0, 0) < 0)
		return errno != ESRCH;
	if (ptrace(PTRACE_INTERRUPT, thread, 0, 0) < 0 || !has_stopped(thread, &status))
		return target_state(thread, 0) != 0; /* it may have ended */
	ask_stopped(thread, a);
	(void)ptrace(PTRACE_DETACH, thread, 0, status >> 16 ? 0 : WSTOPSIG(status));
	return a->answer != FILTERS_ALLOW;
}

enum filters_answer filters_ask(pid_t pid, const char **ret_call)
{
	struct asking a = { .answer = FILTERS_ALLOW };

	if (target_each_thread(pid, ask_thread, &a) && a.answer == FILTERS_ALLOW)
		a.answer = FILTERS_UNKNOWN;
	*ret_call = a.call;
	return a.answer;
}
