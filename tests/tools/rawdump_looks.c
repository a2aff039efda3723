/* rawdump_looks - what looks at the memory found. */
#include "rawdump.h"

#include <string.h>

#include "replay/looked_memory.h"
#include "replay/looks.h"

static void dump_look(const struct looked *l)
{
	begin("look");
	put_number("process", l->head.process);
	put_number("number", l->head.number);
	put_number("time_ns", l->head.time_ns);
	put_number("pid", l->head.pid);
	put_number("why", l->head.why);
	put_number("how", l->head.how);
	put_number("flags", l->head.flags);
	put_number("threads", l->head.threads);
	put_number("stopped_ns", l->head.stopped_ns);
	put_number("took_ns", l->head.took_ns);
	put_number("memory_bytes", l->head.memory_bytes);
	put_number("judged", l->head.blocks);
	put_text("label", l->head.label, l->head.label_bytes);
	put_text("reason", l->head.reason, l->head.reason_bytes);
	put_number("last", l->last);
	end();
	for (uint32_t i = 0; i < l->root_count; i++) {
		begin("look_root");
		put_number("kind", l->roots[i].kind);
		put_number("start", l->roots[i].start);
		put_number("end", l->roots[i].end);
		put_number("tid", l->roots[i].tid);
		put_text("name", l->roots[i].name, l->roots[i].name_bytes);
		end();
	}
	for (uint32_t i = 0; i < l->type_count; i++) {
		begin("look_type");
		put_string("name", l->types[i]);
		put_string("bases", l->bases[i]);
		end();
	}
	for (uint32_t i = 0; i < l->count; i++) {
		begin("look_block");
		put_number("verdict", l->verdicts[i].verdict);
		put_number("come", l->verdicts[i].from);
		put_number("parent", l->verdicts[i].parent);
		put_number("offset", l->verdicts[i].offset);
		put_number("type", l->verdicts[i].type);
		put_number("held", l->verdicts[i].held);
		end();
	}
	for (uint32_t i = 0; i < l->count; i++)
		for (uint64_t k = l->first ? l->first[i] : 0; l->first && k < l->first[i + 1]; k++) {
			begin("look_reference");
			put_number("block", i);
			put_number("to", l->targets[k]);
			end();
		}
}

static void dump_items(const struct looked_memory *m)
{
	for (uint32_t i = 0; i < m->run_count; i++) {
		begin("memory_run");
		put_number("start", m->runs[i].start);
		put_number("end", m->runs[i].end);
		put_number("state", m->runs[i].state);
		end();
	}
	for (uint32_t i = 0; i < m->chunk_count; i++) {
		begin("memory_chunk");
		put_number("start", m->chunks[i].start);
		put_number("bytes", m->chunks[i].bytes);
		put_number("kind", m->chunks[i].kind);
		end();
	}
	for (uint32_t i = 0; i < m->extra_count; i++) {
		begin("memory_extra");
		put_number("block", m->extras[i].block);
		put_number("slack", m->extras[i].slack);
		put_number("header", m->extras[i].header);
		end();
	}
	for (uint32_t i = 0; i < m->content_count; i++) {
		begin("memory_content");
		put_number("content", m->contents[i]);
		end();
	}
}

/* What the memory consisted of at that look, if that is known. */
static bool dump_memory(const struct capture *c, const uint32_t *numbers, const struct trk_look *head)
{
	struct looked_memory m;
	const int err = looked_memory_read(&m, c, numbers, head->process, head->number);

	if (!err) {
		begin("memory");
		put_number("flags", m.head.flags);
		put_number("page_bytes", m.head.page_bytes);
		put_number("resident", m.head.resident);
		put_number("anonymous", m.head.resident_anonymous);
		put_number("files", m.head.resident_files);
		put_number("shared", m.head.resident_shared);
		put_number("swapped", m.head.swapped);
		put_number("took_ns", m.head.took_ns);
		put_text("lacks", m.lacks, strlen(m.lacks));
		end();
		for (uint32_t i = 0; i < m.area_count; i++) {
			const struct trk_memory_area *const a = &m.areas[i];

			begin("memory_area");
			put_number("kind", a->kind);
			put_number("start", a->start);
			put_number("end", a->end);
			put_number("resident", a->resident);
			put_number("swapped", a->swapped);
			put_number("huge", a->huge);
			put_number("tid", a->tid);
			put_text("name", a->name, a->name_bytes);
			end();
		}
		dump_items(&m);
	}
	looked_memory_finish(&m);
	return err != TRK_ERR_CORRUPT;
}

/* By process and number. */
bool dump_looks(const struct capture *c)
{
	struct looks l;
	struct memory_heads heads;
	bool fine = looks_read(&l, c, UINT32_MAX, LOOKS_GRAPHS) == 0;

	fine &= memory_heads_read(&heads, c, UINT32_MAX) == 0 && !heads.damaged;
	for (uint32_t p = 0; p < c->process_count; p++)
		for (uint64_t number = 0; number <= UINT32_MAX;) {
			const struct looked *next = NULL;

			for (uint32_t i = 0; i < l.count; i++)
				if (l.list[i].head.process == p && l.list[i].head.number > number && (!next || l.list[i].head.number < next->head.number))
					next = &l.list[i];
			if (!next)
				break;
			dump_look(next);
			fine &= dump_memory(c, heads.numbers, &next->head);
			number = next->head.number;
		}
	looks_finish(&l);
	memory_heads_finish(&heads);
	return fine;
}
