/* look_ledger - see look_ledger.h. */
#include "look_ledger.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bounds.h"
#include "proc.h"

#define STEP_BYTES (8u << 20) /* that are read before events are read again */
#define ITEM_BYTES 4u /* of an item, in the file; the mean of each kind is less */
#define AREA_BYTES 200u

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void look_ledger_stopped(struct look_ledger *m, uint32_t pid)
{
	look_use_read(&m->use, pid);
}

void look_ledger_resumed(struct look_ledger *m, uint32_t pid)
{
	if (!look_smaps_read(&m->original, pid))
		m->lacks = "the kernel does not tell the recorder how much of its files is in memory";
}

void look_ledger_begin(struct look_ledger *m, const struct look_scene *s, uint64_t library)
{
	const uint64_t began_ns = now_ns();
	struct look_smaps copy = { 0 };
	const int pagemap = proc_open(s->copy, "pagemap", O_RDONLY);

	m->scene = *s;
	m->begun = pagemap >= 0 && look_smaps_read(&copy, s->copy);
	if (m->begun) {
		const struct look_areas_of of = { .scene = &m->scene, .copy = &copy, .original = &m->original, .library = library, .pagemap = pagemap };

		m->begun = look_areas_find(&m->areas, &of) && look_read_begin(&m->read, s->copy, &m->areas.pages);
	}
	if (!m->begun)
		m->lacks = "the pages of its copy cannot be read, or the recorder has no memory for them";
	if (pagemap >= 0)
		close(pagemap);
	look_smaps_finish(&copy);
	m->chunks = (struct look_chunks){ .scene = &m->scene, .areas = &m->areas, .read = &m->read };
	m->compared = (struct look_contents){ .table = s->table, .read = &m->read };
	m->took_ns = now_ns() - began_ns;
}

bool look_ledger_step(struct look_ledger *m)
{
	const uint64_t began_ns = now_ns();
	bool finished = !m->begun;

	if (!finished && m->chunks.area < m->areas.count && !m->chunks.no_memory) {
		if (!m->scene.foreign_allocator && look_chunks_walk(&m->chunks, STEP_BYTES))
			look_chunks_find_bins(&m->chunks);
		if (m->scene.foreign_allocator)
			m->chunks.area = m->areas.count;
	} else if (!finished) {
		finished = !m->contents || look_contents_compare(&m->compared, STEP_BYTES);
	}
	if (m->chunks.no_memory || m->compared.no_memory)
		m->lacks = "the recorder has no memory for all of it";
	m->took_ns += now_ns() - began_ns;
	return finished;
}

/* ---- writing ---- */

static uint64_t bound(const struct look_ledger *m)
{
	const uint64_t items = (uint64_t)m->areas.pages.count * 2 + m->chunks.count * 2ull + m->chunks.extra_count + (m->compared.numbers ? m->compared.count : 0);

	return 4096 + m->areas.count * (uint64_t)AREA_BYTES + items * ITEM_BYTES;
}

/* The pages of an area, absent ones between the runs. */
static void write_runs(const struct look_ledger *m, struct writer *w, struct memory_coder *c, const struct trk_memory_area *a)
{
	const struct look_pages *const p = &m->areas.pages;
	uint64_t at = a->start;

	for (uint32_t i = look_pages_from(p, a->start); i < p->count && p->runs[i].start < a->end; i++) {
		const uint64_t start = p->runs[i].start > at ? p->runs[i].start : at, end = p->runs[i].end < a->end ? p->runs[i].end : a->end;

		if (start > at)
			memory_coder_run(c, (start - at) / p->page_bytes, MEMORY_ABSENT);
		memory_coder_run(c, (end - start) / p->page_bytes, p->runs[i].state);
		at = end;
		writer_memory_more(w);
	}
	if (at < a->end)
		memory_coder_run(c, (a->end - at) / p->page_bytes, MEMORY_ABSENT);
}

static void write_items(const struct look_ledger *m, struct writer *w, struct memory_coder *c)
{
	for (uint32_t i = 0; i < m->areas.count; i++) {
		memory_coder_area(c, &m->areas.list[i]);
		if (memory_area_is_heap(m->areas.list[i].kind))
			write_runs(m, w, c, &m->areas.list[i]);
		writer_memory_more(w);
	}
	for (uint32_t i = 0; i < m->chunks.count; i++) {
		memory_coder_chunk(c, &m->chunks.list[i]);
		writer_memory_more(w);
	}
	for (uint32_t i = 0; i < m->chunks.extra_count; i++) {
		memory_coder_extra(c, &m->chunks.extras[i]);
		writer_memory_more(w);
	}
	for (uint32_t i = 0; m->compared.numbers && i < m->compared.count; i++) {
		memory_coder_content(c, m->compared.numbers[i]);
		writer_memory_more(w);
	}
}

void look_ledger_write(struct look_ledger *m, struct recorder *r, const struct trk_look *head)
{
	struct trk_memory told = {
		.number = head->number,
		.process = head->process,
		.flags = (m->scene.foreign_allocator ? 0 : MEMORY_GLIBC) | (m->areas.pages.no_zero_pages ? MEMORY_NO_ZERO_PAGES : 0) |
			 (m->compared.numbers && !m->compared.no_memory ? MEMORY_HAS_CONTENTS : 0) | (m->lacks ? MEMORY_CUT : 0),
		.page_bytes = m->areas.pages.page_bytes,
		.resident = m->use.resident,
		.resident_anonymous = m->use.anonymous,
		.resident_files = m->use.files,
		.resident_shared = m->use.shared,
		.swapped = m->use.swapped,
		.took_ns = m->took_ns,
		.lacks = m->lacks,
		.lacks_bytes = m->lacks ? strlen(m->lacks) : 0,
	};
	struct memory_coder *c;

	if (!m->begun || bound(m) > UINT32_MAX || !bounds_take(r, (uint32_t)bound(m)))
		return;
	c = writer_memory_begin(r->writer, &told);
	if (!c)
		return;
	write_items(m, r->writer, c);
	writer_memory_end(r->writer);
}

void look_ledger_finish(struct look_ledger *m)
{
	look_contents_finish(&m->compared);
	look_chunks_finish(&m->chunks);
	look_read_finish(&m->read);
	look_areas_finish(&m->areas);
	look_smaps_finish(&m->original);
}
