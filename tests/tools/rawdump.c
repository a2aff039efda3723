/*
 * rawdump - what the replay library reads out of a capture, printed in the form
 * of tests/golden/decode.py, so that the two can be compared line by line:
 * rawdump CAPTURE
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/event.h"
#include "format/keyframe.h"
#include "replay/capture.h"
#include "replay/reader.h"

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

/* , "key": "text" with the bytes taken as Latin-1. */
static void put_text(const char *key, const char *s, size_t size)
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

static void put_string(const char *key, const char *s)
{
	put_text(key, s ? s : "", s ? strlen(s) : 0);
}

static void put_number(const char *key, uint64_t n)
{
	printf(", \"%s\": %" PRIu64, key, n);
}

/* Times and indexes that may be unknown. */
static void put_optional(const char *key, uint64_t n, uint64_t none)
{
	if (n == none)
		printf(", \"%s\": -1", key);
	else
		put_number(key, n);
}

static void begin(const char *what)
{
	printf("{\"what\": \"%s\"", what);
}

static void end(void)
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

static void put_figure(const char *key, const struct trk_figure *f)
{
	printf(", \"%s\": [%" PRIu64 ", %" PRIu64 "]", key, f->count, f->bytes);
}

static void dump_sums(const struct capture *c)
{
	for (uint32_t i = 0; i < c->sum_count; i++) {
		const struct trk_sum *s = &c->sums[i];

		begin("sum");
		put_number("node", s->node);
		put_number("process", s->process);
		put_number("thread", s->thread);
		put_number("kind", s->kind);
		put_number("domain", s->domain);
		put_figure("total", &s->of[TRK_SUM_TOTAL]);
		put_figure("peak", &s->of[TRK_SUM_PEAK]);
		put_figure("own_peak", &s->of[TRK_SUM_OWN_PEAK]);
		put_figure("leaked", &s->of[TRK_SUM_LEAKED]);
		put_figure("temporary", &s->of[TRK_SUM_TEMPORARY]);
		end();
	}
}

static void dump_totals(const struct trk_totals *t)
{
	static const char *const names[TRK_TOTALS] = {
		[TRK_TOTAL_ALLOCATIONS] = "allocations",
		[TRK_TOTAL_FREES] = "frees",
		[TRK_TOTAL_UNMATCHED_FREES] = "unmatched_frees",
		[TRK_TOTAL_BYTES_ALLOCATED] = "bytes_allocated",
		[TRK_TOTAL_BYTES_FREED] = "bytes_freed",
		[TRK_TOTAL_LIVE_BYTES] = "live_bytes",
		[TRK_TOTAL_LIVE_BLOCKS] = "live_blocks",
		[TRK_TOTAL_PEAK_BYTES] = "peak_bytes",
		[TRK_TOTAL_PEAK_BLOCKS] = "peak_blocks",
		[TRK_TOTAL_PEAK_TIME_NS] = "peak_time_ns",
		[TRK_TOTAL_PEAK_EVENT] = "peak_event",
		[TRK_TOTAL_TEMPORARY] = "temporary",
		[TRK_TOTAL_TEMPORARY_BYTES] = "temporary_bytes",
		[TRK_TOTAL_LOST] = "lost",
		[TRK_TOTAL_OVERWRITTEN] = "overwritten",
		[TRK_TOTAL_WIPED_BLOCKS] = "wiped_blocks",
		[TRK_TOTAL_WIPED_BYTES] = "wiped_bytes",
		[TRK_TOTAL_EVENTS] = "events",
	};
	static const char *const reserved[TRK_TOTAL_RESERVED] = {
		[TRK_RESERVED_BYTES] = "reserved_bytes",
		[TRK_RESERVED_MAPPINGS] = "reserved_mappings",
		[TRK_RESERVED_MOST_BYTES] = "reserved_most_bytes",
		[TRK_RESERVED_MOST_MAPPINGS] = "reserved_most_mappings",
		[TRK_RESERVED_PEAK_BYTES] = "reserved_peak_bytes",
	};
	const char *comma = "";
	char kind[8];

	begin("totals");
	put_optional("process", t->process, TRK_ALL_PROCESSES);
	printf(", \"kinds\": {");
	for (uint32_t i = 0; i < TRK_KINDS; i++) {
		if (!t->kinds[i].count && !t->kinds[i].bytes)
			continue;
		snprintf(kind, sizeof(kind), "%u", i);
		printf("%s\"%s\": [%" PRIu64 ", %" PRIu64 "]", comma, kind, t->kinds[i].count,
		       t->kinds[i].bytes);
		comma = ", ";
	}
	putchar('}');
	for (uint32_t i = 0; i < TRK_TOTALS; i++)
		put_number(names[i], t->values[i]);
	for (uint32_t i = 0; i < TRK_TOTAL_RESERVED; i++)
		put_number(reserved[i], t->reserved[i]);
	end();
}

