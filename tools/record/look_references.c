/*
 * look_references - see look_references.h.
 *
 * Base classes by the Itanium ABI: behind its name, the type information of a class with one base has the address of that of the base; of one with
 * several, flags, their number, and for each such an address and an offset. The type information names its own class.
 */
#include "look_references.h"
#include "proc.h"

#include <stdlib.h>
#include <string.h>

#include "format/look_parts.h"

#define NAME_BYTES 256u
#define DEPTH_MAX 16u

struct reading {
	uint32_t copy, count;
	char text[LOOK_LABEL_BYTES];
	size_t bytes;
};

/* "": it is no name, or too long. */
static void get_name(const struct reading *x, uint64_t address, char name[NAME_BYTES])
{
	const size_t n = proc_read(x->copy, address, name, NAME_BYTES - 1);

	if (!n || !memchr(name, 0, n))
		name[0] = 0;
	if (name[0] == '*') /* so begins a name that counts only by its address */
		memmove(name, name + 1, strlen(name));
	name[strcspn(name, "\n")] = 0;
}

/* Whether the class of the type information is that class of the C++ runtime. */
static bool is_kind(const struct reading *x, uint64_t type, const char *ending)
{
	const uint64_t table = proc_word(x->copy, type);
	char name[NAME_BYTES];
	size_t n, m = strlen(ending);

	get_name(x, table ? proc_word(x->copy, proc_word(x->copy, table - 8) + 8) : 0, name);
	n = strlen(name);
	return n > m && strcmp(name + n - m, ending) == 0;
}

static void add_bases(struct reading *x, uint64_t type, unsigned depth);

static void add(struct reading *x, uint64_t type, unsigned depth)
{
	char name[NAME_BYTES];
	size_t n;

	get_name(x, proc_word(x->copy, type + 8), name);
	n = strlen(name);
	if (!n || depth > DEPTH_MAX || x->count == LOOK_BASES_MAX || x->bytes + n + 1 >= sizeof(x->text))
		return;
	if (x->bytes)
		x->text[x->bytes++] = '\n';
	memcpy(x->text + x->bytes, name, n + 1);
	x->bytes += n;
	x->count++;
	add_bases(x, type, depth);
}

static void add_bases(struct reading *x, uint64_t type, unsigned depth)
{
	struct {
		uint32_t flags, count;
	} head = { 0, 0 };

	if (is_kind(x, type, "20__si_class_type_infoE"))
		add(x, proc_word(x->copy, type + 16), depth + 1);
	else if (is_kind(x, type, "21__vmi_class_type_infoE") && proc_read(x->copy, type + 16, &head, sizeof(head)) == sizeof(head))
		for (uint32_t i = 0; i < head.count && i < LOOK_BASES_MAX; i++)
			add(x, proc_word(x->copy, type + 24 + 16 * i), depth + 1);
}

/* NULL: it could not be read, or there is no memory. */
static void *take(uint32_t pid, const void *there, uint64_t bytes)
{
	uint8_t *const here = malloc(bytes + 8);

	if (here && proc_read(pid, (uint64_t)(uintptr_t)there, here, bytes) == bytes)
		return here;
	free(here);
	return NULL;
}

/* What the copy counted is what there is. */
static bool is_sound(const struct look_references *r, const struct look_marking *there)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < there->block_count; i++)
		sum += r->counts[i];
	return sum == there->target_count;
}

void look_references_read(struct look_references *r, uint32_t marker, uint32_t copy, const struct look_marking *there)
{
	struct reading x = { .copy = copy };
	struct look_type *const types = take(marker, there->types, LOOK_TYPES * sizeof(*types));

	look_references_finish(r);
	r->counts = take(marker, there->counts, there->block_count * sizeof(*r->counts));
	r->targets = take(marker, there->targets, there->target_count * sizeof(*r->targets));
	r->bases = calloc(LOOK_TYPES, sizeof(*r->bases));
	r->target_count = there->target_count;
	r->cut = there->cut;
	for (uint32_t i = 0; types && r->bases && i < LOOK_TYPES; i++) {
		x.count = 0;
		x.bytes = 0;
		x.text[0] = 0;
		if (types[i].table)
			add_bases(&x, proc_word(x.copy, types[i].table - 8), 0);
		if (x.bytes)
			r->bases[i] = strdup(x.text);
	}
	free(types);
	if (!r->counts || !r->targets || !r->bases || !is_sound(r, there))
		look_references_finish(r);
}

void look_references_finish(struct look_references *r)
{
	for (uint32_t i = 0; r->bases && i < LOOK_TYPES; i++)
		free(r->bases[i]);
	free(r->bases);
	free(r->counts);
	free(r->targets);
	*r = (struct look_references){ 0 };
}
