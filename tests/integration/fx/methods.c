/*
 * methods - code as Java's compilers make it, and trampolines as those of python3 -X perf, nested at random, which calls malloc at the end; and
 * what its frames are.
 *
 * A chain is a few methods that call each other, from C and through C. Each has a name in the perf map; the chain's allocation
 * is 6000 + 16 bytes times its number, and a line of the output says who stands on the stack then: the size, the names, youngest first.
 * Its arguments say what is done beside that:
 *
 *   chains=N     so many of them
 *   decoy        some methods have the entry of another one, with a wrong size, between their own and their call
 *   gone         some methods have lost the page that their entry was on, unmapped or without access
 *   again        each chain is followed by one at the very same addresses, whose frames are larger
 *   sandbox      the program has forbidden itself to read memory by system calls: who does is killed
 *
 * "?NAME" in a line: from there on nothing is known of the stack.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HEAP_BYTES (64u << 20)
#define PAGE 4096u
#define DEPTH_MAX 12
#define INTERPRETED_ENTRY 14 /* for all but compiled callers */

enum kind { PROBED, SHORT, LEAF, LEFT, LEFT_LEAF, FRAMED, FRAMED_LEFT, INTERPRETED, NATIVE, TRAMPOLINE, KINDS };
static const char *const kind_names[KINDS] = { "probed", "short", "leaf", "left", "left_leaf", "framed", "framed_left", "interpreted", "native", "trampoline" };

struct method {
	enum kind kind;
	uint32_t size, fill, gap;
	uint32_t extension; /* of an interpreted one's caller */
	uint8_t *entry, *body, *end;
	bool through_c; /* what it calls */
	bool decoy, gone, grown;
	char name[64];
};

static uint8_t *heap, *at;
static struct method chain[DEPTH_MAX];
static int depth, next, number;
static bool decoys, goings, again;
static FILE *map;
void *kept;

static uint32_t draw(uint32_t below)
{
	static uint32_t state = 1;

	state = state * 1103515245u + 12345u;
	return (state >> 16) % below;
}

/* ---- code ---- */

static void bytes(const char *b, size_t n)
{
	memcpy(at, b, n);
	at += n;
}
#define BYTES(b) bytes(b, sizeof(b) - 1)

static void word(uint32_t v)
{
	memcpy(at, &v, 4);
	at += 4;
}

static void sub_sp(uint32_t n, bool wide)
{
	BYTES("\x48");
	if (wide || n > 127) {
		BYTES("\x81\xec");
		word(n);
	} else {
		BYTES("\x83\xec");
		*at++ = (uint8_t)n;
	}
}

static void add_sp(uint32_t n)
{
	BYTES("\x48\x81\xc4");
	word(n);
}

static void probe(void)
{
	BYTES("\x89\x84\x24"); /* mov %eax, -0x14000(%rsp) */
	word((uint32_t)-0x14000);
}

/* Of a trampoline: what fits into a byte. */
static uint8_t small_size(const struct method *m)
{
	return (uint8_t)((m->grown ? 72 : 8) + m->size % 64 / 16 * 16);
}

/* What stands before the call. */
static void enter(struct method *m)
{
	const bool wide = again || m->size % 32; /* both encodings */

	switch (m->kind) {
	case PROBED: case LEFT: case SHORT:
		probe();
		BYTES("\x55"); /* push %rbp */
		if (m->kind != SHORT)
			sub_sp(m->size, wide);
		break;
	case LEAF: case LEFT_LEAF:
		sub_sp(m->size, true);
		BYTES("\x48\x89\xac\x24"); /* mov %rbp, size-8(%rsp) */
		word(m->size - 8);
		break;
	case TRAMPOLINE: sub_sp(small_size(m), false); break;
	case FRAMED: case FRAMED_LEFT: case NATIVE:
		if (m->kind != NATIVE)
			probe();
		BYTES("\x55\x48\x8b\xec"); /* push %rbp; mov %rsp, %rbp */
		sub_sp(m->size, wide);
		break;
	default:
		BYTES("\x58\x49\x89\xe3"); /* from compiled code: pop %rax; mov %rsp, %r11; sub extension, %rsp; push %rax; jmp over the next one */
		sub_sp(m->extension, true);
		BYTES("\x50\xeb\x05\x4c\x8d\x5c\x24\x08"); /* from any other: lea 8(%rsp), %r11 */
		BYTES("\x55\x48\x89\xe5\x41\x53"); /* push %rbp; mov %rsp, %rbp; push %r11 */
		sub_sp(m->size, wide);
	}
}