static void dump_history(const struct capture *c, const struct cap_history *h)
{
	begin("history");
	put_optional("process", h->process, TRK_ALL_PROCESSES);
	put_number("shift", h->shift);
	put_number("first", h->first);
	printf(", \"most\": [");
	for (uint32_t i = 0; i < h->count; i++)
		printf("%s%" PRIu64, i ? ", " : "", c->history_spans[h->first_span + i]);
	putchar(']');
	end();
}

static void dump_aggregated(const struct capture *c)
{
	dump_sums(c);
	for (uint32_t i = 0; i < c->total_count; i++)
		dump_totals(&c->totals[i]);
	for (uint32_t i = 0; i < c->size_count; i++) {
		begin("size");
		put_number("process", c->sizes[i].process);
		put_number("size", c->sizes[i].size);
		put_number("count", c->sizes[i].count);
		end();
	}
	for (uint32_t i = 0; i < c->history_count; i++)
		dump_history(c, &c->histories[i]);
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

static void dump_keyframe_block(const struct keyframe_block *b)
{
	begin("keyframe_block");
	put_number("address", b->address);
	put_number("size", b->size);
	put_number("time_ns", b->time_ns);
	put_number("thread", b->thread);
	put_number("node", b->node);
	put_number("kind", b->kind);
	put_number("domain", b->domain);
	put_optional("aside", b->aside ? b->aside_thread : UINT64_MAX, UINT64_MAX);
	put_number("end", b->end);
	put_number("asked", b->asked);
	put_number("back", b->back);
	put_number("state", (b->kind == TRK_MPROTECT) | b->reserved << 1 | b->arena << 2 | b->untouched << 3);
	end();
}

static int dump_part(const uint8_t *raw, size_t bytes)
{
	struct keyframe_decoder d;
	struct keyframe_block b;
	int err = keyframe_open(&d, raw, bytes);

	if (err)
		return err;
	begin("keyframe_part");
	put_number("part", d.head.part);
	put_number("last", d.head.last);
	put_number("events", d.head.events);
	put_number("marks", d.head.marks);
	end();
	while ((err = keyframe_next(&d, &b)) >= 0 && err != TRK_END) {
		if (err == KEYFRAME_BLOCK) {
			dump_keyframe_block(&b);
			continue;
		}
		begin("keyframe_process");
		put_number("index", d.process.index);
		put_number("events", d.process.events);
		put_number("marks", d.process.marks);
		end();
	}
	return err < 0 ? err : 0;
}

static int dump_keyframe(const struct capture *c, const struct cap_keyframe *k)
{
	struct buffer stored = { 0 }, raw = { 0 };
	uint64_t offset = k->offset;
	int err = 0;

	begin("keyframe");
	put_number("time_ns", k->time_ns);
	put_number("begins", k->begins);
	put_number("parts", k->parts);
	end();
	for (uint32_t i = 0; i < k->parts && !err; i++) {
		struct trk_block_header h;

		err = reader_unpack_at(c, offset, &stored, &raw, &h);
		if (!err)
			err = dump_part(raw.bytes, h.raw_bytes);
		offset += TRK_BLOCK_HEADER_BYTES + h.stored_bytes;
	}
	free(stored.bytes);
	free(raw.bytes);
	return err;
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

int main(int argc, char **argv)
{
	struct trk_fault fault;
	struct capture *c;
	bool damaged = false;
	int err;

	if (argc != 2) {
		fputs("usage: rawdump CAPTURE\n", stderr);
		return 2;
	}
	err = capture_open(&c, argv[1], &fault);
	if (err) {
		printf("{\"what\": \"error\", \"kind\": \"%s\"}\n", kinds[-err]);
		return 1;
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
	for (uint32_t i = 0; i < c->keyframe_count; i++)
		damaged |= dump_keyframe(c, &c->keyframes[i]) != 0;
	for (uint32_t i = 0; i < c->process_count && !err; i++)
		err = dump_events(c, i);
	if (err)
		printf("{\"what\": \"error\", \"kind\": \"%s\"}\n", kinds[-err]);
	else
		printf("{\"what\": \"end\", \"complete\": %s}\n", c->complete && !damaged ? "true" : "false");
	capture_close(c);
	return err ? 1 : 0;
}
