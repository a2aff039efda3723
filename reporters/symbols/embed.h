/*
 * embed - looks up every frame of a capture and puts the names into it, so that
 * it can be read anywhere, at any time.
 *
 * Module by module, in order of address, and each module is closed before the
 * next is opened: memory is bounded by the largest one.
 */
#ifndef SYMBOLS_EMBED_H
#define SYMBOLS_EMBED_H

#include <stddef.h>
#include <stdint.h>

#include "format/writer.h"
#include "symbols/made_code.h"
#include "symbols/resolver.h"

struct embed_module {
	struct trk_module record; /* as in the capture; without a build-id the file's is not checked */
	int fd; /* the file itself, which stays the caller's; -1: the file at the record's path is opened */
	struct made_code *code; /* for a module with TRK_MODULE_MADE; NULL: its names are not known */
};

struct embed_frame {
	uint32_t module, frame;
	uint64_t offset; /* return address, as in the capture */
};

/* No frame of the module was asked for: it was not opened. */
#define EMBED_UNUSED 255

struct embed_report {
	uint64_t frames; /* looked at: those in a module */
	uint64_t resolved; /* with at least a function or a line */
	uint64_t without_symbols; /* the rest */
	uint32_t modules; /* that frames are in, the vdso aside; of these: */
	uint32_t missing, changed, unreadable;
	uint64_t unavailable_frames; /* frames in those three */
	uint64_t made_resolved; /* of `resolved`: frames of code made at run time */
	/*
	 * Set before the call, or NULL: room for one enum resolver_module_state (or EMBED_UNUSED) per
	 * module id.
	 */
	uint8_t *states;
};

struct embed_sink {
	/* Called once per frame looked up; n = 0: nothing is known. Strings live until `forgotten`. */
	void (*symbols)(void *data, uint32_t frame, const struct trk_symbol_text *s, size_t n);
	void (*progress)(void *data, uint64_t done, uint64_t total); /* may be NULL */
	/* Tells why debug information of the module could not be read completely; may be NULL. */
	void (*trouble)(void *data, uint32_t module, const char *why);
	void (*forgotten)(void *data); /* strings that were passed on before are no longer valid; may be NULL */
	void *data;
};

/*
 * Looks up frames[0..count), which is sorted in place. modules[id] describes a module; [0] is ignored, and frames of
 * other ids are left out. If the file of a module is missing, rebuilt or unreadable, its frames are not passed on. So
 * they stay "never looked up", and another machine can still do it. 0, TRK_ERR_NOMEM.
 */
int embed_frames(struct embed_frame *frames, size_t count, const struct embed_module *modules,
		 uint32_t module_count, const struct embed_sink *sink, struct embed_report *ret);

/* The same for all frames known to the writer, to which nothing is added. */
int embed_writer_frames(const struct writer *w, const struct embed_module *modules,
			uint32_t module_count, const struct embed_sink *sink, struct embed_report *ret);

#endif
