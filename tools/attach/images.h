/*
 * images - the modules of a running program, read from its memory: what they define, and a copy of their unwind
 * information. No file is opened, so namespaces, deleted files and stripped ones make no difference.
 */
#ifndef ATTACH_IMAGES_H
#define ATTACH_IMAGES_H

#include <elf.h>

#include "tools/attach/target.h"

struct image {
	const char *path; /* the target's */
	uint64_t bias, start, end;
	uint64_t eh_frame_hdr; /* 0: none */
	uint64_t dynamic, dynamic_bytes;
	uint8_t *copy; /* of start to end, as far as unwinding needs it; NULL: not made */
	bool copied; /* that was tried */
	/* images_find */
	Elf64_Sym *symbols;
	size_t symbol_count;
	char *strings;
	size_t string_bytes;
};

struct images {
	struct image *list;
	size_t count, room;
};

/* Of the areas that were read last. 0, or an errno. */
int images_read(struct images *all, const struct target *t);
void images_finish(struct images *all);

/* NULL: no module is there. */
struct image *images_at(const struct images *all, uint64_t pc);
/* The module in whose path `mark` stands and whose soname that is, up to a '-' or '.' behind it; with its table of names. */
struct image *images_find(const struct images *all, const struct target *t, const char *mark, const char *soname);

/* 0: it does not define that. */
uint64_t image_symbol(const struct image *m, const char *name);
/* Whether it defines that, without reading all of its names. */
bool image_defines(struct image *m, const struct target *t, const char *name);
/* Copies what unwinding needs, once. */
void image_copy(struct image *m, const struct target *t);

static inline const char *image_name_of(const struct image *m, const Elf64_Sym *s)
{
	return s->st_name < m->string_bytes ? m->strings + s->st_name : "";
}

#endif
