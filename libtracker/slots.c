/* slots - see slots.h. */
#include "slots.h"

#include <link.h>
#include <stddef.h>
#include <string.h>

#include "arch.h"
#include "state.h"
#include "raw.h"
#include "symbol.h"

#define NAMES_MAX 128u /* of hooks */
#define REWRITES_MAX 256u /* of one module; if there are more, it is walked once more */
#define ALLOCATOR 4u

extern ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));

/* How many modules had been loaded at the last walk, all in all. 0: hooks are in none, so they are not put into later ones. */
static _Atomic uint64_t hooked;

/* ---- modules that are loaded later ---- */

/* What a library does first is to look for a function in what it has loaded. The loader needs to know who asks, as for dlopen. */
extern void *late_dlsym(void *handle, const char *name) __attribute__((visibility("hidden")));

static int count_loads(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	*(uint64_t *)data = info->dlpi_adds;
	return 1;
}

static uint64_t loads(void)
{
	uint64_t n = 0;

	(void)dl_iterate_phdr(count_loads, &n);
	return n;
}

void slots_of_new_modules(void)
{
	const uint64_t seen = atomic_load_explicit(&hooked, memory_order_relaxed);

	if (unlikely(seen) && loads() != seen)
		slots_look(true);
}

__attribute__((used)) static void *ask_dlsym(void *handle, const char *name)
{
	(void)handle, (void)name;
	slots_of_new_modules();
	return symbol_next("dlsym").address;
}

__asm__(".hidden late_dlsym");
ARCH_PASS_ON(late_dlsym, ask_dlsym);

/* ---- which functions ---- */

/*
 * Those that begin a program or pass on the environment, in which an attached program has nothing; and tracker.h's
 * functions.
 */
static bool is_left_out(const char *name)
{
	static const char names[] = "__libc_start_main\0__asan_default_options\0execve\0execv\0execvp\0execvpe\0execl\0execle\0execlp\0"
				    "fexecve\0execveat\0posix_spawn\0posix_spawnp\0system\0popen\0pclose\0";

	for (const char *at = names; *at; at += strlen(at) + 1)
		if (strcmp(name, at) == 0)
			return true;
	return strncmp(name, "tracker_", strlen("tracker_")) == 0;
}

struct pair {
	uintptr_t hook, real;
};

struct rewrite {
	_Atomic(uintptr_t) *at;
	uintptr_t value;
};

struct walk_over {
	bool hooks; /* they are to be put in; otherwise, the real functions */
	const struct link_map *loader;
	uintptr_t program_start, program_end; /* of the main program */
	struct pair allocator[ALLOCATOR]; /* malloc, free, calloc, realloc */
	struct pair pairs[NAMES_MAX]; /* that were asked for so far */
	unsigned count;
	/* of the present module */
	uintptr_t start, end, relro, relro_end;
	uintptr_t low, high; /* pages of the rewrites that are to be made where the loader has forbidden it; none: high is 0 */
	struct rewrite rewrites[REWRITES_MAX];
	unsigned rewrite_count;
};

static struct pair pair_of(struct walk_over *w, uintptr_t hook, const char *name)
{
	struct pair p = { hook, 0 };

	for (unsigned i = 0; i < w->count; i++)
		if (w->pairs[i].hook == hook)
			return w->pairs[i];
	if (!is_left_out(name))
		p.real = (uintptr_t)symbol_next(name).address;
	if (w->count < NAMES_MAX)
		w->pairs[w->count++] = p;
	return p;
}

static bool within(uintptr_t address, uintptr_t start, uintptr_t end)
{
	return address >= start && address < end;
}

/*
 * A slot that is not bound yet leads to its module's own jump table, and where the main program takes the function's
 * address, other modules' slots may lead to the main program's table. Any other address is that of another function of
 * that name: of an allocator that a module brought for itself.
 */
static bool leads_to(const struct walk_over *w, uintptr_t now, uintptr_t function, bool direct)
{
	if (now == function || direct)
		return now == function;
	if (within(function, w->start, w->end))
		return false;
	return within(now, w->start, w->end) || (within(now, w->program_start, w->program_end) && !within(function, w->program_start, w->program_end));
}

static void put(struct walk_over *w, _Atomic(uintptr_t) *at, uintptr_t value)
{
	if (w->rewrite_count == REWRITES_MAX)
		return;
	if (within((uintptr_t)at, w->relro, w->relro_end)) {
		const uintptr_t page = raw_page_of((uintptr_t)at);

		w->low = !w->high || page < w->low ? page : w->low;
		w->high = page + raw_page_bytes > w->high ? page + raw_page_bytes : w->high;
	}
	w->rewrites[w->rewrite_count++] = (struct rewrite){ at, value };
}

