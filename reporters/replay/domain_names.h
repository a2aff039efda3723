/*
 * domain_names - what the domains of a capture are called. The first four have fixed names, the others those that
 * programs gave them (tracker_domain_name).
 *
 * A name is that of one program of one process. Sums over several of them may have several names for one number.
 */
#ifndef REPLAY_DOMAIN_NAMES_H
#define REPLAY_DOMAIN_NAMES_H

#include "replay/capture.h"

#define DOMAIN_NAME_ROOM 512u

/*
 * The name of a domain in a process; UINT32_MAX: in all processes. Different names stand behind one another, "a / b",
 * as far as there is room. NULL: nobody named it. The result may lie in `room`, and otherwise in the capture.
 */
const char *domain_name(const struct capture *c, uint32_t process, uint32_t domain, char room[DOMAIN_NAME_ROOM]);

/* Whether one of its names is `name`. */
bool domain_has_name(const struct capture *c, uint32_t process, uint32_t domain, const char *name);

/* Whether any domain has that name. If so, the smallest one is *ret. */
bool domain_by_name(const struct capture *c, const char *name, uint32_t *ret);

/* Sorts the names and drops those that were replaced later. Called once, when all tables were read. */
void domain_names_settle(struct capture *c);

#endif
