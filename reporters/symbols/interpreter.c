/* interpreter - see interpreter.h. */
#include "symbols/interpreter.h"

#include <stdlib.h>
#include <string.h>

enum part {
	NONE,
	API, /* functions of the names that CPython's have */
	WHOLE,
};

struct interpreter {
	const struct capture *capture;
	uint32_t module_count;
	uint8_t parts[]; /* enum part, by module */
};

static bool starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static enum part part_of(const char *path)
{
	const char *const slash = strrchr(path, '/'), *const name = slash ? slash + 1 : path;

	return starts(name, "python") || starts(name, "libpython") ? WHOLE : API;
}

static bool is_python(const struct capture *c, uint32_t module)
{
	return c->modules[module].flags & TRK_MODULE_PYTHON;
}

int interpreter_new(struct interpreter **ret, const struct capture *c)
{
	bool any = false;

	*ret = NULL;
	for (uint32_t i = 1; i < c->module_count && !any; i++)
		any = is_python(c, i);
	if (!any)
		return 0;
	*ret = calloc(1, sizeof(**ret) + c->module_count + 1);
	if (!*ret)
		return TRK_ERR_NOMEM;
	(*ret)->capture = c;
	(*ret)->module_count = c->module_count;
	/* The standard library's own extensions are the interpreter's: some builds have them in its file. */
	for (uint32_t i = 1; i < c->module_count; i++)
		(*ret)->parts[i] = strstr(c->modules[i].path, "/lib-dynload/") ? WHOLE : NONE;
	for (uint32_t i = 1; i < c->node_count; i++) {
		const uint32_t module = c->frames[c->nodes[i].frame].module, caller = c->frames[c->nodes[c->nodes[i].parent].frame].module;

		if (module && caller && is_python(c, caller) && !is_python(c, module) && !(*ret)->parts[module])
			(*ret)->parts[module] = (uint8_t)part_of(c->modules[module].path);
	}
	return 0;
}

void interpreter_free(struct interpreter *p)
{
	free(p);
}

/* A program that an interpreter was linked into has other code, too. */
static bool owns(const struct interpreter *p, uint32_t module, const char *function)
{
	return p->parts[module] == WHOLE || (p->parts[module] == API && (starts(function, "Py") || starts(function, "_Py")));
}

/* The functions behind "import", which Python's own tracebacks leave out, too. */
static bool imports(const struct source_frame *f)
{
	return f->python && starts(f->file, "<frozen importlib._bootstrap");
}

void interpreter_mark(const struct interpreter *p, uint32_t module, struct source_frame *frames, size_t n)
{
	for (size_t i = 0; i < n && module < p->module_count; i++) {
		frames[i].python = is_python(p->capture, module);
		frames[i].interpreter = owns(p, module, frames[i].function) || imports(&frames[i]);
	}
}

bool interpreter_runs(const struct interpreter *p, uint32_t frame)
{
	return is_python(p->capture, p->capture->frames[frame].module);
}

/* What has started the interpreter before its first Python frame: the C library's main and threads. It belongs to a program that is an interpreter. */
static void mark_start(struct source_frame *frames, size_t n)
{
	bool interpreter = false;
	size_t i = n;

	while (i > 0 && !frames[i - 1].python && (frames[i - 1].interpreter || stacks_is_runtime(&frames[i - 1])))
		interpreter |= frames[--i].interpreter;
	if (!interpreter || !i || !frames[i - 1].python)
		return;
	while (i < n)
		frames[i++].interpreter = true;
}

bool interpreter_passes(const struct source_frame *f)
{
	return !f->python && (f->interpreter || ((f->placeholder || !*f->function) && !f->has_source && !f->cut));
}

size_t interpreter_hide(struct source_frame *frames, size_t n, bool keep)
{
	bool python = false, leads = true;
	const char *via = NULL; /* the code without a name that the interpreter has called */
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		python |= frames[i].python;
	mark_start(frames, n);
	for (size_t i = 0; i < n; i++) {
		struct source_frame f = frames[i];

		if (leads && f.python && !f.skipped) /* the line that allocates, even one behind an import */
			f.interpreter = false;
		f.interpreter &= python;
		if (leads && python && interpreter_passes(&f)) {
			f.skipped = true;
			via = f.interpreter ? via : f.function;
			f.as_via = via && *via ? via : NULL;
		}
		leads &= f.skipped;
		if (!f.interpreter || leads || keep)
			frames[kept++] = f;
	}
	return kept;
}
