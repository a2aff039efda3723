/*
 * stack - source frames of call-tree nodes; see stack.h.
 *
 * Names and source frames are made once per name and once per frame id and
 * live as long as the struct; a stack is put together from them on demand.
 */
#include "symbols/stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "symbols/arena.h"
#include "symbols/made_code.h"
#include "symbols/demangled.h"
#include "symbols/interpreter.h"
#include "symbols/resolver.h"
#include "symbols/skip.h"

/* The most inlined frames of one address. */
#define SOURCE_FRAMES_MAX 64

/* What one frame of the capture is in the source: `skipped` and `runtime` say what it may be. */
struct frame_source {
	struct source_frame *frames; /* NULL: not made yet */
	uint32_t count;
};

/* How deep the stacks were whose most recent frames a node has; 0: not known. */
struct depths {
	uint32_t least, most;
};

struct stacks {
	struct depths *depths; /* by node; NULL: no node says it */
	struct capture *capture;
	struct stacks_options options;
	struct resolver *resolver;
	struct resolver_module **modules; /* by module id */
	struct frame_source *sources; /* by frame id */
	struct demangled *names;
	struct interpreter *interpreter; /* NULL: no stack has Python frames */
	struct arena arena;
	struct source_frame unknown; /* the frame of an empty stack */
	struct source_frame truncated; /* stands for older frames that are not kept */
	struct source_frame top; /* lives until the next stacks_top */
	struct source_frame *stack; /* lives until the next stacks_frames */
	size_t stack_room, behind_limit;
	size_t limit; /* of frames that are not skipped; 0: none */
	bool short_of_memory;
};

#define RECENT 32u /* so many frames are left of a cut stack, if all of them would be too many */

static const char UNKNOWN[] = "<unknown>";
static const char TRUNCATED[] = "<truncated stack>"; /* stands for the oldest frames */

static struct depths *depths_new(const struct capture *c)
{
	struct depths *const d = calloc(c->node_count, sizeof(*d));

	for (uint32_t i = 1; d && i < c->node_count; i++) {
		const uint64_t depth = capture_depth(c, i);
		struct depths *const of = &d[c->nodes[i].parent];

		if (!depth || depth > UINT32_MAX)
			continue;
		if (!of->most || depth < of->least)
			of->least = (uint32_t)depth;
		if (depth > of->most)
			of->most = (uint32_t)depth;
	}
	return d;
}

int stacks_new(struct stacks **ret, struct capture *c, const struct stacks_options *o)
{
	struct stacks *const s = calloc(1, sizeof(*s));

	if (!s)
		return TRK_ERR_NOMEM;
	s->capture = c;
	if (o)
		s->options = *o;
	s->unknown = (struct source_frame){
		.function = "", .full_function = "", .file = UNKNOWN, .module = UNKNOWN
	};
	s->truncated = s->unknown;
	s->truncated.function = s->truncated.full_function = TRUNCATED;
	s->truncated.cut = true;
	s->limit = capture_health(c, "traceback_limit");
	if (c->depths)
		s->depths = depths_new(c);
	s->sources = calloc((size_t)c->frame_count + 1, sizeof(*s->sources));
	s->modules = calloc((size_t)c->module_count + 1, sizeof(struct resolver_module *));
	if (!s->sources || !s->modules || (c->depths && !s->depths) || demangled_new(&s->names) != 0 ||
	    (!s->options.no_skip && interpreter_new(&s->interpreter, c) != 0) || resolver_new(&s->resolver) != 0) {
		stacks_free(s);
		return TRK_ERR_NOMEM;
	}
	*ret = s;
	return 0;
}

void stacks_free(struct stacks *s)
{
	if (!s)
		return;
	resolver_free(s->resolver);
	demangled_free(s->names);
	interpreter_free(s->interpreter);
	free(s->modules);
	free(s->depths);
	free(s->sources);
	free(s->stack);
	arena_finish(&s->arena);
	free(s);
}

bool symbols_is_placeholder(const char *function)
{
	const char *const mark = strstr(function, "!0x");

	return mark && mark != function && mark[3 + strspn(mark + 3, "0123456789abcdef")] == 0;
}

bool stacks_knows_name(const struct capture *c, const struct cap_frame *f)
{
	return f->symbol_count && f->symbol_count != UINT32_MAX &&
	       !symbols_is_placeholder(c->strings[c->symbols[f->first_symbol].function]);
}

