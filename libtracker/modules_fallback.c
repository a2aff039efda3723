#include "modules_fallback.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "maps.h"
#include "raw.h"

#define KNOWN_MAX 2048u

/* `start`: 0 free, 1 being filled; it is published last. Entries are found by it and never move. */
struct known {
	_Atomic uintptr_t start;
	uintptr_t end;
	uint64_t device, inode;
	const uint8_t *eh_frame_hdr;
	struct link_map map;
	char path[MAPS_PATH_BYTES];
};

static struct known *_Atomic table;
static _Atomic uint32_t known_high; /* entries at and above were never used */

static bool is_first_of_file(const struct maps_line *l)
{
	return l->readable && l->offset == 0 && l->path[0] && (l->inode || l->path[0] == '[');
}

/* The line at which the module begins that has pc in its code: the first line of the same file. */
static bool find_lines(uintptr_t pc, struct maps_line *first)
{
	struct maps m;
	struct maps_line l;
	bool found = false;

	if (!maps_open(&m))
		return false;
	first->path[0] = '\0';
	while (!found && maps_next(&m, &l) && l.start <= pc) {
		if (is_first_of_file(&l))
			*first = l;
		found = pc < l.end && l.executable && first->path[0] &&
			l.device == first->device && l.inode == first->inode &&
			strcmp(l.path, first->path) == 0;
	}
	maps_close(&m);
	return found;
}

/* ---- a module's headers ---- */

/* Mapped from `first` on. Reads only what the pc that asks for it shows to be in use. */
static bool read_headers(const struct maps_line *first, struct known *k)
{
	const uintptr_t room = first->end - first->start;
	const ElfW(Ehdr) *const e = (const void *)first->start;
	const ElfW(Phdr) *const h = (const void *)(first->start + e->e_phoff);
	uintptr_t low = UINTPTR_MAX, high = 0;

	if (memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 || e->e_phentsize != sizeof(*h) ||
	    e->e_phoff > room || e->e_phnum * sizeof(*h) > room - e->e_phoff)
		return false;
	for (unsigned i = 0; i < e->e_phnum; i++) {
		if (h[i].p_type != PT_LOAD)
			continue;
		low = h[i].p_vaddr < low ? raw_page_of(h[i].p_vaddr) : low;
		high = h[i].p_vaddr + h[i].p_memsz > high ? h[i].p_vaddr + h[i].p_memsz : high;
	}
	if (low >= high)
		return false;
	k->map.l_addr = first->start - low;
	k->end = k->map.l_addr + high;
	for (unsigned i = 0; i < e->e_phnum; i++) {
		if (h[i].p_type == PT_GNU_EH_FRAME)
			k->eh_frame_hdr = (const void *)(k->map.l_addr + h[i].p_vaddr);
		else if (h[i].p_type == PT_DYNAMIC)
			k->map.l_ld = (void *)(k->map.l_addr + h[i].p_vaddr);
	}
	return true;
}

/* The names that the C library gives. */
static void set_name(const struct maps_line *first, struct known *k)
{
	const uintptr_t program = (uintptr_t)state.program_headers;
	const char *name = first->path;

	if (program >= first->start && program < k->end)
		name = "";
	else if (strcmp(name, "[vdso]") == 0)
		name = "linux-vdso.so.1";
	memcpy(k->path, name, strnlen(name, MAPS_PATH_BYTES - 1) + 1);
	k->map.l_name = k->path;
}

/* ---- the table ---- */

static struct known *get_table(void)
{
	struct known *t = atomic_load_explicit(&table, memory_order_acquire), *expected = NULL;

	if (t)
		return t;
	t = raw_map_private(KNOWN_MAX * sizeof(*t));
	if (!t || atomic_compare_exchange_strong(&table, &expected, t))
		return t;
	raw_release(t, KNOWN_MAX * sizeof(*t));
	return expected;
}

static struct known *claim(struct known *t)
{
	for (uint32_t i = 0; i < KNOWN_MAX; i++) {
		uint32_t high = atomic_load(&known_high);
		uintptr_t expected = 0;

		if (!atomic_compare_exchange_strong(&t[i].start, &expected, 1))
			continue;
		while (high <= i && !atomic_compare_exchange_weak(&known_high, &high, i + 1))
			;
		return &t[i];
	}
	return NULL;
}

/* A module that stood where `k` is now went away unnoticed. */
static void forget_overlapped(struct known *t, const struct known *k, uintptr_t start)
{
	const uint32_t high = atomic_load(&known_high);

	for (uint32_t i = 0; i < high; i++) {
		uintptr_t at = atomic_load(&t[i].start);
		const bool same = at == start && t[i].inode == k->inode && t[i].device == k->device;

		if (at > 1 && at < k->end && t[i].end > start && !same)
			atomic_compare_exchange_strong(&t[i].start, &at, 0);
	}
}

static bool learn(struct known *t, uintptr_t pc)
{
	struct maps_line first;
	struct known *k;

	if (!find_lines(pc, &first) || !(k = claim(t)))
		return false;
	k->device = first.device;
	k->inode = first.inode;
	k->eh_frame_hdr = NULL;
	memset(&k->map, 0, sizeof(k->map));
	if (!read_headers(&first, k)) {
		atomic_store(&k->start, 0);
		return false;
	}
	set_name(&first, k);
	forget_overlapped(t, k, first.start);
	atomic_store_explicit(&k->start, first.start, memory_order_release);
	return true;
}

/* Two threads may have found the same module at once: the lower entry counts. */
static bool look_up(const struct known *t, uintptr_t pc, struct cfi_module *ret)
{
	const uint32_t high = atomic_load_explicit(&known_high, memory_order_acquire);

	for (uint32_t i = 0; i < high; i++) {
		const uintptr_t start = atomic_load_explicit(&t[i].start, memory_order_acquire);

		if (start <= 1 || pc < start || pc >= t[i].end)
			continue;
		*ret = (struct cfi_module){ .start = start, .end = t[i].end, .link_map = &t[i].map, .eh_frame_hdr = t[i].eh_frame_hdr };
		return true;
	}
	return false;
}

bool modules_fallback_find(uintptr_t pc, struct cfi_module *ret)
{
	struct known *const t = get_table();

	return t && (look_up(t, pc, ret) || (learn(t, pc) && look_up(t, pc, ret)));
}

/* ---- unloading ---- */

void modules_fallback_forget_unloaded(void)
{
	struct known *const t = atomic_load_explicit(&table, memory_order_acquire);
	struct maps m;
	uint64_t there[KNOWN_MAX / 64] = { 0 };
	const uint32_t high = atomic_load(&known_high);
	struct maps_line l;

	if (!t || !maps_open(&m))
		return;
	while (maps_next(&m, &l))
		for (uint32_t i = 0; is_first_of_file(&l) && i < high; i++)
			if (t[i].start == l.start && t[i].device == l.device && t[i].inode == l.inode)
				there[i / 64] |= 1ull << i % 64;
	maps_close(&m);
	for (uint32_t i = 0; i < high; i++) {
		uintptr_t start = atomic_load(&t[i].start);

		if (start > 1 && !(there[i / 64] >> i % 64 & 1))
			atomic_compare_exchange_strong(&t[i].start, &start, 0);
	}
}
