/*
 * named_domains - see named_domains.h. The table is a mapping of fixed size, made with the first name. Signal handlers may use it:
 * nobody waits for anybody, and who finds a name being written leaves it to its writer.
 */
#include "named_domains.h"

#include <stdatomic.h>
#include <string.h>

#include "error.h"
#include "hook.h"
#include "raw.h"
#include "send.h"

struct named {
	_Atomic uint32_t domain; /* 0: free; it has no name of a program */
	_Atomic uint32_t version; /* odd while the name is being written; 0: none was yet */
	char name[TRK_DOMAIN_NAME_MAX + 1];
};

static const size_t whole_pages = (TRK_DOMAIN_NAMES_MAX * sizeof(struct named) / RAW_PAGE_MOST + 1) * RAW_PAGE_MOST;

static _Atomic(struct named *) table; /* NULL: none was named */
static _Atomic bool untold;

static struct named *take_table(void)
{
	struct named *all = atomic_load(&table), *none = NULL;

	if (all)
		return all;
	all = raw_map_private(whole_pages);
	if (all && !atomic_compare_exchange_strong(&table, &none, all)) {
		raw_release(all, whole_pages);
		all = none;
	}
	return all;
}

/* The domain's place. NULL: there is no room, or no memory. */
static struct named *take_place(uint32_t domain)
{
	struct named *const all = take_table();

	for (unsigned i = 0; all && i < TRK_DOMAIN_NAMES_MAX; i++) {
		uint32_t free_place = 0;

		if (atomic_load(&all[i].domain) == domain || atomic_compare_exchange_strong(&all[i].domain, &free_place, domain) ||
		    free_place == domain)
			return &all[i];
	}
	return NULL;
}

static int keep(uint32_t domain, const char *name, size_t bytes)
{
	struct named *const n = take_place(domain);
	uint32_t version;

	_Static_assert(TRK_DOMAIN_NAMES_MAX == 256, "as the sentence says");
	if (!n)
		return error_set(TRACKER_ENOMEM, "the name cannot be kept: 256 domains have names, or there is no memory");
	version = atomic_load(&n->version);
	if (version & 1 || !atomic_compare_exchange_strong(&n->version, &version, version + 1))
		return error_set(TRACKER_EBUSY, "another call is giving this domain a name at this moment");
	memcpy(n->name, name, bytes);
	n->name[bytes] = 0;
	atomic_store(&n->version, version + 2);
	return TRACKER_OK;
}

static bool tell(struct thread *t, const struct named *n)
{
	const uint32_t version = atomic_load(&n->version);
	uint8_t head[2 * TRK_VARINT_MAX], *end;
	char name[TRK_DOMAIN_NAME_MAX + 1];

	if (!version || version & 1)
		return true;
	memcpy(name, n->name, sizeof(name));
	name[TRK_DOMAIN_NAME_MAX] = 0;
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load(&n->version) != version)
		return true;

	const uint32_t bytes = (uint32_t)strlen(name);

	end = put_varint(put_varint(head, atomic_load(&n->domain)), bytes);
	return send_record(t, WIRE_DOMAIN_NAME, head, (uint32_t)(end - head), name, bytes);
}

void named_domains_tell(struct thread *t)
{
	const struct named *const all = atomic_load(&table);
	bool told = true;

	atomic_store(&untold, false);
	for (unsigned i = 0; all && i < TRK_DOMAIN_NAMES_MAX && atomic_load(&all[i].domain); i++)
		told &= tell(t, &all[i]);
	if (!told)
		atomic_store(&untold, true);
}

bool named_domains_are_untold(void)
{
	return atomic_load_explicit(&untold, memory_order_relaxed);
}

void named_domains_forked(void)
{
	atomic_store(&untold, atomic_load(&table) != NULL);
}

static int check(unsigned domain, const char *name)
{
	if (domain < TRK_DOMAINS_FIXED)
		return error_set(TRACKER_EINVAL, "the domains 0 to 3 have fixed names (heap, mmap, shm, fd): a program's own begin with 256");
	if (!name || !name[0])
		return error_set(TRACKER_EINVAL, "the name is NULL or empty");
	if (strnlen(name, TRK_DOMAIN_NAME_MAX + 1) > TRK_DOMAIN_NAME_MAX)
		return error_set(TRACKER_EINVAL, "the name of a domain is longer than 127 bytes");
	return TRACKER_OK;
}

int named_domains_name(unsigned domain, const char *name)
{
	const struct site at = SITE_HERE();
	int code = check(domain, name);
	struct thread *t = NULL;

	if (code == TRACKER_OK)
		code = keep(domain, name, strlen(name));
	if (code != TRACKER_OK)
		return code;
	atomic_store(&untold, true);
	if (hook_start_and_ask() && state.on)
		t = thread_enter(at.sp);
	if (t) {
		named_domains_tell(t);
		thread_leave(t);
	}
	return TRACKER_OK;
}
