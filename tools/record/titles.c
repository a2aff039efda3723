/* titles - see titles.h. */
#include "titles.h"

#include <string.h>

#include "proc.h"
#include "process.h"
#include "thread_slot.h"

#define FIRST_NS 10000000u
#define GAP_MAX_NS 10000000000ull

static bool same(const char *a, const char *b)
{
	return strncmp(a, b, SHM_TITLE_BYTES - 1) == 0;
}

/*
 * The first argument, as it is now, is a title if it is another text. A beginning of what it was is none: dirname and
 * strtok end the text earlier. Blanks at its end fill up the room that the arguments had.
 */
static void take(struct process *p, const char text[SHM_TITLE_BYTES])
{
	const char *const was = p->command_bytes ? p->command : "";
	size_t n = strnlen(text, SHM_TITLE_BYTES - 1);

	while (n && text[n - 1] == ' ')
		n--;
	if (strncmp(text, was, n) == 0)
		n = 0;
	memset(p->title, 0, sizeof(p->title));
	memcpy(p->title, text, n);
}

void titles_begin(struct recorder *r, struct process *p)
{
	memset(p->title, 0, sizeof(p->title));
	memset(p->named, 0, sizeof(p->named));
	p->program_ns = r->now_ns;
	p->next_title_ns = r->now_ns + FIRST_NS;
}

void titles_collect(struct process *p, const struct shm_process *slot)
{
	char text[SHM_TITLE_BYTES];

	memcpy(p->named, slot->named, sizeof(p->named));
	p->named[sizeof(p->named) - 1] = 0;
	memcpy(text, slot->title, sizeof(text));
	text[sizeof(text) - 1] = 0;
	if (text[0])
		take(p, text);
}

const char *titles_of(const struct process *p, uint32_t *ret)
{
	const char *const name = p->name ? p->name : "";
	const bool named = p->named[0] && strncmp(p->named, name, SHM_NAME_BYTES - 1) != 0;

	*ret = p->title[0] ? TRK_TITLED : named ? TRK_NAMED :
						  TRK_NO_TITLE;
	return p->title[0] ? p->title : named ? p->named :
						"";
}

void titles_write(struct recorder *r, struct process *p)
{
	uint32_t unused;

	if (!same(titles_of(p, &unused), p->written_title))
		process_write(r, p);
}

/* The arguments of a program that was executed and has not attached are no title of the one before it. */
static bool is_still(const struct process *p)
{
	char path[SHM_EXECUTABLE_BYTES];

	return proc_executable(p->pid, path) && p->executable && strcmp(path, p->executable) == 0;
}

/* When something that began then is looked at again. */
static uint64_t next_look(const struct recorder *r, uint64_t began_ns)
{
	const uint64_t age = r->now_ns - began_ns;

	return r->now_ns + (age < FIRST_NS ? FIRST_NS : age > GAP_MAX_NS ? GAP_MAX_NS :
									   age);
}

/* The first change is written at once, others when the thread or the recording ends. */
static void look_at_threads(struct recorder *r, const struct process *p)
{
	for (size_t i = 0; i < p->stream_count; i++) {
		struct stream *const s = p->streams[i];
		char name[SHM_NAME_BYTES];

		if (s->name_version || r->now_ns < s->next_name_ns || r->now_ns < s->start_ns + FIRST_NS)
			continue;
		s->next_name_ns = next_look(r, s->start_ns);
		proc_thread_name(p->pid, s->tid, name);
		if (!name[0] || strncmp(name, s->name, sizeof(name)) == 0)
			continue;
		memcpy(s->name, name, sizeof(name));
		if (!s->renamed)
			thread_slot_write(r, s);
		s->renamed = true;
	}
}

static void look(struct recorder *r, struct process *p)
{
	char text[SHM_TITLE_BYTES];

	p->next_title_ns = next_look(r, p->program_ns);
	if (!proc_first_argument(p->pid, text) || same(text, p->title) || !is_still(p))
		return;
	take(p, text);
	if (!p->written_title[0]) /* later ones are written when the process or the recording ends: the file must not grow with them */
		titles_write(r, p);
}

void titles_look(struct recorder *r)
{
	if (r->now_ns < r->next_titles_ns)
		return;
	r->next_titles_ns = r->now_ns + FIRST_NS;
	for (size_t i = 0; i < r->live_count; i++) {
		struct process *const p = r->live[i];

		if (!p->attached || p->dying || p->unplaced)
			continue;
		look_at_threads(r, p);
		if (r->now_ns >= p->next_title_ns)
			look(r, p);
	}
}