static bool keeps_frame(const struct method *m)
{
	return m->kind == FRAMED || m->kind == FRAMED_LEFT || m->kind == NATIVE || m->kind == INTERPRETED;
}

/* Nothing but its entry tells the size of its frame. */
static bool has_telling_entry(const struct method *m)
{
	return !keeps_frame(m) && m->kind != TRAMPOLINE;
}

static void leave(const struct method *m)
{
	if (m->kind == INTERPRETED) {
		BYTES("\x4c\x8b\x5d\xf8\xc9\x59\x4c\x89\xdc\xff\xe1"); /* mov -8(%rbp), %r11; leave; pop %rcx; mov %r11, %rsp; jmp *%rcx */
	} else if (m->kind == TRAMPOLINE) {
		BYTES("\x48\x83\xc4"); /* add $size, %rsp; ret */
		*at++ = small_size(m);
		BYTES("\xc3");
	} else if (keeps_frame(m)) {
		BYTES("\xc9\xc3"); /* leave; ret */
	} else if (m->kind == LEAF || m->kind == LEFT_LEAF) {
		BYTES("\x48\x8b\xac\x24"); /* mov size-8(%rsp), %rbp */
		word(m->size - 8);
		add_sp(m->size);
		BYTES("\xc3");
	} else {
		if (m->kind != SHORT)
			add_sp(m->size);
		BYTES("\x5d\xc3"); /* pop %rbp; ret */
	}
}

static void fill(uint32_t n)
{
	memset(at, 0x90, n);
	at += n;
}

/* A jump over the entry of a method that is none. */
static void put_decoy(const struct method *m)
{
	BYTES("\xeb\x0f");
	probe();
	BYTES("\x55");
	sub_sp(m->size + 16 + 16 * draw(8), true);
}

static void emit(struct method *m, uint8_t *callee)
{
	m->entry = at;
	enter(m);
	fill(m->fill);
	if (m->decoy)
		put_decoy(m);
	if (has_telling_entry(m))
		BYTES("\xbd\x5f\x5f\x5f\x5f"); /* mov $..., %ebp: a register as any other */
	m->body = at;
	BYTES("\x48\xb8"); /* mov $callee, %rax; call *%rax */
	memcpy(at, &callee, 8);
	at += 8;
	BYTES("\xff\xd0");
	leave(m);
	m->end = at;
}

/* ---- chains ---- */

static void draw_method(struct method *m, const struct method *caller, int index)
{
	memset(m, 0, sizeof(*m));
	m->kind = (enum kind)draw(KINDS);
	m->size = 16 * (1 + draw(4)) + (draw(4) ? 0 : 16 * draw(200)) + (m->kind == LEAF || m->kind == LEFT_LEAF ? 8 : 0);
	m->fill = draw(3) ? draw(200) : draw(3) ? draw(3 * PAGE) : 8 * PAGE + draw(PAGE);
	m->gap = 16 + draw(64);
	m->through_c = draw(3) == 0;
	if (m->kind == INTERPRETED || m->kind == NATIVE) /* what tells that they keep frames stands near */
		m->fill = draw(800);
	if (m->kind == INTERPRETED) {
		m->extension = caller && !caller->through_c && has_telling_entry(caller) ? 16 + 8 * draw(20) : 0;
		m->size = m->extension % 16 ? 16 : 8; /* sp is to be aligned when it calls */
	}
	m->decoy = decoys && has_telling_entry(m) && draw(4) == 0;
	m->gone = goings && has_telling_entry(m) && draw(4) == 0;
	if (m->gone)
		m->fill = 2 * PAGE + draw(PAGE);
	snprintf(m->name, sizeof(m->name), "c%d_%d_%s", number, index, kind_names[m->kind]);
}

