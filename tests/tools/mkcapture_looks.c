/* mkcapture_looks - statements of mkcapture about looks at the memory. */
#include "mkcapture.h"

#include <string.h>

static void do_looked(const struct word *w, int n)
{
	const char *const reason = n > 5 ? w[5].text : "", *const label = n > 6 ? w[6].text : "";
	struct trk_look head = { .process = small(w[1].text), .number = (uint32_t)number(w[2].text), .blocks = number(w[4].text), .pid = 1000, .why = n > 7 ? LOOK_WHY_CLASSES : 1 };

	head.graph = n > 7;
	head.time_ns = duration(w[3].text);
	head.threads = 3;
	head.stopped_ns = 4000000;
	head.took_ns = 500000000;
	head.memory_bytes = 123456;
	head.label = label;
	head.label_bytes = strlen(label);
	head.reason = reason;
	head.reason_bytes = strlen(reason);
	writer_look_begin(writer(), &head);
}

static void do_looked_root(const struct word *w, int n)
{
	writer_look_root(writer(), &(struct trk_look_root){ number(w[2].text), number(w[3].text), (uint32_t)number(w[1].text),
							    (uint32_t)number(w[4].text), w[5].text, strlen(w[5].text) });
}

static void do_looked_type(const struct word *w, int n)
{
	const char *const bases = n > 2 ? w[2].text : "";

	writer_look_type(writer(), &(struct trk_look_type){ w[1].text, bases, strlen(w[1].text), strlen(bases) });
}

static void do_looked_references(const struct word *w, int n)
{
	uint32_t to[32];

	for (int i = 2; i < n; i++)
		to[i - 2] = (uint32_t)number(w[i].text);
	writer_look_references(writer(), (uint32_t)number(w[1].text), to, (uint32_t)n - 2);
}

static void do_looked_block(const struct word *w, int n)
{
	writer_look_block(writer(), &(struct trk_look_block){ (uint8_t)number(w[1].text), n > 2 ? (uint8_t)number(w[2].text) : 0,
							      n > 3 ? (uint32_t)number(w[3].text) : 0, n > 4 ? number(w[4].text) : 0,
							      n > 5 ? (uint32_t)number(w[5].text) : 0, n > 6 ? (uint8_t)number(w[6].text) : 0 });
}

static void do_looked_end(const struct word *w, int n)
{
	writer_look_end(writer());
}

static struct memory_coder *memory; /* between memory and memory_end */

static void do_memory(const struct word *w, int n)
{
	memory = writer_memory_begin(writer(), &(struct trk_memory){
						       .process = small(w[1].text),
						       .number = small(w[2].text),
						       .flags = small(w[3].text),
						       .resident = number(w[4].text),
						       .page_bytes = 4096,
						       .resident_anonymous = 3,
						       .resident_files = 2,
						       .resident_shared = 1,
						       .swapped = 8192,
						       .took_ns = 7000000,
						       .lacks = n > 5 ? w[5].text : "",
						       .lacks_bytes = n > 5 ? strlen(w[5].text) : 0,
					       });
}

static void do_memory_area(const struct word *w, int n)
{
	memory_coder_area(memory, &(struct trk_memory_area){ number(w[2].text), number(w[3].text), number(w[4].text), number(w[5].text),
							     number(w[6].text), small(w[1].text), small(w[7].text), w[8].text, strlen(w[8].text) });
}

static void do_memory_run(const struct word *w, int n)
{
	memory_coder_run(memory, number(w[1].text), (enum memory_page)small(w[2].text));
}

static void do_memory_chunk(const struct word *w, int n)
{
	memory_coder_chunk(memory, &(struct trk_memory_chunk){ number(w[1].text), number(w[2].text), small(w[3].text) });
}

static void do_memory_extra(const struct word *w, int n)
{
	memory_coder_extra(memory, &(struct trk_memory_extra){ small(w[1].text), number(w[2].text), number(w[3].text) });
}

static void do_memory_content(const struct word *w, int n)
{
	memory_coder_content(memory, number(w[1].text));
}

static void do_memory_end(const struct word *w, int n)
{
	writer_memory_end(writer());
	memory = NULL;
}

bool do_look(const struct word *w, int n)
{
	static const struct {
		const char *name;
		int min, max; /* words, the first one included */
		void (*run)(const struct word *w, int n);
	} statements[] = {
		{ "looked", 5, 8, do_looked },
		{ "looked_root", 6, 6, do_looked_root },
		{ "looked_type", 2, 3, do_looked_type },
		{ "looked_references", 3, 30, do_looked_references },
		{ "looked_block", 2, 7, do_looked_block },
		{ "looked_end", 1, 1, do_looked_end },
		{ "memory", 5, 6, do_memory },
		{ "memory_area", 9, 9, do_memory_area },
		{ "memory_run", 3, 3, do_memory_run },
		{ "memory_chunk", 4, 4, do_memory_chunk },
		{ "memory_extra", 4, 4, do_memory_extra },
		{ "memory_content", 2, 2, do_memory_content },
		{ "memory_end", 1, 1, do_memory_end },
	};

	for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++) {
		const bool inside = !strncmp(statements[i].name, "memory_", 7);

		if (strcmp(w->text, statements[i].name) != 0)
			continue;
		if (n < statements[i].min || n > statements[i].max || (inside && !memory))
			return false;
		statements[i].run(w, n);
		return true;
	}
	return false;
}
