/*
 * named_domains - the names that this program gives to its domains: tracker_domain_name.
 *
 * They are kept here, because a program may name its domains before anything is recorded. They are told when they are
 * given, or with the next block that is tracked. A forked child has its parent's; after an exec there are none.
 */
#ifndef NAMED_DOMAINS_H
#define NAMED_DOMAINS_H

#include <stdbool.h>

struct thread;

/* The member of struct tracker_api_ of that name. tracker.h has its contract. */
int named_domains_name(unsigned domain, const char *name);

/* Tells all names that the recorder may not know. */
void named_domains_tell(struct thread *t);
/* Whether there are any. */
bool named_domains_are_untold(void);

/* In a forked child: the recorder knows none of its names. */
void named_domains_forked(void);

#endif
