/* results - see results.h. */
#include "check/results.h"

#include <string.h>

#include "common/group.h"

char *check_name(const struct check_result *c, char buf[RESULT_ROOM])
{
	if (c->function)
		snprintf(buf, RESULT_ROOM, "%s %s", c->check, c->subject);
	else
		snprintf(buf, RESULT_ROOM, "%s", c->check);
	return buf;
}

/* Behind what is in buf already. */
static void add(char buf[RESULT_ROOM], const char *before, const char *text, const char *after)
{
	const size_t n = strlen(buf);

	snprintf(buf + n, RESULT_ROOM - n, "%s%s%s", before, text, after);
}

static void add_amount(char buf[RESULT_ROOM], const char *before, bool is_size, uint64_t n)
{
	char text[32];

	if (n != RESULT_UNKNOWN)
		add(buf, before, is_size ? ui_size(text, sizeof(text), (int64_t)n, false) : ui_count(text, sizeof(text), n), "");
}

char *check_sentence(const struct check_result *c, char buf[RESULT_ROOM])
{
	snprintf(buf, RESULT_ROOM, "%s", c->of);
	add_amount(buf, " ", c->is_size, c->found);
	add_amount(buf, ", ", true, c->bytes);
	if (*c->told)
		add(buf, " (", c->told, ")");
	add_amount(buf, "; it was ", c->is_size, c->was);
	add_amount(buf, "; allowed: ", c->is_size, c->limit);
	return buf;
}

const struct source_frame *check_frames(const struct check_result *c, struct stacks *stacks, size_t *ret_count)
{
	const struct source_frame *frames;
	size_t n;

	*ret_count = 0;
	if (!c->stack_count || c->passed)
		return NULL;
	frames = group_frames(stacks, c->stacks[0].node, &n);
	while (n > 1 && frames[n - 1].runtime)
		n--;
	*ret_count = n;
	return frames;
}