static uint8_t *entry_of(const struct method *m)
{
	return m->entry + (m->kind == INTERPRETED && !m->extension ? INTERPRETED_ENTRY : 0);
}

/* Calls the next method that is called through C. */
static void go_on(void)
{
	uint8_t *const entry = entry_of(&chain[next++]);
	void (*code)(void);

	memcpy(&code, &entry, sizeof(code));
	while (next < depth && !chain[next - 1].through_c)
		next++;
	code();
}

/* Methods that are not entered any more go on all the same: a jump stands where they began. */
static void leave_behind(void)
{
	for (int i = 0; i < depth; i++)
		if (chain[i].kind == LEFT || chain[i].kind == LEFT_LEAF || chain[i].kind == FRAMED_LEFT)
			memcpy(chain[i].entry, "\xe9\x7b\x71\x57\x07", 5);
}

/* The page before that of the call, which nobody needs any more. */
static void take_away(void)
{
	for (int i = 0; i < depth; i++) {
		uint8_t *const page = chain[i].body - (uintptr_t)chain[i].body % PAGE - PAGE;

		if (chain[i].gone)
			syscall(i % 2 ? SYS_munmap : SYS_mprotect, page, PAGE, PROT_NONE);
	}
}

static void innermost(void)
{
	leave_behind();
	take_away();
	kept = malloc(6000 + 16 * (size_t)number);
}

static void put_chain(uint8_t *place)
{
	at = place;
	for (int i = depth - 1; i >= 0; i--) {
		void (*const c)(void) = i + 1 == depth ? innermost : go_on;
		uint8_t *callee;

		memcpy(&callee, &c, sizeof(callee));
		emit(&chain[i], i + 1 == depth || chain[i].through_c ? callee : entry_of(&chain[i + 1]));
		fill(chain[i].gap);
	}
}

static void draw_chain(void)
{
	depth = 1 + (int)draw(DEPTH_MAX);
	for (int i = 0; i < depth; i++)
		draw_method(&chain[i], i ? &chain[i - 1] : NULL, i);
}

/* Of the same length, with larger frames: where the return address stood in the last one, now nothing does. */
static void change_sizes(void)
{
	for (int i = 0; i < depth; i++)
		if (chain[i].kind != INTERPRETED)
			chain[i].size += 256 + 16 * draw(16), chain[i].grown = true;
}

static void tell(void)
{
	printf("%d innermost", 6000 + 16 * number);
	for (int i = depth - 1; i >= 0; i--) {
		const bool unknown = chain[i].decoy || chain[i].gone;

		printf(" %s%s%s", unknown ? "?" : "", chain[i].name, i == 0 || chain[i - 1].through_c ? " go_on" : "");
		fprintf(map, "%lx %lx %s\n", (unsigned long)chain[i].entry, (unsigned long)(chain[i].end - chain[i].entry), chain[i].name);
	}
	printf(" run main\n");
	fflush(map);
}

/* What calls before have left on the stack is gone: words there are no return addresses. */
static void clear_stack(void)
{
	volatile char room[DEPTH_MAX * 8192];

	for (size_t i = 0; i < sizeof(room); i++)
		room[i] = 0;
}

static void run(void)
{
	tell();
	clear_stack();
	next = 0;
	go_on();
	number++;
}

static void forbid(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(rules) / sizeof(*rules), rules };

	if (syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		exit(3);
}

int main(int argc, char **argv)
{
	char path[64];
	int chains = 0;

	for (int i = 1; i < argc; i++) {
		decoys |= !strcmp(argv[i], "decoy");
		goings |= !strcmp(argv[i], "gone");
		again |= !strcmp(argv[i], "again");
		if (!strcmp(argv[i], "sandbox"))
			forbid();
		sscanf(argv[i], "chains=%d", &chains);
	}
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	map = fopen(path, "w");
	heap = mmap(NULL, HEAP_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!map || heap == MAP_FAILED)
		return 1;
	for (uint8_t *place = heap + PAGE; number < chains; place = at) {
		draw_chain();
		put_chain(place);
		run();
		if (again) {
			change_sizes();
			put_chain(place);
			run();
		}
	}
	return 0;
}
