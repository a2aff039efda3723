/* python - see python.h. */
#include "report/python.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARE_PERCENT 10u

/* Of a stack: whether the interpreter, or code that it made for a Python function, is in it. */
enum stack_flag {
	INTERPRETER = 1,
	NAMED = 2,
};

struct search {
	const struct capture *capture;
	uint8_t *modules; /* INTERPRETER, by id */
	uint8_t *nodes; /* enum stack_flag, by id */
};

/* "python3.11", "libpython3.12.so.1.0": 11, 12; 0: it is not the interpreter. */
static int minor_version(const char *path)
{
	const char *const slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	int minor = 0;

	if (strncmp(name, "lib", 3) == 0)
		name += 3;
	return sscanf(name, "python3.%d", &minor) == 1 && minor > 0 && minor < 1000 ? minor : 0;
}

/* The trampolines of -X perf have names "py::FUNCTION:FILE". */
static bool is_python_function(const struct capture *c, const struct cap_frame *f)
{
	if (f->symbol_count == UINT32_MAX || !(c->modules[f->module].flags & TRK_MODULE_MADE))
		return false;
	for (uint32_t i = 0; i < f->symbol_count; i++)
		if (strncmp(c->strings[c->symbols[f->first_symbol + i].function], "py::", 4) == 0)
			return true;
	return false;
}

static uint8_t flags_of_frame(const struct search *s, uint32_t node)
{
	const struct cap_frame *const f = &s->capture->frames[s->capture->nodes[node].frame];

	return (uint8_t)(s->modules[f->module] | (is_python_function(s->capture, f) ? NAMED : 0));
}

/* What a stack has its callers have, or its last frame. Nodes come behind their parents. */
static void mark_nodes(const struct search *s)
{
	const struct capture *const c = s->capture;

	for (uint32_t i = 1; i < c->node_count; i++)
		s->nodes[i] = flags_of_frame(s, i) | s->nodes[c->nodes[i].parent];
}

static bool weighs(const struct search *s, const struct view *v)
{
	uint64_t bytes = 0;

	mark_nodes(s);
	for (size_t i = 0; i < v->row_count; i++) {
		const uint8_t flags = s->nodes[v->rows[i].node];

		if (flags & NAMED)
			return false;
		bytes += flags & INTERPRETER ? v->rows[i].bytes : 0;
	}
	return bytes && bytes >= v->bytes / 100 * SHARE_PERCENT;
}

int python_unread(const struct capture *c, const struct view *v)
{
	struct search s = { c, calloc((size_t)c->module_count + 1, 1), calloc((size_t)c->node_count + 1, 1) };
	int minor = 0;

	if (!s.modules || !s.nodes) {
		minor = TRK_ERR_NOMEM;
		goto out;
	}
	for (uint32_t i = 1; i < c->module_count; i++) {
		if (c->modules[i].flags & TRK_MODULE_PYTHON) { /* the recorder has read its frames */
			minor = 0;
			goto out;
		}
		const int version = minor_version(c->modules[i].path);

		s.modules[i] = version ? INTERPRETER : 0;
		minor = version ? version : minor;
	}
	if (minor && !weighs(&s, v))
		minor = 0;
out:
	free(s.modules);
	free(s.nodes);
	return minor;
}
