/* image - see image.h. */
#include "image.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "raw.h"
#include "state.h"

#define HEAD_BYTES 1024u
#define SCRIPT_DEPTH 4u /* the kernel's */

#define SET_ID (S_ISUID | S_ISGID)

static bool is_dynamic(const char *head, size_t size)
{
	ElfW(Ehdr) e;

	memcpy(&e, head, sizeof(e));
	for (size_t i = 0; i < e.e_phnum; i++) {
		const size_t at = e.e_phoff + i * sizeof(ElfW(Phdr));
		ElfW(Phdr) p;

		if (at > size || size - at < sizeof(p))
			return false;
		memcpy(&p, head + at, sizeof(p));
		if (p.p_type == PT_INTERP)
			return p.p_offset < size && strstr(head + p.p_offset, "/ld-linux");
	}
	return false;
}

/* `head` becomes the path of the script's interpreter. */
static bool is_script(char *head)
{
	const char *at = head + 2;
	size_t n = 0;

	if (memcmp(head, "#!", 2) != 0)
		return false;
	while (*at == ' ' || *at == '\t')
		at++;
	while (at[n] && !strchr(" \t\n", at[n]))
		n++;
	memmove(head, at, n);
	head[n] = 0;
	return n != 0;
}

static long read_head(int fd, char *head)
{
	const long n = arch_syscall(SYS_pread64, fd, (long)head, HEAD_BYTES, 0, 0, 0);

	memset(head + (n < 0 ? 0 : n), 0, HEAD_BYTES + 1 - (size_t)(n < 0 ? 0 : n));
	return n;
}

bool image_takes_library(int fd)
{
	char head[HEAD_BYTES + 1];

	for (unsigned depth = 0; fd >= 0 && depth <= SCRIPT_DEPTH; depth++) {
		const long n = read_head(fd, head);
		struct stat st;
		const bool plain = raw_stat_fd(fd, &st) && !(st.st_mode & SET_ID);

		if (depth)
			raw_close(fd);
		if (n >= (long)sizeof(ElfW(Ehdr)) && memcmp(head, ELFMAG, SELFMAG) == 0)
			return plain && head[EI_CLASS] == ELFCLASS64 && is_dynamic(head, (size_t)n);
		if (!is_script(head))
			return false;
		fd = raw_open(head, O_RDONLY | O_CLOEXEC);
	}
	return false;
}
