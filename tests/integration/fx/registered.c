/*
 * registered - code made at run time, without frame pointers, of which the program tells debuggers: by GDB's interface, an ELF file in
 * its memory with .debug_frame. Code and C call each other depth=N times, and the innermost C allocates 4242 bytes.
 *
 * What is wrong with the list is the second argument: "loop" (the last entry is followed by itself), "nowhere" (the file
 * is not there), "huge" (it is as long as there are addresses), "entry" (the list begins where nothing is).
 */
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct entry {
	struct entry *next, *previous;
	const void *file;
	uint64_t bytes;
};

struct {
	uint32_t version, action;
	struct entry *relevant, *first;
} __jit_debug_descriptor = { 1, 0, NULL, NULL };

/* push %rbp; push %rbx; sub $72, %rsp; mov $..., %ebp; mov $callee, %rax; call *%rax; add $72, %rsp; pop %rbx; pop %rbp; ret */
static const uint8_t code[] = { 0x55, 0x53, 0x48, 0x83, 0xec, 72, 0xbd, 0x5f, 0x5f, 0x5f, 0x5f, 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,
				0xff, 0xd0, 0x48, 0x83, 0xc4, 72, 0x5b, 0x5d, 0xc3 };
#define CALLEE_AT 13

static const char names[] = "\0.debug_frame\0.shstrtab";

static struct {
	Elf64_Ehdr head;
	Elf64_Shdr sections[3];
	char names[sizeof(names)];
	struct {
		uint32_t common_bytes, common_id;
		uint8_t common[8]; /* version 1, no augmentation, factors 1 and -8, return addresses are column 16 */
		uint32_t bytes, common_at;
		uint64_t start, size;
		uint8_t rules[12]; /* def_cfa sp 96; the return address below it, then bp, then bx */
	} __attribute__((packed)) frame;
} file = {
	.head = { .e_ident = "\177ELF\2\1\1", .e_shoff = sizeof(Elf64_Ehdr), .e_shentsize = sizeof(Elf64_Shdr), .e_shnum = 3, .e_shstrndx = 2 },
	.frame = { 12, 0xffffffff, { 1, 0, 1, 0x78, 16 }, 32, 0, 0, sizeof(code), { 0x0c, 7, 96, 0x90, 1, 0x86, 2, 0x83, 3 } },
};

void *kept;
static int left;
static uint8_t *made;

static void call_code(void)
{
	void (*f)(void);

	memcpy(&f, &made, sizeof(f));
	f();
}

static void callee(void)
{
	if (--left > 0)
		call_code();
	else
		kept = malloc(4242);
}

static void make_code(void)
{
	void (*const to)(void) = callee;
	char path[64];
	FILE *map;

	made = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	made += 1024;
	memcpy(made, code, sizeof(code));
	memcpy(made + CALLEE_AT, &to, sizeof(to));
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	map = fopen(path, "w");
	fprintf(map, "%lx %lx made\n", (unsigned long)made, (unsigned long)sizeof(code));
	fclose(map);
}

static void tell(const char *wrong)
{
	static struct entry entry;

	memcpy(file.names, names, sizeof(names));
	file.frame.start = (uintptr_t)made;
	file.sections[1] = (Elf64_Shdr){ .sh_name = 1, .sh_type = SHT_PROGBITS, .sh_offset = (uintptr_t)&file.frame - (uintptr_t)&file,
					 .sh_size = sizeof(file.frame) };
	file.sections[2] = (Elf64_Shdr){ .sh_name = 14, .sh_type = SHT_STRTAB, .sh_offset = (uintptr_t)file.names - (uintptr_t)&file,
					 .sh_size = sizeof(names) };
	entry = (struct entry){ .file = &file, .bytes = sizeof(file) };
	__jit_debug_descriptor.first = &entry;
	if (!strcmp(wrong, "loop"))
		entry.next = &entry;
	else if (!strcmp(wrong, "nowhere"))
		entry.file = (const void *)0x12345000;
	else if (!strcmp(wrong, "huge"))
		entry.bytes = UINT64_MAX;
	else if (!strcmp(wrong, "entry"))
		__jit_debug_descriptor.first = (struct entry *)0x12345678;
}

int main(int argc, char **argv)
{
	left = atoi(argv[1] + strlen("depth="));
	make_code();
	tell(argc > 2 ? argv[2] : "");
	call_code();
	return 0;
}
