/* domain_names - see domain_names.h. */
#include "replay/domain_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const fixed[TRK_DOMAINS_FIXED] = {
	[TRK_DOMAIN_HEAP] = "heap",
	[TRK_DOMAIN_MMAP] = "mmap",
	[TRK_DOMAIN_SHM] = "shm",
	[TRK_DOMAIN_FD] = "fd",
};

static int by_domain(const void *left, const void *right)
{
	const struct cap_domain *const a = left, *const b = right;

	if (a->told.domain != b->told.domain)
		return a->told.domain < b->told.domain ? -1 : 1;
	if (a->told.process != b->told.process)
		return a->told.process < b->told.process ? -1 : 1;
	if (a->told.execs != b->told.execs)
		return a->told.execs < b->told.execs ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static bool is_replaced(const struct trk_domain *a, const struct trk_domain *next)
{
	return a->domain == next->domain && a->process == next->process && a->execs == next->execs;
}

void domain_names_settle(struct capture *c)
{
	uint32_t n = 0;

	if (c->domain_count)
		qsort(c->domains, c->domain_count, sizeof(*c->domains), by_domain);
	for (uint32_t i = 0; i < c->domain_count; i++) {
		const struct trk_domain *const told = &c->domains[i].told;

		if (i + 1 < c->domain_count && is_replaced(told, &c->domains[i + 1].told))
			continue;
		c->domains[n++] = c->domains[i];
	}
	c->domain_count = n;
}

/* The first entry of the domain and the process, or of the domain if that is UINT32_MAX; or where it would stand. */
static uint32_t first_of(const struct capture *c, uint32_t process, uint32_t domain)
{
	const struct trk_domain sought = { .domain = domain, .process = process == UINT32_MAX ? 0 : process };
	uint32_t low = 0, high = c->domain_count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		const struct trk_domain *const at = &c->domains[middle].told;

		if (at->domain < sought.domain || (at->domain == sought.domain && at->process < sought.process))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_of(const struct capture *c, uint32_t i, uint32_t process, uint32_t domain)
{
	return i < c->domain_count && c->domains[i].told.domain == domain &&
	       (process == UINT32_MAX || c->domains[i].told.process == process);
}

#define NAMES_MAX 16u /* of one domain; more are not shown */

static bool is_among(const char *name, const char *const *names, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* The different names, in the order of processes. Returns how many. */
static uint32_t names_of(const struct capture *c, uint32_t process, uint32_t domain, const char *names[NAMES_MAX])
{
	uint32_t count = 0;

	for (uint32_t i = first_of(c, process, domain); is_of(c, i, process, domain) && count < NAMES_MAX; i++)
		if (!is_among(c->domains[i].told.name, names, count))
			names[count++] = c->domains[i].told.name;
	return count;
}

const char *domain_name(const struct capture *c, uint32_t process, uint32_t domain, char room[DOMAIN_NAME_ROOM])
{
	const char *names[NAMES_MAX];
	size_t at = 0;

	if (domain < TRK_DOMAINS_FIXED)
		return fixed[domain];
	const uint32_t count = names_of(c, process, domain, names);
	if (count < 2)
		return count ? names[0] : NULL;
	for (uint32_t i = 0; i < count && at < DOMAIN_NAME_ROOM; i++)
		at += (size_t)snprintf(room + at, DOMAIN_NAME_ROOM - at, "%s%s", i ? " / " : "", names[i]);
	return room;
}

bool domain_has_name(const struct capture *c, uint32_t process, uint32_t domain, const char *name)
{
	if (domain < TRK_DOMAINS_FIXED)
		return strcmp(fixed[domain], name) == 0;
	for (uint32_t i = first_of(c, process, domain); is_of(c, i, process, domain); i++)
		if (strcmp(c->domains[i].told.name, name) == 0)
			return true;
	return false;
}

bool domain_by_name(const struct capture *c, const char *name, uint32_t *ret)
{
	for (uint32_t i = 0; i < TRK_DOMAINS_FIXED; i++)
		if (strcmp(fixed[i], name) == 0) {
			*ret = i;
			return true;
		}
	for (uint32_t i = 0; i < c->domain_count; i++)
		if (strcmp(c->domains[i].told.name, name) == 0) {
			*ret = c->domains[i].told.domain;
			return true;
		}
	return false;
}
