/*
 * mkcapture - what the parts of mkcapture share.
 */
#ifndef MKCAPTURE_H
#define MKCAPTURE_H

#include "format/writer.h"
#include "replay/heap.h"
#include "words.h"

#define NAMED_MAX 4096
#define INLINED_MAX 64

struct name {
	char *text;
	uint64_t value;
};

struct names {
	struct name entries[NAMED_MAX];
	size_t count;
};

struct frame {
	uint32_t id;
	bool bare;
	size_t count;
	struct trk_symbol_text symbols[INLINED_MAX];
};

/* The capture that is being made. */
extern struct mkcapture {
	struct writer *writer;
	struct heap *heap; /* finds out what an event ends */
	struct trk_header header;
	int fd;
	bool cut, unseen;
	uint64_t time_ns, next_offset, earliest_ns; /* that an event may have */
	uint32_t thread;
	struct names modules, frames, stacks, addresses;
	struct frame frame[NAMED_MAX];
	struct trk_process processes[NAMED_MAX];
	struct trk_thread threads[NAMED_MAX];
	bool process_known[NAMED_MAX], thread_known[NAMED_MAX];
} cap;

uint32_t small(const char *s);
struct name *name_find(struct names *t, const char *text);
void name_add(struct names *t, const char *text, uint64_t value);
uint64_t named(struct names *t, const char *text);
uint64_t address(const char *text);
uint32_t stack(const char *text);
/* The value of "key=value", NULL when w is another option. */
const char *option(const struct word *w, const char *key);
/* Tells whether w is key=NUMBER, and stores it. */
bool number_option(const struct word *w, const char *key, uint32_t *ret);
bool time_option(const struct word *w, const char *key, uint64_t *ret);
bool text_option(const struct word *w, const char *key, const char **ret);
bool flag_option(const struct word *w, const char *key, uint32_t *ret);
bool do_event(const struct word *w, int n);
/* Statements about looks. False: it is none, or has not as many words. */
bool do_look(const struct word *w, int n);
struct writer *writer(void);
void do_process(const struct word *w, int n);
void do_thread(const struct word *w, int n);

#endif
