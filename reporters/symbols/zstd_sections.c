/* zstd_sections - see zstd_sections.h. */
#include "symbols/zstd_sections.h"

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2
#endif

/* A few bytes can claim any size: the most that is unpacked of one file, and of each compressed byte. */
#define UNPACKED_MAX (4ull << 30)
#define RATIO_MAX 20000u

struct file {
	const uint8_t *bytes;
	uint64_t size;
	Elf64_Ehdr header;
};

struct copy {
	int fd;
	uint64_t size;
	Elf64_Shdr *sections;
};

static bool lies_inside(const struct file *f, uint64_t at, uint64_t size)
{
	return at <= f->size && size <= f->size - at;
}

static bool read_header(struct file *f)
{
	const uint16_t one = 1;
	const uint8_t native = *(const uint8_t *)&one ? ELFDATA2LSB : ELFDATA2MSB;

	if (f->size < sizeof(f->header))
		return false;
	memcpy(&f->header, f->bytes, sizeof(f->header));
	return memcmp(f->header.e_ident, ELFMAG, SELFMAG) == 0 &&
	       f->header.e_ident[EI_CLASS] == ELFCLASS64 && f->header.e_ident[EI_DATA] == native &&
	       f->header.e_shentsize == sizeof(Elf64_Shdr) && f->header.e_shnum &&
	       lies_inside(f, f->header.e_shoff, (uint64_t)f->header.e_shnum * sizeof(Elf64_Shdr));
}

static bool read_compressed(const struct file *f, const Elf64_Shdr *s, Elf64_Chdr *ret)
{
	if (!(s->sh_flags & SHF_COMPRESSED) || s->sh_type == SHT_NOBITS || s->sh_size < sizeof(*ret) ||
	    !lies_inside(f, s->sh_offset, s->sh_size))
		return false;
	memcpy(ret, f->bytes + s->sh_offset, sizeof(*ret));
	return ret->ch_type == ELFCOMPRESS_ZSTD;
}

static bool write_all(int fd, const void *bytes, uint64_t size, uint64_t at)
{
	while (size) {
		const ssize_t n = pwrite(fd, bytes, size < 1u << 30 ? size : 1u << 30, (off_t)at);

		if (n <= 0)
			return false;
		bytes = (const uint8_t *)bytes + n;
		size -= (uint64_t)n;
		at += (uint64_t)n;
	}
	return true;
}

/* Appends the unpacked section, and describes it in the section's header. */
static bool unpack(const struct file *f, struct copy *c, Elf64_Shdr *s, const Elf64_Chdr *h)
{
	const uint64_t packed = s->sh_size - sizeof(*h), at = (c->size + 15) & ~15ull;
	const bool plausible = c->size <= UNPACKED_MAX && h->ch_size <= UNPACKED_MAX - c->size &&
			       h->ch_size / RATIO_MAX <= packed;
	uint8_t *const bytes = plausible ? malloc(h->ch_size + 1) : NULL;
	bool ok = bytes != NULL;

	ok = ok && ZSTD_decompress(bytes, h->ch_size, f->bytes + s->sh_offset + sizeof(*h), packed) == h->ch_size;
	ok = ok && write_all(c->fd, bytes, h->ch_size, at);
	free(bytes);
	s->sh_offset = at;
	s->sh_size = h->ch_size;
	s->sh_addralign = h->ch_addralign;
	s->sh_flags &= ~(uint64_t)SHF_COMPRESSED;
	c->size = at + h->ch_size;
	return ok;
}

static bool finish(const struct file *f, struct copy *c)
{
	Elf64_Ehdr header = f->header;

	header.e_shoff = (c->size + 15) & ~15ull;
	return write_all(c->fd, c->sections, (uint64_t)header.e_shnum * sizeof(*c->sections), header.e_shoff) &&
	       write_all(c->fd, &header, sizeof(header), 0);
}

/* The copy; -1: there is nothing to unpack, or unpacking failed. */
static int unpack_all(const struct file *f)
{
	const size_t count = f->header.e_shnum;
	struct copy c = { .fd = -1, .size = f->size };
	Elf64_Chdr h;
	bool ok = true;

	c.sections = malloc(count * sizeof(*c.sections));
	if (!c.sections)
		return -1;
	memcpy(c.sections, f->bytes + f->header.e_shoff, count * sizeof(*c.sections));
	for (size_t i = 0; ok && i < count; i++) {
		if (!read_compressed(f, &c.sections[i], &h))
			continue;
		if (c.fd < 0) {
			c.fd = memfd_create("tracker-debug", MFD_CLOEXEC);
			ok = c.fd >= 0 && write_all(c.fd, f->bytes, f->size, 0);
		}
		ok = ok && unpack(f, &c, &c.sections[i], &h);
	}
	ok = ok && c.fd >= 0 && finish(f, &c);
	free(c.sections);
	if (!ok && c.fd >= 0)
		close(c.fd);
	return ok ? c.fd : -1;
}

int zstd_sections_copy(int fd)
{
	struct file f = { 0 };
	struct stat st;
	void *bytes;
	int copy;

	if (fstat(fd, &st) < 0 || st.st_size <= 0)
		return -1;
	f.size = (uint64_t)st.st_size;
	bytes = mmap(NULL, f.size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return -1;
	f.bytes = bytes;
	copy = read_header(&f) ? unpack_all(&f) : -1;
	munmap(bytes, f.size);
	return copy;
}
