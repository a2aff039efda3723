/*
 * flame_names - the frames of a flame graph, each once: texts and frames are numbered
 * by content, so that nodes and columns hold small numbers only.
 */
#ifndef FLAME_NAMES_H
#define FLAME_NAMES_H

#include "flame/flame_index.h"
#include "symbols/stack.h"

/* What reporters/page/data.js calls FRAME_*. */
enum flame_flag {
	FLAME_HIDDEN = 1, /* irrelevant: allocator or runtime; counted, not shown */
	FLAME_INLINED = 2,
	FLAME_OTHER = 4, /* "(other)": nodes that were merged */
	FLAME_MAIN = 8, /* in a main program */
	FLAME_ROOT = 16,
};

struct flame_frame {
	uint32_t name, full, file, module; /* texts; 0 is "" */
	uint32_t line, flags;
	uint32_t ident; /* number of the first frame of the same function (whole name, module):
			   lines set aside */
};

struct flame_text {
	uint32_t offset, bytes;
};

struct flame_names {
	struct flame_frame *frames;
	struct flame_text *texts;
	char *bytes; /* of the texts, each ended by a NUL */
	size_t frame_count, text_count, byte_count;
	size_t frame_room, text_room, byte_room;
	size_t full_bytes; /* spent on long names */
	struct flame_index by_content, by_ident, by_text, by_capture;
	struct flame_known *known; /* frames of the capture that were met */
	size_t known_count, known_room;
};

/* Frame 0 is the root, frame 1 "(other)". TRK_ERR_NOMEM. */
int flame_names_init(struct flame_names *n);
void flame_names_finish(struct flame_names *n); /* zero-safe */

/*
 * Number of a frame of a stack. `place`: how many frames that are inlined into it stand
 * directly before it (frame and place say what it is, so its texts are looked
 * at once only). `main`: its module is a main program. Negative: TRK_ERR_NOMEM.
 */
int64_t flame_names_frame(struct flame_names *n, const struct source_frame *s, uint32_t place,
			  bool hidden, bool main);

/* The number of a text that a frame has; 0: none has it. */
uint32_t flame_names_text(const struct flame_names *n, const char *s);
const char *flame_text(const struct flame_names *n, uint32_t text);

#endif