static void set_name(struct stacks *s, struct source_frame *f, const char *linkage_name)
{
	const struct demangled_name *const name = demangled_get(s->names, linkage_name ? linkage_name : "");

	f->function = name->display;
	f->placeholder = symbols_is_placeholder(name->display);
	f->full_function = name->full;
	f->linkage = name->linkage;
	f->as_via = name->via;
	f->skipped = name->allocator || skip_matches(name->display, s->options.skip_patterns);
	if (s->options.no_skip)
		f->skipped = false;
	f->runtime = name->runtime;
}

/* The program that made the code wrote the name itself: it is no mangled name. */
static void set_made_name(struct stacks *s, struct source_frame *f, const char *name)
{
	f->function = f->full_function = name;
	f->skipped = !s->options.no_skip && skip_matches(name, s->options.skip_patterns);
}

static void set_file(struct source_frame *f, const char *file, uint32_t line)
{
	if (!file || !*file)
		return;
	f->file = file;
	f->line = line;
	f->has_source = true;
}

static struct source_frame *alloc_frames(struct stacks *s, size_t n)
{
	struct source_frame *const frames = arena_room(&s->arena, n * sizeof(*frames));

	if (!frames)
		s->short_of_memory = true;
	return frames;
}

bool stacks_short_of_memory(const struct stacks *s)
{
	return s->short_of_memory || demangled_short_of_memory(s->names);
}

static bool is_made(const struct stacks *s, uint32_t module)
{
	return module && s->capture->modules[module].flags & TRK_MODULE_MADE;
}

/* From the SYMBOLS blocks of the capture. */
static uint32_t recorded_frames(struct stacks *s, const struct cap_frame *frame,
				struct source_frame base, struct source_frame **ret)
{
	const struct capture *const c = s->capture;
	const bool made = is_made(s, frame->module);
	const uint32_t n = frame->symbol_count;

	*ret = alloc_frames(s, n);
	for (uint32_t i = 0; *ret && i < n; i++) {
		const struct trk_symbol *const symbol = &c->symbols[frame->first_symbol + i];

		(*ret)[i] = base;
		(*ret)[i].inlined = symbol->inlined;
		if (made)
			set_made_name(s, &(*ret)[i], c->strings[symbol->function]);
		else
			set_name(s, &(*ret)[i], c->strings[symbol->function]);
		set_file(&(*ret)[i], c->strings[symbol->file], symbol->line);
	}
	return n;
}

static struct resolver_module *module_of(struct stacks *s, uint32_t module)
{
	const struct trk_module *const m = &s->capture->modules[module];

	if (!s->modules[module])
		s->modules[module] =
			resolver_module(s->resolver, m->path, m->build_id, m->build_id_bytes);
	return s->modules[module];
}

enum stacks_names stacks_names(const struct stacks *s, uint32_t module)
{
	if (!s->modules[module])
		return STACKS_NAMES_NONE; /* the recorder has read it, or tracker symbolize */
	switch (resolver_module_state(s->modules[module])) {
	case RESOLVER_MISSING:
	case RESOLVER_UNREADABLE:
		return STACKS_NAMES_MISSING;
	case RESOLVER_CHANGED:
		return STACKS_NAMES_CHANGED;
	default:
		return STACKS_NAMES_NONE;
	}
}

uint32_t stacks_changed_modules(const struct stacks *s, const char **ret_first)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->capture->module_count; i++) {
		if (!s->modules[i] || resolver_module_state(s->modules[i]) != RESOLVER_CHANGED)
			continue;
		if (n++ == 0)
			*ret_first = s->capture->modules[i].path;
	}
	return n;
}

static size_t look_up(struct stacks *s, uint32_t module, uint64_t address, struct resolved_frame found[SOURCE_FRAMES_MAX])
{
	struct resolver_module *m;

	if (s->options.lookup)
		return s->options.lookup(s->options.lookup_data, module, address, found, SOURCE_FRAMES_MAX, &s->arena);
	m = module_of(s, module);
	return m ? resolver_lookup(m, address, found, SOURCE_FRAMES_MAX) : 0;
}

/* From the module's file, as it is now. Frames are return addresses: the call is before them. */
static uint32_t resolved_frames(struct stacks *s, const struct cap_frame *frame,
				struct source_frame base, struct source_frame **ret)
{
	struct resolved_frame found[SOURCE_FRAMES_MAX];

