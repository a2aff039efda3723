/* block_types - see block_types.h. */
#include "common/block_types.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const type_rules[TYPE_RULES] = { [TYPE_BY_ANNOTATION] = "annotation", [TYPE_BY_FRAMES] = "frames", [TYPE_BY_TABLE] = "vtable", [TYPE_BY_VARIABLE] = "variable", [TYPE_BY_SITE] = "site" };

/* ---- names of C++ and Rust ---- */

/* Behind the '<' at `at`: the first argument, up to the ',' or '>' that ends it; its length. 0: there is none. */
static size_t argument(const char *at)
{
	int depth = 0;

	for (size_t i = 1; at[i]; i++) {
		const char c = at[i];

		if (c == '-' && at[i + 1] == '>')
			i++;
		else if (c == '<' || c == '(' || c == '[')
			depth++;
		else if (depth && (c == '>' || c == ')' || c == ']'))
			depth--;
		else if (!depth && (c == '>' || c == ','))
			return i - 1;
	}
	return 0;
}

/* Behind the whole list of arguments that begins at `at`; NULL: it does not end. */
static const char *behind(const char *at)
{
	int depth = 0;

	for (; *at; at++) {
		if (*at == '-' && at[1] == '>')
			at++;
		else if (*at == '<')
			depth++;
		else if (*at == '>' && --depth == 0)
			return at + 1;
	}
	return NULL;
}

/* A block that std::make_shared made, or a node of a container, is named after what it holds. */
static const char *const wrappers[] = { "std::_Sp_counted_ptr_inplace<", "std::__1::__shared_ptr_emplace<", "std::__shared_ptr_emplace<" };

static void put_type(const char *type, size_t n, char buf[TYPE_ROOM])
{
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(*wrappers); i++) {
		const size_t head = strlen(wrappers[i]);

		if (n > head && strncmp(type, wrappers[i], head) == 0) {
			n = argument(type + head - 1);
			type += head;
			break;
		}
	}
	while (n && type[n - 1] == ' ')
		n--;
	snprintf(buf, TYPE_ROOM, "%.*s", (int)(n < TYPE_ROOM ? n : TYPE_ROOM - 1), type);
}

/* Templates and what must follow their arguments: "std::allocator<T>::allocate" allocates T. NULL: anything. */
static const struct {
	const char *name, *then;
} templates[] = {
	{ "std::__new_allocator<", "::allocate" },
	{ "__gnu_cxx::new_allocator<", "::allocate" },
	{ "std::allocator<", "::allocate" },
	{ "std::__1::allocator<", "::allocate" },
	{ "std::__1::__allocate_at_least<std::__1::allocator<", NULL },
	{ "std::make_unique<", NULL },
	{ "std::__1::make_unique<", NULL },
	{ "std::make_shared<", NULL },
	{ "std::__1::make_shared<", NULL },
	{ "alloc::boxed::Box<", ">::new" },
	{ "alloc::sync::Arc<", ">::new" },
	{ "alloc::rc::Rc<", ">::new" },
	{ "alloc::raw_vec::RawVec<", NULL },
	{ "alloc::vec::Vec<", NULL },
};

/* The name is that of the function itself, or of what it is a member of, and no argument or result of it. */
static bool is_outside(const char *function, const char *at)
{
	int depth = 0;

	for (; function < at; function++)
		depth += *function == '<' || *function == '(' ? 1 : *function == '>' || *function == ')' ? -1 :
													   0;
	return depth <= 1;
}

static bool by_template(const char *function, char buf[TYPE_ROOM])
{
	for (size_t i = 0; i < sizeof(templates) / sizeof(*templates); i++) {
		const char *const at = strstr(function, templates[i].name), *open, *after;
		size_t n;

		if (!at || !is_outside(function, at))
			continue;
		open = at + strlen(templates[i].name) - 1;
		after = behind(open);
		n = argument(open);
		if (!n || !after || (templates[i].then && strncmp(after, templates[i].then, strlen(templates[i].then)) != 0))
			continue;
		put_type(open + 1, n, buf);
		return true;
	}
	return false;
}

/* "geo::Node::operator new(unsigned long)": a class that has its own. */
static bool by_operator(const char *function, char buf[TYPE_ROOM])
{
	const char *const at = strstr(function, "::operator new");

	if (!at || at == function)
		return false;
	put_type(function, (size_t)(at - function), buf);
	return true;
}

/* False: the function says nothing. */
static bool type_of_function(const char *function, char buf[TYPE_ROOM])
{
	return by_template(function, buf) || by_operator(function, buf);
}

void type_of_mangled(const char *mangled, char buf[TYPE_ROOM])
{
	static const char before[] = "typeinfo for ";
	char *linkage = NULL;
	char *const name = asprintf(&linkage, "_ZTI%s", mangled) < 0 ? NULL : symbols_demangle(linkage);

	if (name && strncmp(name, before, sizeof(before) - 1) == 0)
		put_type(name + sizeof(before) - 1, strlen(name) - (sizeof(before) - 1), buf);
	else
		put_type(mangled, strlen(mangled), buf);
	free(name);
	free(linkage);
}

/* ---- stacks ---- */

#define FRAMES_MAX 24u /* that are looked at */

enum type_rule type_of_frames(const struct source_frame *frames, size_t n, char buf[TYPE_ROOM])
{
	size_t top = 0;

	while (top + 1 < n && frames[top].skipped)
		top++;
	/* The frame behind the allocators' may be T::operator new, or a function of Rust's. */
	for (size_t i = 0; i <= top && i < FRAMES_MAX; i++)
		if (type_of_function(*frames[i].full_function ? frames[i].full_function : frames[i].function, buf))
			return TYPE_BY_FRAMES;
	snprintf(buf, TYPE_ROOM, "%s:%s:%" PRIu32, *frames[top].function ? frames[top].function : "<unknown>", frames[top].file, frames[top].line);
	return TYPE_BY_SITE;
}
