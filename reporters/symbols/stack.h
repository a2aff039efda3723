/*
 * stack - a call-tree node of a capture as people read it: source frames, most
 * recent first, inlined ones included, demangled, with the allocator's own
 * frames marked.
 *
 * Names come from the capture's SYMBOLS blocks; frames that were never looked
 * up (recorded with --no-symbols) are resolved here when first asked for.
 */
#ifndef SYMBOLS_STACK_H
#define SYMBOLS_STACK_H

#include "replay/capture.h"
#include "symbols/arena.h"
#include "symbols/resolver.h"

struct source_frame {
	const char *function; /* demangled and shortened for display; "" unknown */
	bool placeholder; /* ... if it is no name: "libfoo.so.1!0x12a0" says where the function begins */
	const char *full_function; /* demangled, whole */
	const char *linkage; /* as the linker knows it; NULL: it has no such name */
	const char *file; /* "<unknown>" without line information and module; the module's path, line 0, with a module */
	uint32_t line;
	const char *module; /* path, or "<unknown>" */
	uint32_t frame; /* id in the capture */
	uint64_t offset; /* in the module */
	bool inlined;
	bool has_source; /* file and line come from debug information */
	bool skipped; /* allocator frame at the top (malloc family, operator new, leading std::...) */
	const char *via; /* the function called that allocates, where allocators' frames above are hidden: "std::string::append"; NULL: it calls malloc itself, or operator new */
	const char *as_via; /* this function, as the next frame's `via` */
	bool runtime; /* _start, __libc_start_main, clone3 ...: below main */
	bool python; /* a function of Python's; its module is "Python 3.11" */
	bool interpreter; /* it only runs other Python frames of the stack: it is there only if keep_interpreter is set, or skipped */
	bool cut; /* no frame: it stands for older frames that are not kept */
	uint64_t least_older, most_older; /* ... and how many these are, which may differ between calls: from least to most; 0: unknown */
};

struct stacks_options {
	bool no_skip; /* mark none as skipped */
	bool keep_interpreter; /* leave no frames of the interpreter out */
	const char *const *skip_patterns; /* fnmatch on functions, more to skip; NULL-terminated or NULL */
	/*
	 * As resolver_lookup, with what it returns in `strings`, for a module of the capture: instead of files that are opened for these
	 * stacks alone. NULL: there is nothing else.
	 */
	size_t (*lookup)(void *data, uint32_t module, uint64_t address, struct resolved_frame *out, size_t max, struct arena *strings);
	void *lookup_data;
};

struct stacks;

int stacks_new(struct stacks **ret, struct capture *c, const struct stacks_options *o);
void stacks_free(struct stacks *s); /* NULL-safe */

/*
 * The source frames of `node`, most recent first, in an array that lives until
 * the next call. An empty stack has one frame: <unknown>, line 0. A capture that
 * a program asked for itself, with a limit, gives at most so many behind those
 * that are skipped.
 */
const struct source_frame *stacks_frames(struct stacks *s, uint32_t node, size_t *ret_count);

/* How many frames more than it returned the stack of the last stacks_frames has because of that limit: they stand behind the others. */
size_t stacks_behind_limit(const struct stacks *s);

/*
 * Stacks whose older frames are not kept have no root in common: each may be a separate path from its oldest frame
 * on. So when a tree has grown to so many nodes, it takes only the most recent frames of further such stacks.
 */
#define STACKS_PATHS_MAX (1u << 21)

/*
 * Shortens the stack that stacks_frames returned last to these frames, and the mark for the older ones. Another stack
 * stays as it is.
 */
void stacks_shorten(struct stacks *s, size_t *count);

/* The type to which the pointer points that is declared on the frame's line: resolver_pointee, from the module's file as it is now. */
bool stacks_pointee(struct stacks *s, const struct source_frame *f, char *buf, size_t room, uint64_t *ret_size);

/* The most recent frame that is not skipped (the last one when all are). */
const struct source_frame *stacks_top(struct stacks *s, uint32_t node);

/*
 * How many modules' files were searched for names, but are not the recorded ones (rebuilt since). *ret_first: the
 * path of one of them.
 */
uint32_t stacks_changed_modules(const struct stacks *s, const char **ret_first);

/* Why a module has no names. */
enum stacks_names {
	STACKS_NAMES_NONE, /* its file was read, and has none */
	STACKS_NAMES_MISSING, /* its file does not exist here, or cannot be read */
	STACKS_NAMES_CHANGED, /* the file at its path is another build */
};

enum stacks_names stacks_names(const struct stacks *s, uint32_t module);

/* There was no memory, so names or frames may be missing. */
bool stacks_short_of_memory(const struct stacks *s);

/* Whether it can be a function below main, by its name or its file. */
bool stacks_is_runtime(const struct source_frame *f);

/* Whether the capture itself has a name of the frame's function, or a line. */
bool stacks_knows_name(const struct capture *c, const struct cap_frame *f);

/* Whether a name in a capture is such a placeholder. */
bool symbols_is_placeholder(const char *function);

/* "std::vector<...>::push_back" out of the full demangled name. Returns `out`. */
char *symbols_shorten(const char *full, char *out, size_t room);
/* Demangled name (C++ Itanium, Rust legacy and v0), or NULL: not mangled. malloc'ed. */
char *symbols_demangle(const char *linkage_name);
/* The same for a name of Ada's. Only a caller that knows that the name is Ada's can ask (ada_names.h). */
char *symbols_demangle_ada(const char *linkage_name);

#endif
