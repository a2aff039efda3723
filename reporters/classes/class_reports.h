/*
 * class_reports - the reports of tracker types about classes that programs track: tracker types summary|stats|history|list|html CAPTURE.
 */
#ifndef REPORTERS_CLASSES_H
#define REPORTERS_CLASSES_H

#include "classes/tracked.h"

/* Options of tracker types that are for these reports. */
struct classes_options {
	const char *class, *sort, *share_of;
	const char *const *limit;
	const bool *no_sites; /* of tracker types alone: refused here, as its selection, filters and thread are */
	bool reverse;
	uint64_t min_share; /* UINT64_MAX: not given */
};
#define CLASSES_OPTIONS_INIT            \
	{                               \
		.min_share = UINT64_MAX \
	}

#define CLASSES_OPTIONS(o)                                                                                                                                         \
	UI_OPTION(0, "class", UI_STRING, &(o).class, "TEXT", "stats, history: only classes whose names hold TEXT", 0, 0),                                          \
		UI_OPTION(0, "sort", UI_STRING, &(o).sort, "KEY,...", "stats: by classname, tsize, birth, death, name, repr or size", 0, 0),                       \
		UI_OPTION(0, "reverse", UI_FLAG, &(o).reverse, NULL, "stats: in the opposite order", 0, 0),                                                        \
		UI_OPTION(0, "pct-of", UI_STRING, &(o).share_of, "heap|vsz|rss", "summary, html: of what shares are (default heap)", 0, 0, classes_share_choices), \
		UI_OPTION(0, "min-share", UI_UINT, &(o).min_share, "N", "html: classes below N % are one in charts (default 3)", 0, 100)
extern const char *const classes_share_choices[];

/* Whether the word is the name of one of these reports. */
bool classes_is_word(const char *word);
/* The whole report, as report_main. base: command, options and schema of tracker types. */
int classes_main(const char *word, const struct classes_options *o, const struct report_kind *base, int argc, char **argv);

/* ---- their parts ---- */

struct classes {
	struct tracked t;
	const struct classes_options *o;
	uint64_t (*whole)(const struct tracked_snapshot *s); /* of which shares are told */
};

#define CLASSES_LABEL_ROOM 1200u
/* "after load (0.152s)", or "0.152s". */
const char *classes_label(const struct tracked_snapshot *s, char buf[CLASSES_LABEL_ROOM]);
/* "00:00:00.15" */
const char *classes_clock(uint64_t ns, char buf[32]);
/* The text, harmless for a terminal, cut to so many bytes: at its end, or at its beginning. Returns buf, which has room for them and a 0. */
const char *classes_cut(const char *text, size_t most, bool left, char *buf);
double classes_share(const struct classes *c, const struct tracked_snapshot *s, uint64_t bytes);
/* Whether the snapshot was not cleared since. */
static inline bool classes_has(const struct tracked_snapshot *s) { return s->process != UINT32_MAX; }
/* Time since its process began. */
uint64_t classes_since_start(const struct classes *c, uint32_t process, uint64_t ns);

void classes_describe_summary(const struct classes *c, struct emit *e);
void classes_describe_list(const struct classes *c, struct emit *e);
void classes_describe_history(const struct classes *c, struct emit *e);
int classes_describe_stats(const struct classes *c, struct emit *e);
/* Exits with a usage error if --sort names a key that is none. */
void classes_check_stats(const struct classes_options *o);
int classes_write_html(const struct classes *c, FILE *f);

#endif
