/*
 * export_pprof - the profiles of `go tool pprof`, Pyroscope, Parca and others: a protobuf message in gzip
 * (https://github.com/google/pprof/blob/main/proto/profile.proto; the encoding: https://protobuf.dev/programming-guides/encoding).
 *
 * Each source frame is a location of its own, inlined ones included, because several readers look at the last line of a
 * location only. Addresses are offsets in modules: a stack may have been met in several processes.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "export/export.h"
#include "format/array.h"
#include "replay/capture.h"

/* ---- the message ---- */

struct message {
	uint8_t *bytes;
	size_t count, room;
	bool failed; /* there was no memory: nothing more is taken */
};

static void put_bytes(struct message *m, const void *bytes, size_t n)
{
	if (m->failed || !ARRAY_ROOM(m->bytes, m->room, m->count + n, 4096)) {
		m->failed = true;
		return;
	}
	if (n)
		memcpy(m->bytes + m->count, bytes, n);
	m->count += n;
}

static void put_varint(struct message *m, uint64_t value)
{
	uint8_t bytes[10];
	size_t n = 0;

	for (; value > 127; value >>= 7)
		bytes[n++] = (uint8_t)(value | 128);
	bytes[n++] = (uint8_t)value;
	put_bytes(m, bytes, n);
}

/* Numbers that are 0 are left out: that is what they are for a reader who does not meet them. */
static void put_number(struct message *m, unsigned field, uint64_t value)
{
	if (!value)
		return;
	put_varint(m, field << 3);
	put_varint(m, value);
}

static void put_text(struct message *m, unsigned field, const void *bytes, size_t n)
{
	put_varint(m, field << 3 | 2);
	put_varint(m, n);
	put_bytes(m, bytes, n);
}

/* A message within the message; `part` is empty again. */
static void put_part(struct message *m, unsigned field, struct message *part)
{
	m->failed |= part->failed;
	put_text(m, field, part->bytes, part->count);
	part->count = 0;
}

/* ---- texts ---- */

/* The table of texts: these, the names of the capture's threads, the texts of x->names, and the build-ids of modules. */
enum text {
	TEXT_NONE,
	TEXT_BYTES,
	TEXT_COUNT,
	TEXT_SPACE,
	TEXT_THREAD,
	TEXT_THREAD_ID,
	TEXT_PROCESS,
	TEXT_TYPES, /* a count and bytes of each metric, by which `go tool pprof -sample_index` chooses */
	TEXT_OWN = TEXT_TYPES + 2 * EXPORT_METRICS,
};

static const char *const texts[TEXT_OWN] = {
	"",
	"bytes",
	"count",
	"space",
	"thread_name",
	"thread_id",
	"pid",
	"alloc_objects",
	"alloc_space",
	"inuse_objects",
	"inuse_space",
	"peak_objects",
	"peak_space",
	"temp_objects",
	"temp_space",
};

struct profile {
	struct export *x;
	const struct capture *capture;
	struct message whole, part, inner;
	bool *is_left; /* by text: it is the path of a module that stands in a stack and was not written yet */
};

static uint64_t text_of_thread(const struct profile *p, uint32_t thread)
{
	return *p->capture->threads[thread].name ? TEXT_OWN + (uint64_t)thread : 0;
}

static uint64_t text_of_name(const struct profile *p, uint32_t text)
{
	return text ? TEXT_OWN + (uint64_t)p->capture->thread_count + text : 0;
}

static uint64_t text_of_build(const struct profile *p, uint32_t module)
{
	return p->capture->modules[module].build_id_bytes ? TEXT_OWN + (uint64_t)p->capture->thread_count + p->x->names.text_count + module : 0;
}

static void put_string(struct profile *p, const char *s)
{
	put_text(&p->whole, 6, s, strlen(s));
}

/* Texts must be UTF-8; names in a capture are whatever programs have said. */
static void put_name(struct profile *p, const char *s)
{
	char *text = NULL;
	size_t n = 0;
	FILE *const m = open_memstream(&text, &n);

	if (m)
		ui_text(m, s);
	char *const whole = m ? ui_memstream_end(m, &text) : NULL;

	p->whole.failed |= !whole;
	if (whole)
		put_string(p, whole);
	free(whole);
}

static void put_texts(struct profile *p)
{
	const struct capture *const c = p->capture;

	for (unsigned i = 0; i < TEXT_OWN; i++)
		put_string(p, texts[i]);
	for (uint32_t i = 0; i < c->thread_count; i++)
		put_name(p, c->threads[i].name);
	for (uint32_t i = 0; i < p->x->names.text_count; i++)
		put_name(p, flame_text(&p->x->names, i));
	for (uint32_t i = 0; i < c->module_count; i++) {
		char hex[2 * 64 + 1] = "";

		for (uint32_t k = 0; i && k < c->modules[i].build_id_bytes && k < 64; k++)
			snprintf(hex + 2 * k, 3, "%02x", c->modules[i].build_id[k]);
		put_string(p, hex);
	}
}

/* ---- samples ---- */

static void put_type(struct message *to, unsigned field, struct message *part, uint64_t type, uint64_t unit)
{
	put_number(part, 1, type);
	put_number(part, 2, unit);
	put_part(to, field, part);
}

static void put_types(struct profile *p)
{
	for (unsigned i = 0; i < 2 * EXPORT_METRICS; i++)
		put_type(&p->whole, 1, &p->part, TEXT_TYPES + i, i % 2 ? TEXT_BYTES : TEXT_COUNT);
	put_type(&p->whole, 11, &p->part, TEXT_SPACE, TEXT_BYTES);
	put_number(&p->whole, 12, p->capture->header.sample_bytes ? p->capture->header.sample_bytes : 1);
	put_number(&p->whole, 14, TEXT_TYPES + 2 * (p->x->report->has_point ? EXPORT_LIVE : EXPORT_PEAK) + 1);
}