	errno = 0; /* elfutils gives no more detail than that */
	const size_t n = frame->offset ? look_up(s, frame->module, frame->offset - 1, found) : 0;

	if (!n && errno == ENOMEM)
		s->short_of_memory = true;
	*ret = n ? alloc_frames(s, n) : NULL;
	for (size_t i = 0; *ret && i < n; i++) {
		(*ret)[i] = base;
		(*ret)[i].inlined = found[i].inlined;
		set_name(s, &(*ret)[i], found[i].function);
		set_file(&(*ret)[i], found[i].file, found[i].line);
	}
	return (uint32_t)n;
}

static void make_source(struct stacks *s, const struct cap_frame *frame, struct source_frame base, struct frame_source *source)
{
	if (frame->symbol_count && frame->symbol_count != UINT32_MAX)
		source->count = recorded_frames(s, frame, base, &source->frames);
	else if (frame->symbol_count && frame->module && !is_made(s, frame->module))
		source->count = resolved_frames(s, frame, base, &source->frames);
	if (!source->frames) {
		source->frames = alloc_frames(s, 1);
		source->count = source->frames ? 1 : 0;
		if (source->frames)
			source->frames[0] = base;
	}
	if (s->interpreter && frame->module)
		interpreter_mark(s->interpreter, frame->module, source->frames, source->count);
}

static const struct frame_source *source_of(struct stacks *s, uint32_t id)
{
	static const struct frame_source none;
	const struct capture *const c = s->capture;
	const struct cap_frame *const frame = &c->frames[id];
	struct frame_source *const source = &s->sources[id];
	struct source_frame base = s->unknown;

	if (source->frames)
		return source;
	if (!frame->module && !frame->offset && id)
		base = s->truncated;
	base.frame = id;
	base.offset = frame->offset;
	if (frame->module)
		base.file = base.module = c->modules[frame->module].path;
	make_source(s, frame, base, source);
	return source->frames ? source : &none;
}

static bool append(struct stacks *s, size_t used, const struct frame_source *source)
{
	if (!ARRAY_ROOM(s->stack, s->stack_room, used + source->count, 64)) {
		s->short_of_memory = true;
		return false;
	}
	if (source->count)
		memcpy(s->stack + used, source->frames, source->count * sizeof(*s->stack));
	return true;
}

bool stacks_is_runtime(const struct source_frame *f)
{
	/* A libc without its symbol table is known by its name. */
	return f->runtime || (!*f->function && skip_is_runtime_module(f->module));
}

/* A caller of libc without a name is _start of a stripped program. */
static bool is_start(const struct source_frame *frames, size_t n)
{
	return n > 1 && !*frames[n - 1].function && stacks_is_runtime(&frames[n - 2]);
}

/*
 * Only the leading run of allocator frames is hidden, and only the trailing run
 * of runtime frames is runtime: a program may have a clone() of its own.
 */
static void mark_ends(struct source_frame *frames, size_t n)
{
	size_t i = 0;

	while (i < n && frames[i].skipped)
		i++;
	if (i && i < n)
		frames[i].via = frames[i - 1].as_via;
	for (; i < n; i++)
		frames[i].skipped = false;
	if (is_start(frames, n))
		frames[n - 1].runtime = true;
	for (i = n; i > 0 && stacks_is_runtime(&frames[i - 1]); i--)
		frames[i - 1].runtime = true;
	while (i > 0)
		frames[--i].runtime = false;
}

/* The parent and the frame of the node; those of the root for an id that does not exist. */
static struct cap_node node_of(const struct stacks *s, uint32_t node)
{
	const struct capture *const c = s->capture;

	if (node == 0 || node >= c->node_count || c->nodes[node].parent >= node)
		return (struct cap_node){ 0 };
	return c->nodes[node];
}

/*
 * Which part of the node's stack is kept: the *ret_left most recent frames of the returned node. *ret_cut: older ones
 * are not kept.
 */
static uint32_t kept_of(const struct stacks *s, uint32_t node, uint64_t *ret_left, bool *ret_cut)
{
	struct cap_node n = node_of(s, node);
	const struct cap_frame *frame = &s->capture->frames[n.frame];

	if (n.frame && !frame->module && frame->offset > TRK_FRAME_DEPTH) {
		node = n.parent;
		n = node_of(s, node);
		frame = &s->capture->frames[n.frame];
	}
	*ret_cut = n.frame && !frame->module && frame->offset >= TRK_FRAME_CUT;
	*ret_left = *ret_cut ? frame->offset - TRK_FRAME_CUT : UINT64_MAX;
	return *ret_cut ? n.parent : node;
}

