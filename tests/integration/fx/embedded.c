/*
 * embedded MODE LIBPYTHON [HOME] - a program that loads an interpreter of Python as a plugin would, by its name alone.
 *
 * unload   three times: loads it, runs Python, finalizes and unloads it, maps memory where it was, and allocates
 * states   a thread whose state another thread deletes allocates without the interpreter's lock
 * others   interpreters beside the first, of threads of their own, that end while others run
 * compiles code without end: more code objects than anything has room for
 *
 * Each block of a size that occurs in Python is allocated as bytearray(SIZE - 1), by functions that are nested as NESTED says.
 */
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#include "truth.h"

static void *python;

static void *function(const char *name)
{
	void *const f = dlsym(python, name);

	must(f != NULL, name);
	return f;
}

#define CALL(type, name, ...) ((type(*)())(uintptr_t)function(name))(__VA_ARGS__)

static void load(const char *path, const char *home)
{
	static wchar_t wide[4096];

	python = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
	must(python != NULL, "dlopen");
	if (home) {
		must(mbstowcs(wide, home, 4095) < 4095, "the home");
		CALL(void, "Py_SetPythonHome", wide);
	}
	CALL(void, "Py_InitializeEx", 0);
}

static void run(const char *text)
{
	must(CALL(int, "PyRun_SimpleString", text) == 0, "Python");
}

/* ---- unload ---- */

struct place {
	const char *name;
	uintptr_t start, end;
};

static int where(struct dl_phdr_info *info, size_t size, void *place)
{
	struct place *const p = place;

	(void)size;
	if (strcmp(info->dlpi_name, p->name) != 0)
		return 0;
	p->start = info->dlpi_addr & ~(uintptr_t)4095;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz > p->end)
			p->end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
	return 1;
}

static void unload(const char *path, const char *home)
{
	for (int i = 0; i < 3; i++) {
		struct place p = { .name = path };
		struct link_map *l;

		load(path, home);
		must(dlinfo(python, RTLD_DI_LINKMAP, &l) == 0, "dlinfo");
		p.name = l->l_name;
		must(dl_iterate_phdr(where, &p) == 1, "the library's place");
		run("def inner(): return bytearray(20000)\n"
		    "def outer():\n"
		    "    for _ in range(10): inner()\n"
		    "outer()\n");
		must(CALL(int, "Py_FinalizeEx") == 0, "Py_FinalizeEx");
		must(dlclose(python) == 0, "dlclose");
		p.end = (p.end + 4095) & ~(uintptr_t)4095;
		if (mmap((void *)p.start, p.end - p.start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
		    (void *)p.start)
			printf("stays\n");
		else
			memset((void *)p.start, 0x5a, p.end - p.start);
		for (int k = 0; k < 1000; k++)
			free(keep(malloc(3000)));
		munmap((void *)p.start, p.end - p.start);
	}
}

/* ---- states ---- */

static _Atomic int step;

static void wait_for(int s)
{
	while (atomic_load(&step) < s)
		sched_yield();
}

/* Has a state of its own, which others delete while it allocates. */
static void *deleted(void *ret_state)
{
	const int held = CALL(int, "PyGILState_Ensure");

	(void)held;
	run("def of_thread(): return bytearray(30000)\nof_thread()\n");
	*(void **)ret_state = CALL(void *, "PyEval_SaveThread");
	atomic_fetch_add(&step, 1);
	while (atomic_load(&step) < 1000) {
		for (int i = 0; i < 100; i++)
			free(keep(malloc(3000 + (size_t)i)));
		usleep(100);
	}
	return NULL;
}

static void states(const char *path, const char *home)
{
	pthread_t thread[4];
	void *state[4], *main_state, *other[64];

	load(path, home);
	main_state = CALL(void *, "PyEval_SaveThread");
	for (int i = 0; i < 4; i++) {
		must(pthread_create(&thread[i], NULL, deleted, &state[i]) == 0, "a thread");
		wait_for(i + 1);
	}
	for (int i = 0; i < 4; i++) {
		CALL(void, "PyEval_RestoreThread", main_state);
		CALL(void, "PyThreadState_Clear", state[i]);
		CALL(void, "PyThreadState_Delete", state[i]);
		main_state = CALL(void *, "PyEval_SaveThread");
		/* its memory becomes something else */
		for (int k = 0; k < 64; k++)
			memset(other[k] = malloc(200 + 16 * (size_t)k), 0x77, 200 + 16 * (size_t)k);
		usleep(2000);
		for (int k = 0; k < 64; k++)
			free(other[k]);
	}
	atomic_store(&step, 1000);
	for (int i = 0; i < 4; i++)
		must(pthread_join(thread[i], NULL) == 0, "join");
	CALL(void, "PyEval_RestoreThread", main_state);
	run("bytearray(40000)");
	must(CALL(int, "Py_FinalizeEx") == 0, "Py_FinalizeEx");
}

/* ---- others ---- */

static void others(const char *path, const char *home)
{
	load(path, home);
	for (int i = 0; i < 5; i++) {
		void *const main_state = CALL(void *, "PyThreadState_Get");
		void *const other = CALL(void *, "Py_NewInterpreter");

		must(other != NULL, "Py_NewInterpreter");
		run("def inner(): return bytearray(50000)\n"
		    "def outer():\n"
		    "    for _ in range(10): inner()\n"
		    "outer()\n");
		CALL(void, "Py_EndInterpreter", other);
		CALL(void *, "PyThreadState_Swap", main_state);
		run("def inner(): return bytearray(20000)\n"
		    "def outer():\n"
		    "    for _ in range(10): inner()\n"
		    "outer()\n");
	}
	must(CALL(int, "Py_FinalizeEx") == 0, "Py_FinalizeEx");
}

/* ---- compiles ---- */

static void compiles(const char *path, const char *home)
{
	load(path, home);
	run("kept = []\n"
	    "text = 'def inner(): return bytearray(20000)\\ndef outer(): return inner()\\n'\n"
	    "for i in range(70000):\n"
	    "    names = {}\n"
	    "    exec(compile(text, 'made.py', 'exec'), names)\n"
	    "    names['outer']()\n"
	    "    kept.append(names)\n");
	must(CALL(int, "Py_FinalizeEx") == 0, "Py_FinalizeEx");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const char *path, const char *home);
	} modes[] = { { "unload", unload }, { "states", states }, { "others", others }, { "compiles", compiles } };

	must(argc > 2, "usage");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(argv[1], modes[i].name) == 0) {
			modes[i].run(argv[2], argv[3]);
			printf("ended well\n");
			return 0;
		}
	return 1;
}
