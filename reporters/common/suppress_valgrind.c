/* suppress_valgrind - see suppress_valgrind.h. */
#include "common/suppress_valgrind.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"

enum line_kind { ANY_FRAMES,
		 FUNCTION,
		 OBJECT,
		 SOURCE };

struct rule_line {
	enum line_kind kind;
	char *pattern; /* NULL with ANY_FRAMES */
};

#define ALL_VERDICTS ((1u << LOOK_VERDICTS) - 1)

struct valgrind_rule {
	char *name;
	struct rule_line *lines;
	size_t count, room;
	unsigned verdicts; /* a bit for each that it is about */
	uint32_t about; /* 0: nothing that is asked for */
	bool has_kind;
};

/* ---- reading ---- */

void valgrind_rule_free(struct valgrind_rule *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++)
		free(r->lines[i].pattern);
	free(r->lines);
	free(r->name);
	free(r);
}

/* "Memcheck,Addrcheck:Leak" */
static int take_kind(struct valgrind_rule *r, const char *line, const struct suppress_kind *kinds)
{
	const char *const colon = strrchr(line, ':');

	if (!colon)
		return TRK_ERR_ARG;
	r->has_kind = true;
	for (; kinds->about && memmem(line, (size_t)(colon - line), "Memcheck", 8); kinds++)
		if (kinds->valgrind && !strcmp(colon + 1, kinds->valgrind))
			r->about |= kinds->about;
	return 0;
}

static int take_verdicts(struct valgrind_rule *r, const char *list)
{
	static const struct {
		const char *name;
		unsigned verdicts;
	} kinds[] = {
		{ "definite", 1u << LOOK_DEFINITELY }, { "indirect", 1u << LOOK_INDIRECTLY }, { "possible", 1u << LOOK_POSSIBLY }, { "reachable", 1u << LOOK_REACHABLE }, { "all", ALL_VERDICTS }, { "none", 0 }
	};

	r->verdicts = 0;
	while (*list) {
		const size_t n = strcspn(list, ", \t");
		size_t i = 0;

		while (i < sizeof(kinds) / sizeof(*kinds) && (strlen(kinds[i].name) != n || strncmp(list, kinds[i].name, n) != 0))
			i++;
		if (n && i == sizeof(kinds) / sizeof(*kinds))
			return TRK_ERR_ARG;
		if (n)
			r->verdicts |= kinds[i].verdicts;
		list += n + (list[n] != 0);
	}
	return 0;
}

static int take_frame(struct valgrind_rule *r, const char *line)
{
	static const struct {
		const char *before;
		enum line_kind kind;
	} kinds[] = { { "fun:", FUNCTION }, { "obj:", OBJECT }, { "src:", SOURCE } };
	struct rule_line l = { ANY_FRAMES, NULL };

	if (strcmp(line, "...") != 0) {
		size_t i = 0;

		while (i < sizeof(kinds) / sizeof(*kinds) && strncmp(line, kinds[i].before, 4) != 0)
			i++;
		if (i == sizeof(kinds) / sizeof(*kinds))
			return r->about || strchr(line, ':') == NULL ? TRK_ERR_ARG : 0;
		l.kind = kinds[i].kind;
		l.pattern = strdup(line + 4);
		if (!l.pattern)
			return TRK_ERR_NOMEM;
	}
	if (!ARRAY_ROOM(r->lines, r->room, r->count + 1, 8)) {
		free(l.pattern);
		return TRK_ERR_NOMEM;
	}
	r->lines[r->count++] = l;
	return 0;
}

static int take_line(struct valgrind_rule *r, const char *line, const struct suppress_kind *kinds)
{
	static const char verdicts[] = "match-leak-kinds:";

	if (!r->name) {
		r->name = strdup(line);
		return r->name ? 0 : TRK_ERR_NOMEM;
	}
	if (!r->has_kind)
		return take_kind(r, line, kinds);
	if (!r->about)
		return 0;
	if (strncmp(line, verdicts, sizeof(verdicts) - 1) == 0)
		return take_verdicts(r, line + sizeof(verdicts) - 1);
	return take_frame(r, line);
}

int valgrind_rule_line(struct valgrind_rule **rule, const char *line, const struct suppress_kind *kinds, struct valgrind_rule **ret_rule)
{
	struct valgrind_rule *const r = *rule;

	*ret_rule = NULL;
	if (!r) {
		*rule = calloc(1, sizeof(**rule));
		if (!*rule)
			return TRK_ERR_NOMEM;
		(*rule)->verdicts = ALL_VERDICTS;
		return strcmp(line, "{") ? TRK_ERR_ARG : 0;
	}
	if (strcmp(line, "}") != 0)
		return take_line(r, line, kinds);
	if (!r->has_kind || (r->about && !r->count))
		return TRK_ERR_ARG;
	*rule = NULL;
	if (r->about)
		*ret_rule = r;
	else
		valgrind_rule_free(r);
	return 0;
}

/* ---- matching ---- */

const char *valgrind_rule_name(const struct valgrind_rule *r)
{
	return r->name;
}

/* Not for blocks of all verdicts. */
static bool is_for_some(const struct valgrind_rule *r)
{
	return r->verdicts != ALL_VERDICTS;
}

