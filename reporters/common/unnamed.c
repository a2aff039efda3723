/* unnamed - see unnamed.h. */
#include "common/unnamed.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/group.h"
#include "symbols/debug_link.h"
#include "symbols/made_code.h"
#include "symbols/package.h"

/* If fewer bytes are concerned, nothing is said. */
#define SHARE_PERCENT 10u

void unnamed_begin(struct unnamed *u, const struct capture *c)
{
	*u = (struct unnamed){ 0 };
	u->by_module = calloc((size_t)c->module_count + 1, sizeof(*u->by_module));
}

void unnamed_add(struct unnamed *u, const struct capture *c, struct stacks *s, uint32_t node, uint64_t bytes)
{
	const struct source_frame *const top = stacks_top(s, node);
	const uint32_t module = top->frame < c->frame_count ? c->frames[top->frame].module : 0;

	u->all += bytes;
	if (!bytes || !u->by_module || !module || (*top->function && !top->placeholder))
		return;
	u->bytes += bytes;
	u->modules += !u->by_module[module];
	u->by_module[module] += bytes;
	if (u->by_module[module] > u->module_bytes) {
		u->module = module;
		u->module_bytes = u->by_module[module];
	}
}

void unnamed_end(struct unnamed *u, const struct stacks *s)
{
	if (u->module)
		u->names = stacks_names(s, u->module);
	free(u->by_module);
	u->by_module = NULL;
}

void unnamed_find(struct unnamed *u, const struct capture *c, struct stacks *s, const struct view *v,
		  const struct filters *filters)
{
	unnamed_begin(u, c);
	for (size_t i = 0; i < v->row_count; i++) {
		if (group_passes(s, filters, &v->rows[i]))
			unnamed_add(u, c, s, v->rows[i].node, v->rows[i].bytes);
	}
	unnamed_end(u, s);
}

static bool is_worth_a_line(const struct unnamed *u)
{
	return u->module && (double)u->bytes * 100 > (double)u->all * SHARE_PERCENT;
}

static double percent(uint64_t bytes, const struct unnamed *u)
{
	return 100.0 * (double)bytes / (double)u->all;
}

/* Where the names could come from, for people who can install and rebuild. */
static void advise_stripped(const struct trk_module *m, char *buf, size_t room)
{
	const char *const servers = getenv("DEBUGINFOD_URLS");
	const char *const other = servers && *servers ? "" : ", or set DEBUGINFOD_URLS";
	char package[NAME_MAX + 1], file[NAME_MAX + 1];
	const bool missing = debug_link_missing(m->path, m->build_id, m->build_id_bytes, file, sizeof(file));

	if (package_of_names("", m->path, package, sizeof(package)))
		snprintf(buf, room, "apt install %s%s%.128s%s", package, missing ? ", which brings " : "", missing ? file : "", other);
	else
		snprintf(buf, room, "put its debug file%s%.128s beside it, or build it with -g and without strip%s", missing ? " " : "",
			 missing ? file : "", other);
}

/* What the user can do so that the module's functions have names. */
static void advise(const struct unnamed *u, const struct capture *c, char *buf, size_t room)
{
	const struct trk_module *const m = &c->modules[u->module];

	if (m->flags & TRK_MODULE_MADE)
		snprintf(buf, room, "run it so that it writes names to /tmp/perf-PID.map, as node --perf-basic-prof, python3 -X perf and "
				    "java -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit do");
	else if (u->names == STACKS_NAMES_MISSING)
		snprintf(buf, room, "the file is not on this machine; run tracker symbolize where it is");
	else if (u->names == STACKS_NAMES_CHANGED)
		snprintf(buf, room, "the file on this machine is another build; run tracker symbolize where the recorded one is");
	else
		advise_stripped(m, buf, room);
}

static const char *name_of(const struct trk_module *m)
{
	const char *const slash = strrchr(m->path, '/');

	if (m->flags & TRK_MODULE_MADE)
		return "code that the program made while it ran";
	return slash ? slash + 1 : m->path;
}

char *unnamed_describe(const struct unnamed *u, const struct capture *c, char buf[UNNAMED_ROOM])
{
	char advice[640], others[96] = "";

	buf[0] = 0;
	if (!is_worth_a_line(u))
		return buf;
	if (u->modules > 1)
		snprintf(others, sizeof(others), " (%.0f %% more in %u other file%s)", percent(u->bytes - u->module_bytes, u),
			 u->modules - 1, u->modules == 2 ? "" : "s");
	advise(u, c, advice, sizeof(advice));
	snprintf(buf, UNNAMED_ROOM, "%.0f %% of the bytes were allocated in %.200s, which has no names%s: %s", percent(u->module_bytes, u),
		 name_of(&c->modules[u->module]), others, advice);
	return buf;
}

char *unnamed_brief(const struct unnamed *u, const struct capture *c, char buf[UNNAMED_ROOM])
{
	char advice[640];

	buf[0] = 0;
	if (!is_worth_a_line(u))
		return buf;
	advise(u, c, advice, sizeof(advice));
	snprintf(buf, UNNAMED_ROOM, "%.200s has none for %.0f %% of the bytes: %.*s", name_of(&c->modules[u->module]),
		 percent(u->module_bytes, u), (int)strcspn(advice, ","), advice);
	return buf;
}

void unnamed_figures(struct emit *e, const struct unnamed *u, const struct capture *c)
{
	char advice[640];

	if (!is_worth_a_line(u))
		return;
	advise(u, c, advice, sizeof(advice));
	emit_group(e, "unnamed");
	emit_figure(e, "bytes", emit_size(u->bytes));
	emit_figure(e, "percent", emit_ratio(percent(u->bytes, u)));
	emit_figure(e, "module", emit_words(c->modules[u->module].path));
	emit_figure(e, "module_bytes", emit_size(u->module_bytes));
	emit_figure(e, "modules", emit_count(u->modules));
	emit_figure(e, "advice", emit_words(advice));
	emit_end(e);
}
