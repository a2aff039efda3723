/*
 * rawdump - what the replay library reads out of a capture, printed in the form
 * of tests/golden/decode.py, so that the two can be compared line by line:
 * rawdump CAPTURE...
 *
 * Of several captures, a line {"what": "file"} stands before each.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/event.h"
#include "rawdump.h"

static const char *const kinds[] = {
	[-TRK_ERR_IO] = "io",
	[-TRK_ERR_NOMEM] = "nomem",
	[-TRK_ERR_CORRUPT] = "corrupt",
	[-TRK_ERR_MAGIC] = "magic",
	[-TRK_ERR_VERSION] = "version",
	[-TRK_ERR_FEATURE] = "feature",
	[-TRK_ERR_LIMIT] = "limit",
	[-TRK_ERR_ARG] = "arg",
};

void put_text(const char *key, const char *s, size_t size)
{
	printf(", \"%s\": \"", key);
	for (size_t i = 0; i < size; i++) {
		const unsigned char c = (unsigned char)s[i];

		if (c < ' ' || c >= 0x7f || c == '"' || c == '\\')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

void put_string(const char *key, const char *s)
{
	put_text(key, s ? s : "", s ? strlen(s) : 0);
}

void put_number(const char *key, uint64_t n)
{
	printf(", \"%s\": %" PRIu64, key, n);
}

void put_optional(const char *key, uint64_t n, uint64_t none)
{
	if (n == none)
		printf(", \"%s\": -1", key);
	else
		put_number(key, n);
}

void begin(const char *what)
{
	printf("{\"what\": \"%s\"", what);
}

void end(void)
{
	puts("}");
}

static void dump_header(const struct trk_header *h)
{
	begin("header");
	put_number("version", h->version);
	put_number("minor", h->minor);
	put_number("start_unix_ns", h->start_unix_ns);
	put_number("content", h->content);
	put_number("page_bytes", h->page_bytes);
	put_number("id", h->id);
	put_number("sample_bytes", h->sample_bytes);
	end();
}

static void dump_module(const struct trk_module *m, uint32_t id)
{
	begin("module");
	put_number("id", id);
	put_string("path", m->path);
	printf(", \"build_id\": \"");
	for (uint32_t i = 0; i < m->build_id_bytes; i++)
		printf("%02x", m->build_id[i]);
	putchar('"');
	put_number("flags", m->flags);
	end();
}

static void dump_tables(const struct capture *c)
{
	for (uint32_t i = 1; i < c->module_count; i++)
		dump_module(&c->modules[i], i);
	for (uint32_t i = 1; i < c->frame_count; i++) {
		begin("frame");
		put_number("id", i);
		put_number("module", c->frames[i].module);
		put_number("offset", c->frames[i].offset);
		end();
	}
	for (uint32_t i = 1; i < c->node_count; i++) {
		begin("node");
		put_number("id", i);
		put_number("parent", c->nodes[i].parent);
		put_number("frame", c->nodes[i].frame);
		end();
	}
	for (uint32_t i = 1; i < c->string_count; i++) {
		begin("string");
		put_number("id", i);
		put_string("text", c->strings[i]);
		end();
	}
}

static void dump_processes(const struct capture *c)
{
	for (uint32_t i = 0; i < c->process_count; i++) {
		const struct trk_process *p = &c->processes[i];

		begin("process");
		put_number("id", i);
		put_number("pid", p->pid);
		put_optional("parent", p->parent, UINT32_MAX);
		put_number("ppid", p->ppid);
		put_number("origin", p->origin);
		put_number("start_ns", p->start_ns);
		put_optional("end_ns", p->end_ns, UINT64_MAX);
		put_number("ended", p->ended);
		put_number("code", p->code);
		put_string("name", p->name);
		put_string("executable", p->executable);
		put_text("command_line", p->command_line, p->command_line_bytes);
		put_number("execs", p->execs);
		put_string("libc", p->libc);
		put_string("host", p->host);
		put_string("system", p->system);
		put_number("titled", p->titled);
		put_string("title", p->title);
		end();
	}
}

static void dump_threads(const struct capture *c)
{
	for (uint32_t i = 0; i < c->thread_count; i++) {
		const struct trk_thread *t = &c->threads[i];

		begin("thread");
		put_number("id", i);
		put_number("process", t->process);
		put_number("tid", t->tid);
		put_number("start_ns", t->start_ns);
		put_optional("end_ns", t->end_ns, UINT64_MAX);
		put_string("name", t->name);
		put_number("main", t->main);
		end();
	}
}

static void dump_symbols(const struct capture *c)
{
	for (uint32_t i = 1; i < c->frame_count; i++) {
		const struct cap_frame *f = &c->frames[i];

		if (f->symbol_count == UINT32_MAX)
			continue;
		begin("symbols");
		put_number("frame", i);
		printf(", \"entries\": [");
		for (uint32_t k = 0; k < f->symbol_count; k++) {
			const struct trk_symbol *s = &c->symbols[f->first_symbol + k];

			printf("%s[%u, %u, %u, %u]", k ? ", " : "", s->function, s->file, s->line,
			       s->inlined);
		}
		putchar(']');
		end();
	}
}

static void dump_mappings(const struct capture *c)
{
	for (uint32_t i = 0; i < c->mapping_count; i++) {
		const struct trk_mapping *m = &c->mappings[i];

		begin("mapping");
		put_number("process", m->process);
		put_number("module", m->module);
		put_number("bias", m->bias);
		put_number("start", m->start);
		put_number("end", m->end);
		put_number("load_time_ns", m->load_time_ns);
		put_optional("unload_time_ns", m->unload_time_ns, UINT64_MAX);
		end();
	}
}

static int by_key(const void *a, const void *b)
{
	const struct cap_value *x = a, *y = b;

	return strcmp(x->key, y->key);
}

/* Sorted by key, each key once, with the value that the library gives for it. */
static void dump_values(const struct capture *c, const char *what, const struct cap_value *values,
			uint32_t count, uint64_t (*get)(const struct capture *c, const char *key))
{
	struct cap_value *sorted = calloc((size_t)count + 1, sizeof(*sorted));

	if (!sorted)
		exit(1);
	if (count)
		memcpy(sorted, values, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_key);
	for (uint32_t i = 0; i < count; i++) {
		if (i && !strcmp(sorted[i].key, sorted[i - 1].key))
			continue;
		begin(what);
		put_string("key", sorted[i].key);
		put_number("value", get(c, sorted[i].key));
		end();
	}
	free(sorted);
}