static bool text_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *again = NULL; /* the last *, and where the text that it stands for ends at the earliest */

	for (;;) {
		if (*pattern == '*') {
			star = ++pattern;
			again = text;
		} else if (!*text && !*pattern) {
			return true;
		} else if (*text && (*pattern == '?' || *pattern == *text)) {
			pattern++, text++;
		} else if (star && *again) {
			pattern = star;
			text = ++again;
		} else {
			return false;
		}
	}
}

static bool is_named(const char *pattern, const struct source_frame *f)
{
	if (f->runtime && text_matches(pattern, "(below main)"))
		return true;
	if (!f->function[0])
		return text_matches(pattern, "???");
	return (f->linkage && text_matches(pattern, f->linkage)) || text_matches(pattern, f->full_function) || text_matches(pattern, f->function);
}

static bool is_of_source(const char *pattern, const struct source_frame *f)
{
	const char *const slash = strrchr(f->file, '/'), *const base = slash ? slash + 1 : f->file;
	char place[4200];

	if (!f->has_source)
		return false;
	snprintf(place, sizeof(place), "%s:%" PRIu32, base, f->line);
	return text_matches(pattern, base) || text_matches(pattern, f->file) || text_matches(pattern, place);
}

/* valgrind's own functions stand above the frames that were recorded. */
#define NAMES 4u
static const char *const names_of_kind[TRK_KINDS][NAMES] = {
	[TRK_MALLOC] = { "malloc" },
	[TRK_CALLOC] = { "calloc" },
	[TRK_REALLOC] = { "realloc", "malloc" },
	[TRK_REALLOC_ACQUIRE] = { "realloc", "malloc" },
	[TRK_POSIX_MEMALIGN] = { "posix_memalign", "memalign" },
	[TRK_ALIGNED_ALLOC] = { "aligned_alloc", "memalign" },
	[TRK_MEMALIGN] = { "memalign" },
	[TRK_VALLOC] = { "valloc", "memalign" },
	[TRK_PVALLOC] = { "pvalloc", "memalign" },
	[TRK_NEW] = { "_Znwm", "_ZnwmRKSt9nothrow_t", "_ZnwmSt11align_val_t", "operator new(unsigned long)" },
	[TRK_NEW_ARRAY] = { "_Znam", "_ZnamRKSt9nothrow_t", "_ZnamSt11align_val_t", "operator new[](unsigned long)" },
	[TRK_FREE] = { "free" },
	[TRK_CFREE] = { "cfree", "free" },
	[TRK_DELETE] = { "_ZdlPv", "_ZdlPvm", "_ZdlPvSt11align_val_t", "operator delete(void*)" },
	[TRK_DELETE_ARRAY] = { "_ZdaPv", "_ZdaPvm", "_ZdaPvSt11align_val_t", "operator delete[](void*)" },
};
static const char object[] = "/usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so";

static bool is_allocation(const struct rule_line *l, uint8_t kind)
{
	bool known = false;

	if (l->kind == OBJECT)
		return text_matches(l->pattern, object);
	for (unsigned i = 0; l->kind == FUNCTION && i < NAMES && kind < TRK_KINDS && names_of_kind[kind][i]; i++) {
		known = true;
		if (text_matches(l->pattern, names_of_kind[kind][i]))
			return true;
	}
	/* Who does not know the function takes any that allocates. */
	for (unsigned k = 0; !known && l->kind == FUNCTION && k < TRK_KINDS; k++)
		for (unsigned i = 0; i < NAMES && trk_kind_allocates((uint8_t)k) && names_of_kind[k][i]; i++)
			if (text_matches(l->pattern, names_of_kind[k][i]))
				return true;
	return false;
}

struct matching {
	const struct source_frame *frames;
	size_t count; /* with the function that allocates, if that is no frame: it is number 0 then */
	bool has_top;
	uint8_t kind;
};

static bool frame_matches(const struct matching *m, const struct rule_line *l, size_t i)
{
	const struct source_frame *f;

	if (!m->has_top && !i)
		return is_allocation(l, m->kind);
	f = &m->frames[i - !m->has_top];
	switch (l->kind) {
	case FUNCTION:
		return is_named(l->pattern, f);
	case OBJECT:
		return text_matches(l->pattern, f->module);
	case SOURCE:
		return is_of_source(l->pattern, f);
	default:
		return true;
	}
}

/* All lines, from the first frame on; more frames may follow. */
static bool lines_match(const struct matching *m, const struct valgrind_rule *r)
{
	size_t line = 0, frame = 0, any = SIZE_MAX, again = 0; /* the line behind the last "...", and the first frame that it may not stand for */

	while (line < r->count) {
		if (r->lines[line].kind == ANY_FRAMES) {
			any = ++line;
			again = frame;
		} else if (frame < m->count && frame_matches(m, &r->lines[line], frame)) {
			line++, frame++;
		} else if (any != SIZE_MAX && again < m->count) {
			line = any;
			frame = ++again;
		} else {
			return false;
		}
	}
	return true;
}

bool valgrind_rule_matches(const struct valgrind_rule *r, const struct source_frame *frames, size_t count, const struct suppressed *what)
{
	struct matching m = { .frames = frames, .kind = what->kind };

	if (what->about && !(what->about & r->about))
		return false;
	if (what->verdict ? !(r->verdicts >> what->verdict & 1) : what->judged && is_for_some(r))
		return false;
	while (count && frames[count - 1].cut)
		count--;
	m.has_top = count && strncmp(frames[0].full_function, "operator new", 12) == 0;
	m.count = count + !m.has_top;
	return lines_match(&m, r);
}