static void visit(const struct symbol_slot *slot, void *data)
{
	struct walk_over *const w = data;
	const struct pair p = pair_of(w, slot->own ? slot->own : (uintptr_t)late_dlsym, slot->name);
	uintptr_t now;

	if (!p.real)
		return;
	now = atomic_load(slot->at);
	if (w->hooks && now != p.hook && leads_to(w, now, p.real, slot->direct))
		put(w, slot->at, p.hook);
	else if (!w->hooks && now == p.hook)
		put(w, slot->at, p.real);
}

static void find_allocator(struct walk_over *w)
{
	static const char names[] = "malloc\0free\0calloc\0realloc\0";
	const char *at = names;

	for (unsigned i = 0; i < ALLOCATOR; i++, at += strlen(at) + 1)
		w->allocator[i] = pair_of(w, symbol_own(at), at);
}

/* The loader keeps the addresses of the functions by which it allocates in variables of its own. */
static void visit_words(struct walk_over *w, const struct dl_phdr_info *info)
{
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *const p = &info->dlpi_phdr[i];
		const uintptr_t end = info->dlpi_addr + p->p_vaddr + p->p_memsz;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_W))
			continue;
		for (uintptr_t at = (info->dlpi_addr + p->p_vaddr + 7) & ~(uintptr_t)7; at + 8 <= end; at += 8)
			for (unsigned k = 0; k < ALLOCATOR; k++) {
				const struct pair a = w->allocator[k];

				if (*(const uintptr_t *)at == (w->hooks ? a.real : a.hook))
					put(w, (void *)at, w->hooks ? a.hook : a.real);
			}
	}
}

/* ---- the walk ---- */

static const ElfW(Dyn) * measure(struct walk_over *w, const struct dl_phdr_info *info)
{
	const ElfW(Dyn) *dynamic = NULL;

	w->start = UINTPTR_MAX;
	w->end = w->relro = w->relro_end = 0;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *const p = &info->dlpi_phdr[i];
		const uintptr_t start = info->dlpi_addr + p->p_vaddr, end = start + p->p_memsz;

		if (p->p_type == PT_LOAD) {
			w->start = start < w->start ? start : w->start;
			w->end = end > w->end ? end : w->end;
		} else if (p->p_type == PT_GNU_RELRO) {
			w->relro = raw_page_of(start);
			w->relro_end = raw_page_of(end);
		} else if (p->p_type == PT_DYNAMIC) {
			dynamic = (const void *)start;
		}
	}
	if (!w->program_end) { /* the first module is the program */
		w->program_start = w->start;
		w->program_end = w->end;
	}
	return dynamic;
}

/* Of a few pages: to let a module's whole part of that kind change, and change back, takes longer than all the rest of a walk. */
static bool allow(const struct walk_over *w, int prot)
{
	return arch_syscall(SYS_mprotect, (long)w->low, (long)(w->high - w->low), prot, 0, 0, 0) == 0;
}

static bool rewrite(struct walk_over *w)
{
	if (w->high && !allow(w, PROT_READ | PROT_WRITE)) {
		w->low = w->relro; /* which is a mapping of its own: no other one is needed */
		w->high = w->relro_end;
		if (!allow(w, PROT_READ | PROT_WRITE))
			return false;
	}
	for (unsigned i = 0; i < w->rewrite_count; i++)
		atomic_store(w->rewrites[i].at, w->rewrites[i].value);
	if (w->high)
		(void)allow(w, PROT_READ);
	return true;
}

static int each_module(struct dl_phdr_info *info, size_t size, void *data)
{
	struct walk_over *const w = data;
	const struct link_map module = { .l_addr = info->dlpi_addr, .l_ld = (ElfW(Dyn) *)measure(w, info) };

	(void)size;
	atomic_store(&hooked, w->hooks ? info->dlpi_adds : 0);
	if (!module.l_ld || module.l_ld == _DYNAMIC)
		return 0;
	do {
		w->rewrite_count = 0;
		w->low = w->high = 0;
		symbol_each_slot(&module, visit, w);
		if (w->loader && w->loader->l_addr == info->dlpi_addr)
			visit_words(w, info);
	} while (rewrite(w) && w->rewrite_count == REWRITES_MAX); /* what was rewritten is not found again */
	return 0;
}

void slots_look(bool hooks)
{
	struct walk_over w;

	w.hooks = hooks;
	w.program_end = w.count = 0;
	w.loader = symbol_next("__tls_get_addr").module;
	find_allocator(&w);
	(void)dl_iterate_phdr(each_module, &w);
}