static void dump_rest(const struct capture *c)
{
	for (uint32_t i = 0; i < c->rss_count; i++) {
		begin("rss");
		put_number("process", c->rss[i].process);
		put_number("time_ns", c->rss[i].time_ns);
		put_number("rss_bytes", c->rss[i].rss_bytes);
		end();
	}
	for (uint32_t i = 0; i < c->notice_count; i++) {
		begin("notice");
		put_string("text", c->notices[i]);
		end();
	}
	dump_values(c, "health", c->health, c->health_count, capture_health);
	dump_values(c, "summary", c->summary, c->summary_count, capture_summary);
}

static void dump_marks(const struct capture *c)
{
	for (uint32_t i = 0; i < c->mark_count; i++) {
		begin("listed_mark");
		put_number("process", c->marks[i].process);
		put_number("thread", c->marks[i].thread);
		put_number("time_ns", c->marks[i].time_ns);
		put_text("label", c->marks[i].label, c->marks[i].label_bytes);
		end();
	}
}

static void dump_domains(const struct capture *c)
{
	for (uint32_t i = 0; i < c->domain_count; i++) {
		const struct trk_domain *const told = &c->domains[i].told;

		begin("domain");
		put_number("process", told->process);
		put_number("execs", told->execs);
		put_number("domain", told->domain);
		put_string("name", told->name);
		end();
	}
}

static void dump_event(const struct trk_event *e)
{
	begin("event");
	put_number("process", e->process);
	put_number("kind", e->kind);
	put_number("time_ns", e->time_ns);
	put_number("thread", e->thread);
	put_number("node", e->node);
	put_number("address", e->address);
	put_number("size", e->size);
	put_number("old_address", e->old_address);
	put_number("old_size", e->old_size);
	put_number("domain", e->domain);
	put_number("call", e->call);
	put_text("label", e->label, e->label_bytes);
	put_number("detail", e->detail);
	end();
}

static int dump_events(struct capture *c, uint32_t process)
{
	struct cursor *k;
	struct trk_event e;
	uint64_t seq;
	int err = cursor_open(&k, c, process);

	if (err)
		return err;
	while ((err = cursor_next(k, &e, &seq)) == 0)
		dump_event(&e);
	cursor_close(k);
	return err < 0 ? err : 0;
}

/* Whether all of it can be read. */
static bool dump(const char *path)
{
	struct trk_fault fault;
	struct capture *c;
	bool damaged = false;
	int err;

	err = capture_open(&c, path, &fault);
	if (err) {
		printf("{\"what\": \"error\", \"kind\": \"%s\"}\n", kinds[-err]);
		return false;
	}
	c->depths_apart = true;
	dump_header(&c->header);
	dump_tables(c);
	dump_processes(c);
	dump_threads(c);
	dump_symbols(c);
	dump_mappings(c);
	dump_rest(c);
	dump_aggregated(c);
	dump_marks(c);
	dump_domains(c);
	damaged |= !dump_looks(c);
	for (uint32_t i = 0; i < c->keyframe_count; i++)
		damaged |= dump_keyframe(c, &c->keyframes[i]) != 0;
	for (uint32_t i = 0; i < c->process_count && !err; i++)
		err = dump_events(c, i);
	if (err)
		printf("{\"what\": \"error\", \"kind\": \"%s\"}\n", kinds[-err]);
	else
		printf("{\"what\": \"end\", \"complete\": %s}\n", c->complete && !damaged ? "true" : "false");
	capture_close(c);
	return !err;
}

int main(int argc, char **argv)
{
	bool whole = true;

	if (argc < 2) {
		fputs("usage: rawdump CAPTURE...\n", stderr);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		if (argc > 2) {
			begin("file");
			end();
		}
		whole &= dump(argv[i]);
		fflush(stdout);
	}
	return whole ? 0 : 1;
}
