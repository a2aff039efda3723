/* frame_file - see frame_file.h. It reads and unpacks at most SECTION_MAX bytes, whatever the headers say. */
#include "frame_file.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "inflate.h"
#include "raw.h"

#define SECTION_MAX ((uint64_t)64 << 20)
#define SECTIONS_MAX 4096u
#define NAME_BYTES 14u
#define OLD_HEAD_BYTES 12u /* "ZLIB" and the size, big-endian */

/* Where the bytes are in the file, and how many they are when unpacked. */
struct place {
	uint64_t offset, size, unpacked;
	bool packed;
};

static bool read_memory(const struct frame_file *f, void *to, size_t bytes, uint64_t offset)
{
	return offset <= f->bytes && bytes <= f->bytes - offset && raw_read_memory(f->memory + offset, to, bytes) == (long)bytes;
}

bool frame_file_read_at(const struct frame_file *f, void *to, size_t bytes, uint64_t offset)
{
	uint8_t *at = to;

	if (f->memory)
		return read_memory(f, to, bytes, offset);
	while (bytes) {
		const long n = arch_syscall(SYS_pread64, f->fd, (long)at, (long)bytes, (long)offset, 0, 0);

		if (n <= 0)
			return false;
		at += n;
		bytes -= (size_t)n;
		offset += (uint64_t)n;
	}
	return true;
}

static bool is_named(const char name[NAME_BYTES], const char *wanted)
{
	return memcmp(name, wanted, strlen(wanted) + 1) == 0;
}

/* Go's .debug_frame does not say where its runtime changes stacks; its frame pointers lead there. */
static bool find_section(const struct frame_file *f, ElfW(Shdr) * ret, bool *ret_old)
{
	ElfW(Ehdr) e;
	ElfW(Shdr) names, s;
	char name[NAME_BYTES];
	bool found = false;

	if (!frame_file_read_at(f, &e, sizeof(e), 0) || e.e_shentsize != sizeof(s) || e.e_shnum > SECTIONS_MAX || !e.e_shnum ||
	    !frame_file_read_at(f, &names, sizeof(names), e.e_shoff + (uint64_t)e.e_shstrndx * sizeof(s)))
		return false;
	for (unsigned i = 0; i < e.e_shnum; i++) {
		if (!frame_file_read_at(f, &s, sizeof(s), e.e_shoff + (uint64_t)i * sizeof(s)) || s.sh_type != SHT_PROGBITS ||
		    !frame_file_read_at(f, name, sizeof(name), names.sh_offset + s.sh_name))
			continue;
		if (is_named(name, ".gopclntab") || is_named(name, ".go.buildinfo"))
			return false;
		if (!is_named(name, ".debug_frame") && !is_named(name, ".zdebug_frame"))
			continue;
		*ret = s;
		*ret_old = name[1] == 'z';
		found = true;
	}
	return found;
}

static bool place_old(const struct frame_file *f, const ElfW(Shdr) * s, struct place *ret)
{
	uint8_t head[OLD_HEAD_BYTES];

	if (s->sh_size < sizeof(head) || !frame_file_read_at(f, head, sizeof(head), s->sh_offset) || memcmp(head, "ZLIB", 4) != 0)
		return false;
	*ret = (struct place){ s->sh_offset + sizeof(head), s->sh_size - sizeof(head), 0, true };
	for (unsigned i = 4; i < sizeof(head); i++)
		ret->unpacked = ret->unpacked << 8 | head[i];
	return true;
}

static bool place_of(const struct frame_file *f, const ElfW(Shdr) * s, bool old, struct place *ret)
{
	ElfW(Chdr) head;

	if (old)
		return place_old(f, s, ret);
	*ret = (struct place){ s->sh_offset, s->sh_size, s->sh_size, false };
	if (!(s->sh_flags & SHF_COMPRESSED))
		return true;
	if (s->sh_size < sizeof(head) || !frame_file_read_at(f, &head, sizeof(head), s->sh_offset) || head.ch_type != ELFCOMPRESS_ZLIB)
		return false;
	*ret = (struct place){ s->sh_offset + sizeof(head), s->sh_size - sizeof(head), head.ch_size, true };
	return true;
}

static bool unpack(const struct frame_file *f, const struct place *p, uint8_t *to)
{
	const size_t bytes = sizeof(struct inflate) + p->size;
	struct inflate *const room = raw_map_private(bytes);
	uint8_t *const packed = (uint8_t *)(room + 1);
	bool ok = room != NULL;

	ok = ok && frame_file_read_at(f, packed, p->size, p->offset) && inflate_zlib(room, packed, p->size, to, p->unpacked);
	if (room)
		raw_release(room, bytes);
	return ok;
}

bool frame_file_read(const struct frame_file *f, const uint8_t **ret_bytes, size_t *ret_size)
{
	ElfW(Shdr) header = { 0 };
	struct place p;
	uint8_t *bytes;
	bool old = false;

	if (!find_section(f, &header, &old) || !place_of(f, &header, old, &p) || p.size > SECTION_MAX || p.unpacked > SECTION_MAX ||
	    !p.unpacked || !(bytes = raw_map_private(p.unpacked)))
		return false;
	if (!(p.packed ? unpack(f, &p, bytes) : frame_file_read_at(f, bytes, p.size, p.offset))) {
		raw_release(bytes, p.unpacked);
		return false;
	}
	*ret_bytes = bytes;
	*ret_size = p.unpacked;
	return true;
}
