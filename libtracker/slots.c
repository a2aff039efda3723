/* slots - see slots.h. */
#include "slots.h"

#include <link.h>
#include <stddef.h>
#include <string.h>

#include "hook.h"
#include "raw.h"
#include "symbol.h"

#define NAMES_MAX 192u /* of hooks: on the stack, for one walk */

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

struct walk_over {
	bool hooks; /* they are to be put in; otherwise, the real functions */
	bool writes;
	bool protects; /* a slot that is to be written lies where the loader has forbidden it */
	const struct link_map *loader;
	uintptr_t program_start, program_end; /* of the main program */
	/* of the present module */
	uintptr_t start, end, relro, relro_end;
	struct pair pairs[NAMES_MAX]; /* that were asked for so far */
	unsigned count;
};

static struct pair find(struct walk_over *w, const char *name)
{
	struct pair p = { strcmp(name, "dlsym") == 0 ? (uintptr_t)late_dlsym : is_left_out(name) ? 0 :
												   (uintptr_t)symbol_own(name),
			  0 };

	for (unsigned i = 0; i < w->count && p.hook; i++)
		if (w->pairs[i].hook == p.hook)
			return w->pairs[i];
	p.real = p.hook ? (uintptr_t)symbol_next(name).address : 0;
	if (p.hook && w->count < NAMES_MAX)
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

static void put(struct walk_over *w, _Atomic(uintptr_t) *slot, uintptr_t value)
{
	w->protects |= within((uintptr_t)slot, w->relro, w->relro_end);
	if (w->writes)
		atomic_store(slot, value);
}

static void visit(_Atomic(uintptr_t) *slot, const char *name, bool direct, void *data)
{
	struct walk_over *const w = data;
	const struct pair p = find(w, name);
	uintptr_t now;

	if (!p.hook || !p.real)
		return;
	now = atomic_load(slot);
	if (w->hooks && now != p.hook && leads_to(w, now, p.real, direct))
		put(w, slot, p.hook);
	else if (!w->hooks && now == p.hook)
		put(w, slot, p.real);
}

/* The loader keeps the addresses of the functions by which it allocates in variables of its own. */
static void visit_word(struct walk_over *w, _Atomic(uintptr_t) *word)
{
	static const char names[] = "malloc\0free\0calloc\0realloc\0";
	const uintptr_t now = atomic_load(word);

	for (const char *at = names; *at && now; at += strlen(at) + 1) {
		const struct pair p = find(w, at);

		if (now == (w->hooks ? p.real : p.hook))
			put(w, word, w->hooks ? p.hook : p.real);
	}
}

static void visit_words(struct walk_over *w, const struct dl_phdr_info *info)
{
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *const p = &info->dlpi_phdr[i];
		const uintptr_t start = (info->dlpi_addr + p->p_vaddr + 7) & ~(uintptr_t)7, end = info->dlpi_addr + p->p_vaddr + p->p_memsz;

		if (p->p_type == PT_LOAD && p->p_flags & PF_W)
			for (uintptr_t at = start; at + 8 <= end; at += 8)
				visit_word(w, (void *)at);
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

static void pass(struct walk_over *w, const struct dl_phdr_info *info, const struct link_map *module, bool writes)
{
	w->writes = writes;
	symbol_each_slot(module, visit, w);
	if (w->loader && w->loader->l_addr == info->dlpi_addr)
		visit_words(w, info);
}

static bool allow(const struct walk_over *w, int prot)
{
	return arch_syscall(SYS_mprotect, (long)w->relro, (long)(w->relro_end - w->relro), prot, 0, 0, 0) == 0;
}

static int each_module(struct dl_phdr_info *info, size_t size, void *data)
{
	struct walk_over *const w = data;
	const struct link_map module = { .l_addr = info->dlpi_addr, .l_ld = (ElfW(Dyn) *)measure(w, info) };

	(void)size;
	atomic_store(&hooked, w->hooks ? info->dlpi_adds : 0);
	if (!module.l_ld || module.l_ld == _DYNAMIC)
		return 0;
	w->protects = false;
	pass(w, info, &module, false);
	if (w->protects && !allow(w, PROT_READ | PROT_WRITE))
		return 0;
	const bool protects = w->protects;

	pass(w, info, &module, true);
	if (protects)
		(void)allow(w, PROT_READ);
	return 0;
}

void slots_look(bool hooks)
{
	struct walk_over w = { .hooks = hooks };

	w.loader = symbol_next("__tls_get_addr").module;
	(void)dl_iterate_phdr(each_module, &w);
}
