/*
 * live_view - the state of a view: the picture that it shows, what the user has chosen, and what each key does. It knows no
 * terminal; live_screen draws it.
 */
#ifndef LIVE_VIEW_H
#define LIVE_VIEW_H

#include "live_source.h"
#include "past.h"
#include "picture.h"
#include "shown_rows.h"

/* Keys that are no characters. */
enum live_key {
	LIVE_KEY_UP = 0x110000, /* behind the last character of Unicode */
	LIVE_KEY_DOWN,
	LIVE_KEY_PAGE_UP,
	LIVE_KEY_PAGE_DOWN,
	LIVE_KEY_HOME,
	LIVE_KEY_END,
	LIVE_KEY_ENTER,
	LIVE_KEY_ESCAPE,
	LIVE_KEY_BACKSPACE,
};

/* What the user is typing. */
enum live_prompt { LIVE_PROMPT_NONE,
		   LIVE_PROMPT_FILTER,
		   LIVE_PROMPT_MARK,
		   LIVE_PROMPT_SNAPSHOT };

/* What a key asks of the one who calls. */
enum live_wish { LIVE_WISH_NOTHING,
		 LIVE_WISH_QUIT,
		 LIVE_WISH_MARK, /* with the label in `input` */
		 LIVE_WISH_SNAPSHOT, /* into the file of that name */
};

#define LIVE_INPUT_ROOM 256u

struct live_view {
	struct live_names *names; /* NULL: each picture looks up its own */
	struct picture *picture; /* NULL: none has come */
	const struct picture *coming; /* the first one, of which only the figures are known yet; NULL: none */
	enum live_state state;
	struct picture_question question;
	struct past past;
	struct shown_rows shown;
	bool has_rates;
	uint64_t allocations_per_s, frees_per_s; /* between the last two pictures */
	uint64_t rated_ns, rated_allocations, rated_frees;

	uint64_t chosen; /* id of the row that is chosen */
	size_t at, first; /* its place, and that of the first row on the screen */
	size_t page; /* rows on the screen, which whoever draws sets */
	bool paused, help, stack;
	size_t help_first; /* the first line of help on the screen */
	enum live_prompt prompt;
	char input[LIVE_INPUT_ROOM];
	char message[LIVE_WHY_ROOM]; /* the last thing that the user should know; "": nothing */
	bool short_of_memory;
};

void live_view_init(struct live_view *v, const struct picture_question *q);
void live_view_finish(struct live_view *v);

/* A picture has come, which is the view's from now on. asked: the question that its rows answer. */
void live_view_take(struct live_view *v, struct picture *p, const struct picture_question *asked, enum live_state state);

enum live_wish live_view_key(struct live_view *v, int key);

/* The i-th line of help: keys and what they do. NULL: there is none. */
const char *live_view_help(size_t i, const char **ret_keys);

#endif