static bool has_frames(const struct stacks *s, uint32_t node)
{
	return node && node < s->capture->node_count;
}

/* How many frames of a cut stack are older than the `kept` ones that are left, by the node that was asked for. */
static void tell_older(const struct stacks *s, uint32_t node, uint64_t kept, struct source_frame *mark)
{
	const uint64_t depth = node < s->capture->node_count ? capture_depth(s->capture, node) : 0;
	struct depths d = { (uint32_t)depth, (uint32_t)depth };

	if (!depth && s->depths && node < s->capture->node_count)
		d = s->depths[node];
	mark->least_older = d.least > kept ? d.least - kept : 0;
	mark->most_older = d.most > kept ? d.most - kept : 0;
}

/* How many frames of s->stack are within the limit. */
static size_t within_limit(struct stacks *s, size_t n)
{
	size_t first = 0, kept = n;

	while (first + 1 < n && s->stack[first].skipped)
		first++;
	if (s->limit && n - first > s->limit)
		kept = first + s->limit;
	s->behind_limit = n - kept;
	return kept;
}

size_t stacks_behind_limit(const struct stacks *s)
{
	return s->behind_limit;
}

const struct source_frame *stacks_frames(struct stacks *s, uint32_t node, size_t *ret_count)
{
	const struct frame_source mark = { &s->truncated, 1 };
	const uint32_t asked = node;
	uint64_t left, kept = 0;
	size_t n = 0;
	bool cut;

	for (node = kept_of(s, node, &left, &cut); has_frames(s, node) && left--; node = node_of(s, node).parent) {
		const struct frame_source *const source = source_of(s, node_of(s, node).frame);

		if (!append(s, n, source))
			break;
		n += source->count;
		kept++;
	}
	if (cut && append(s, n, &mark))
		n++;
	s->behind_limit = 0;
	if (n == 0) {
		*ret_count = 1;
		return &s->unknown;
	}
	if (s->stack[n - 1].cut)
		tell_older(s, asked, kept - !cut, &s->stack[n - 1]);
	if (s->interpreter)
		n = interpreter_hide(s->stack, n, s->options.keep_interpreter);
	mark_ends(s->stack, n);
	*ret_count = within_limit(s, n);
	return s->stack;
}

void stacks_shorten(struct stacks *s, size_t *count)
{
	if (*count <= RECENT + 1 || !s->stack[*count - 1].cut)
		return;
	s->stack[RECENT] = s->stack[*count - 1];
	*count = RECENT + 1;
}

/* Whether there is a Python frame among the `left` most recent ones from the node on. */
static bool has_python(const struct stacks *s, uint32_t node, uint64_t left)
{
	for (; s->interpreter && has_frames(s, node) && left--; node = node_of(s, node).parent)
		if (interpreter_runs(s->interpreter, node_of(s, node).frame))
			return true;
	return false;
}

const struct source_frame *stacks_top(struct stacks *s, uint32_t node)
{
	const struct source_frame *last = &s->unknown;
	uint64_t left;
	bool cut, python;

	node = kept_of(s, node, &left, &cut);
	for (python = has_python(s, node, left); has_frames(s, node) && left--; node = node_of(s, node).parent) {
		const struct frame_source *const source = source_of(s, node_of(s, node).frame);

		for (uint32_t i = 0; i < source->count; i++) {
			last = &source->frames[i];
			if (!last->skipped && !(python && interpreter_passes(last)))
				goto out;
		}
	}
out:
	s->top = *last;
	s->top.runtime = false;
	return &s->top;
}

bool stacks_pointee(struct stacks *s, const struct source_frame *f, char *buf, size_t room, uint64_t *ret_size)
{
	const struct cap_frame *const frame = f->frame < s->capture->frame_count ? &s->capture->frames[f->frame] : NULL;
	struct resolver_module *const m = frame && f->has_source && frame->module && !is_made(s, frame->module) && frame->offset && !s->options.lookup ? module_of(s, frame->module) : NULL;

	return m && resolver_module_state(m) == RESOLVER_FULL && resolver_pointee(m, frame->offset - 1, f->file, f->line, buf, room, ret_size);
}
