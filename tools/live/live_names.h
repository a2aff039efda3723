/*
 * live_names - names of frames that stay from one picture to the next, so that each address is looked up once.
 *
 * Pictures are captures without names of their own. Files of modules stay open as long as the view runs.
 */
#ifndef LIVE_NAMES_H
#define LIVE_NAMES_H

#include "symbols/stack.h"

struct live_names;

/* NULL: there is no memory. */
struct live_names *live_names_new(void);
void live_names_free(struct live_names *n); /* NULL-safe */

/* Between a capture and these names; it lives as long as the stacks. */
struct live_names_link {
	struct live_names *names;
	const struct capture *capture;
	struct resolver_module **modules; /* by id in the capture; NULL: not asked for yet */
};

/*
 * For stacks_new of that capture. Several threads may ask for names of several captures. Modules whose files the recorder has
 * open (tools/contact.h) are read from there: a file may have been replaced or deleted since the program began.
 */
struct stacks_options live_names_options(struct live_names_link *link, struct live_names *n, const struct capture *c);
void live_names_unlink(struct live_names_link *link); /* zero-safe */

#endif