static void put_label(struct profile *p, uint64_t key, uint64_t text, uint64_t number)
{
	put_number(&p->inner, 1, key);
	put_number(&p->inner, 2, text);
	put_number(&p->inner, 3, number);
	put_part(&p->part, 3, &p->inner);
}

static void put_labels(struct profile *p, const struct export_row *row)
{
	const struct capture *const c = p->capture;

	if (c->process_count > 1 && row->process < c->process_count)
		put_label(p, TEXT_PROCESS, 0, c->processes[row->process].pid);
	if (row->thread >= c->thread_count)
		return;
	if (text_of_thread(p, row->thread))
		put_label(p, TEXT_THREAD, text_of_thread(p, row->thread), 0);
	put_label(p, TEXT_THREAD_ID, 0, c->threads[row->thread].tid);
}

static bool put_sample(struct profile *p, const struct export_row *row)
{
	size_t count;
	const uint32_t *const stack = export_stack(p->x, row, &count);

	if (!stack)
		return false;
	for (size_t i = 0; i < count; i++)
		put_varint(&p->inner, stack[i]);
	put_part(&p->part, 1, &p->inner);
	for (unsigned m = 0; m < EXPORT_METRICS; m++) {
		put_varint(&p->inner, row->of[m].count);
		put_varint(&p->inner, row->of[m].bytes);
	}
	put_part(&p->part, 2, &p->inner);
	put_labels(p, row);
	put_part(&p->whole, 2, &p->part);
	return true;
}

/* ---- places ---- */

/*
 * A mapping's number is that of its path's text. All names were looked up here: a reader who is not told so looks for the
 * files himself. Readers call the first mapping the program.
 */
static void put_modules(struct profile *p, bool of_programs)
{
	const struct flame_names *const n = &p->x->names;

	for (uint32_t i = 1; i < p->capture->module_count; i++) {
		const struct trk_module *const m = &p->capture->modules[i];
		const uint32_t text = flame_names_text(n, m->path);

		if (!text || !p->is_left[text] || of_programs != !!(m->flags & TRK_MODULE_MAIN))
			continue;
		p->is_left[text] = false;
		put_number(&p->part, 1, text);
		put_number(&p->part, 5, text_of_name(p, text));
		put_number(&p->part, 6, text_of_build(p, i));
		for (unsigned field = 7; field <= 10; field++)
			put_number(&p->part, field, 1);
		put_part(&p->whole, 3, &p->part);
	}
}

static bool put_all_modules(struct profile *p)
{
	const struct flame_names *const n = &p->x->names;

	p->is_left = calloc(n->text_count, sizeof(*p->is_left));
	for (uint32_t i = 0; p->is_left && i < n->frame_count; i++)
		p->is_left[n->frames[i].module] = true;
	if (p->is_left) {
		put_modules(p, true);
		put_modules(p, false);
	}
	return p->is_left;
}

/* Each frame is a location with one line. Those of one function share that. */
static void put_places(struct profile *p)
{
	const struct flame_names *const n = &p->x->names;

	for (uint32_t i = 1; i < n->frame_count; i++) {
		const struct flame_frame *const f = &n->frames[i];

		put_number(&p->inner, 1, f->ident);
		put_number(&p->inner, 2, f->line);
		put_number(&p->part, 1, i);
		put_number(&p->part, 2, f->module);
		put_part(&p->part, 4, &p->inner);
		put_part(&p->whole, 4, &p->part);
		if (f->ident != i)
			continue;
		put_number(&p->part, 1, i);
		put_number(&p->part, 2, text_of_name(p, f->full));
		put_number(&p->part, 3, text_of_name(p, f->full));
		put_number(&p->part, 4, text_of_name(p, f->file));
		put_part(&p->whole, 5, &p->part);
	}
}

/* ---- the file ---- */

static bool put_packed(const struct message *m, FILE *f)
{
	z_stream z = { 0 };
	uint8_t out[1 << 16];
	size_t done = 0;
	int state = Z_OK;

	if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	while (state != Z_STREAM_END) {
		const size_t n = m->count - done < 1u << 30 ? m->count - done : 1u << 30;

		z.next_in = m->bytes + done;
		z.avail_in = (uInt)n;
		done += n;
		do {
			z.next_out = out;
			z.avail_out = sizeof(out);
			state = deflate(&z, done == m->count ? Z_FINISH : Z_NO_FLUSH);
			fwrite(out, 1, sizeof(out) - z.avail_out, f);
		} while (!z.avail_out);
	}
	deflateEnd(&z);
	return true;
}

int export_pprof(struct export *x, const struct export_options *o, FILE *f)
{
	struct profile p = { .x = x, .capture = x->report->capture };
	bool done = true;

	(void)o;
	put_types(&p);
	for (size_t i = 0; i < x->row_count && done; i++)
		done = put_sample(&p, &x->rows[i]);
	done = done && put_all_modules(&p);
	put_places(&p);
	put_texts(&p);
	put_number(&p.whole, 9, x->report->capture->header.start_unix_ns);
	put_number(&p.whole, 10, x->end_ns);
	done = done && !p.whole.failed && put_packed(&p.whole, f);
	free(p.whole.bytes);
	free(p.part.bytes);
	free(p.inner.bytes);
	free(p.is_left);
	return done ? 0 : TRK_ERR_NOMEM;
}
