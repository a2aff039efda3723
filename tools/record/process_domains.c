/* process_domains - see process_domains.h. */
#include "process_domains.h"

#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "format/array.h"
#include "own_capture.h"

#define RECORD_BYTES 64u /* of a record in the file without its name, and its part of a block */

struct named {
	uint32_t domain;
	bool is_written; /* under the process's index; otherwise it is its parent's name, and was not told by itself */
	char name[TRK_DOMAIN_NAME_MAX + 1];
};

struct process_domains {
	struct named *list;
	uint32_t count, room;
};

static struct named *find(const struct process_domains *all, uint32_t domain)
{
	for (uint32_t i = 0; i < all->count; i++)
		if (all->list[i].domain == domain)
			return &all->list[i];
	return NULL;
}

/* NULL: there is no memory, or there are too many. */
static struct named *take_place(struct process *p, uint32_t domain)
{
	struct process_domains *all = p->domains;
	struct named *n;

	if (!all)
		all = p->domains = calloc(1, sizeof(*all));
	n = all ? find(all, domain) : NULL;
	if (n || !all || all->count == TRK_DOMAIN_NAMES_MAX || !ARRAY_ROOM(all->list, all->room, all->count + 1, 8))
		return n;
	n = &all->list[all->count++];
	*n = (struct named){ .domain = domain };
	return n;
}

static void write_name(struct writer *w, const struct named *n, uint32_t index, uint32_t execs)
{
	writer_domain(w, &(struct trk_domain){ .process = index, .execs = execs, .domain = n->domain, .name = n->name });
}

void process_domains_told(struct recorder *r, struct process *p, uint32_t domain, const char *name, uint32_t bytes)
{
	const size_t length = strnlen(name, bytes); /* libtracker sends no zeros, but another may */
	struct named *const n = length ? take_place(p, domain) : NULL;

	if (!length)
		return;
	if (!n) {
		r->out_of_memory |= !p->domains || p->domains->count < TRK_DOMAIN_NAMES_MAX;
		return;
	}
	if (n->is_written && strlen(n->name) == length && memcmp(n->name, name, length) == 0)
		return;
	memcpy(n->name, name, length);
	n->name[length] = 0;
	n->is_written = true;
	bounds_take(r, RECORD_BYTES + (uint32_t)length);
	write_name(r->writer, n, p->index, p->execs);
	if (p->capture)
		own_capture_domain(p->capture, domain, n->name);
}

void process_domains_write(struct writer *w, const struct process *p, uint32_t index)
{
	for (uint32_t i = 0; p->domains && i < p->domains->count; i++)
		write_name(w, &p->domains->list[i], index, 0);
}

bool process_domains_fork(struct process *child, const struct process *parent)
{
	bool all = true;

	for (uint32_t i = 0; parent->domains && i < parent->domains->count; i++) {
		struct named *const n = take_place(child, parent->domains->list[i].domain);

		if (n) {
			*n = parent->domains->list[i];
			n->is_written = false;
		}
		all &= n != NULL;
	}
	return all;
}

void process_domains_free(struct process *p)
{
	if (p->domains)
		free(p->domains->list);
	free(p->domains);
	p->domains = NULL;
}
