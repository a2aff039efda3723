/* unread - see unread.h. */
#include "unread.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2
#endif

#define SECTIONS_MAX 4096u
#define NAME ".debug_frame"
#define TELL_MAX 8u

static bool read_at(int fd, void *to, size_t bytes, uint64_t offset)
{
	return pread(fd, to, bytes, (off_t)offset) == (ssize_t)bytes;
}

/* The method by which it was compressed, as its header says; 0: it is not compressed, or does not exist. */
static uint32_t method_of(int fd)
{
	ElfW(Ehdr) e;
	ElfW(Shdr) names, s;
	ElfW(Chdr) head;
	char name[sizeof(NAME)];

	if (!read_at(fd, &e, sizeof(e), 0) || memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_shentsize != sizeof(s) ||
	    e.e_shnum > SECTIONS_MAX || !read_at(fd, &names, sizeof(names), e.e_shoff + (uint64_t)e.e_shstrndx * sizeof(s)))
		return 0;
	for (unsigned i = 0; i < e.e_shnum; i++) {
		if (!read_at(fd, &s, sizeof(s), e.e_shoff + (uint64_t)i * sizeof(s)) || !(s.sh_flags & SHF_COMPRESSED) ||
		    !read_at(fd, name, sizeof(name), names.sh_offset + s.sh_name) || memcmp(name, NAME, sizeof(name)) != 0)
			continue;
		return read_at(fd, &head, sizeof(head), s.sh_offset) ? head.ch_type : 0;
	}
	return 0;
}

static void tell(struct recorder *r, const char *path, uint32_t method)
{
	char text[PATH_MAX + 256];

	snprintf(text, sizeof(text), "%s: its .debug_frame is compressed with %s, which tracker does not read while a program runs; stacks through "
				     "functions without other unwind information were cut or guessed: link it with --compress-debug-sections=zlib, or "
				     "compile it with -fasynchronous-unwind-tables",
		 path, method == ELFCOMPRESS_ZSTD ? "zstd" : "an unknown method");
	recorder_notice(r, text);
}

void unread_finish(struct recorder *r)
{
	uint32_t told = 0;

	if (!r->counters.guessed_stacks && !r->counters.truncated[SHM_CUT_NO_INFO])
		return;
	for (uint32_t i = 1; i < r->module_count && told < TELL_MAX; i++) {
		const uint32_t method = r->modules[i].fd < 0 ? 0 : method_of(r->modules[i].fd);

		if (!method || method == ELFCOMPRESS_ZLIB)
			continue;
		tell(r, r->modules[i].record.path, method);
		told++;
	}
}
