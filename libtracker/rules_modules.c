/* rules_modules - the modules for which rules were made and of which the recorder was told. */
#include "rules_private.h"

#include <link.h>
#include <string.h>

#include "cfi.h"
#include "directory.h"
#include "headers.h"
#include "linger.h"
#include "python_frames.h"
#include "send.h"

#define PATH_BYTES_MAX 3072u /* a module's record must fit a chunk */
#define MODULE_CLAIMED 1u /* as a start: a thread is filling this entry, or clears up after its module */

struct rules_module *rules_modules;
static _Atomic uint32_t module_count; /* entries ever used */

static uint32_t modules_used(void)
{
	const uint32_t n = atomic_load_explicit(&module_count, memory_order_acquire);

	return n < RULES_MODULES ? n : RULES_MODULES;
}

bool rules_knows_module(const struct cfi_module *m)
{
	for (uint32_t i = modules_used(); i-- > 0;)
		if (atomic_load_explicit(&rules_modules[i].start, memory_order_acquire) == m->start &&
		    rules_modules[i].end == m->end && rules_modules[i].link_map == m->link_map)
			return true;
	return false;
}

bool rules_is_of_module(uintptr_t pc)
{
	for (uint32_t i = 0, n = modules_used(); i < n; i++) {
		const uintptr_t start = atomic_load_explicit(&rules_modules[i].start, memory_order_acquire);

		if (start > MODULE_CLAIMED && pc > start && pc <= rules_modules[i].end)
			return true;
	}
	return false;
}

uint32_t rules_hash_of_name(const char *path)
{
	const char *const slash = strrchr(path, '/');
	uint32_t h = 5381;

	for (const char *p = slash ? slash + 1 : path; *p; p++)
		h = h * 33 + (uint8_t)*p;
	return h ? h : 1;
}

bool rules_knows_file(uint32_t name_hash)
{
	for (uint32_t i = 0, n = modules_used(); i < n; i++)
		if (atomic_load_explicit(&rules_modules[i].start, memory_order_acquire) > MODULE_CLAIMED &&
		    rules_modules[i].name_hash == name_hash)
			return true;
	return false;
}

/* Returns the hash of its name. */
static uint32_t module_tell(struct thread *t, const struct cfi_module *m)
{
	const struct link_map *const l = m->link_map;
	struct wire_record r = { .start = m->start, .end = m->end };
	uint32_t directory_bytes = 0;
	const char *directory;

	if (l) {
		r.bias = l->l_addr;
		r.text = l->l_name;
		if (!l->l_name || !l->l_name[0]) {
			r.text = state.executable;
			r.module_flags = 1;
		} else if (strcmp(l->l_name, "linux-vdso.so.1") == 0) {
			r.module_flags = 2;
		}
	}
	if (!r.text)
		r.text = "";
	r.text_bytes = (uint32_t)strnlen(r.text, PATH_BYTES_MAX);

	const struct headers h = headers_of(m);

	r.build_id = headers_build_id(&h, &r.build_id_bytes);
	directory = r.text[0] && r.text[0] != '/' && !(r.module_flags & 2) ? directory_now(&directory_bytes) : "";
	if (directory_bytes + r.text_bytes > PATH_BYTES_MAX)
		directory_bytes = 0;
	const uint32_t name_hash = rules_hash_of_name(r.text);

	if (send_module(t, &r, directory, directory_bytes))
		linger_told(name_hash);
	return name_hash;
}

/* A free entry, claimed. NULL: so many modules are loaded at once. */
static struct rules_module *module_entry(void)
{
	for (uint32_t i = 0; i < RULES_MODULES; i++) {
		uintptr_t none = 0;
		uint32_t used = i;

		if (!atomic_compare_exchange_strong(&rules_modules[i].start, &none, MODULE_CLAIMED))
			continue;
		while (used <= i && !atomic_compare_exchange_weak(&module_count, &used, i + 1))
			;
		return &rules_modules[i];
	}
	return NULL;
}

void rules_add_module(struct thread *t, const struct cfi_module *m)
{
	const uint32_t hash = module_tell(t, m);

	python_met(m->link_map);

	struct rules_module *const entry = module_entry();

	if (!entry) {
		atomic_fetch_add(&state.process->modules_lost, 1);
		return;
	}
	entry->end = m->end;
	entry->link_map = m->link_map;
	entry->name_hash = hash;
	atomic_store_explicit(&entry->start, m->start, memory_order_release);
}

void rules_announce(struct thread *t)
{
	linger_forked();
	for (uint32_t i = 0, n = modules_used(); i < n; i++) {
		struct cfi_module m = { .start = rules_modules[i].start };

		/* A module that went away unnoticed has no link map to read any more. */
		if (m.start > MODULE_CLAIMED && cfi_module_at(m.start, &m) && m.link_map == rules_modules[i].link_map)
			(void)module_tell(t, &m);
	}
}

/* Forgets what is known of a module, and frees its entry. Another thread may be doing the same. */
static void module_drop(struct rules_module *m, uintptr_t start, uintptr_t end)
{
	if (!atomic_compare_exchange_strong(&m->start, &start, MODULE_CLAIMED))
		return;
	rules_forget(start, end);
	atomic_store_explicit(&m->start, 0, memory_order_release);
}

bool rules_forget_unloaded(void)
{
	bool any = false;

	for (uint32_t i = 0, n = modules_used(); i < n; i++) {
		const uintptr_t start = atomic_load_explicit(&rules_modules[i].start, memory_order_acquire);
		const uintptr_t end = rules_modules[i].end;
		struct cfi_module now;

		if (start <= MODULE_CLAIMED || (cfi_module_at(start, &now) && now.link_map == rules_modules[i].link_map &&
						now.start == start && now.end == end))
			continue;
		module_drop(&rules_modules[i], start, end);
		any = true;
	}
	return any;
}

void rules_drop_overlapped(const struct cfi_module *m)
{
	for (uint32_t i = 0, n = modules_used(); i < n; i++) {
		const uintptr_t start = atomic_load_explicit(&rules_modules[i].start, memory_order_acquire);
		const uintptr_t end = rules_modules[i].end;

		if (start <= MODULE_CLAIMED || start >= m->end || end <= m->start)
			continue;
		module_drop(&rules_modules[i], start, end);
		atomic_fetch_add(&state.code_generation, 1);
	}
}
