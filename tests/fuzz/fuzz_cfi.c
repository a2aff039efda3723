/*
 * fuzz_cfi - unwind information out of any bytes, as a damaged or packed program has it: found, read and
 * interpreted without a look at what lies outside the module, whatever it says. The first byte chooses: even, the
 * rest is a module that begins with its .eh_frame_hdr; odd, it is a function's instructions and an expression.
 */
#include "chunk.h"
#include "fuzz.h"

#include "modules_fallback.h"
#include "rules.c" /* for what it makes of a row, without its table */
#include "rules_modules.c"

/* ---- what the rest of the library would do ---- */

struct tracker_state state;
static struct cfi_module module;
static struct shm_process process;

void python_met(const void *link_map)
{
	(void)link_map;
}

bool modules_fallback_find(uintptr_t pc, struct cfi_module *ret)
{
	(void)pc;
	*ret = module;
	return module.start != 0;
}

bool chunk_may_call(const struct thread *t)
{
	(void)t;
	return true;
}

bool chunk_could_call(const struct thread *t)
{
	(void)t;
	return true;
}

bool send_module(struct thread *t, const struct wire_record *m, const char *directory, uint32_t directory_bytes)
{
	(void)t;
	MUST(m->build_id_bytes <= 64);
	(void)directory;
	(void)directory_bytes;
	return true;
}

/* Memory that an expression may read. */
static bool readable(void *data, uintptr_t address)
{
	const struct cfi_module *const m = data;

	return address >= m->start && address < m->end && m->end - address >= sizeof(uintptr_t);
}

static uintptr_t registers[REG_COUNT];

static void run_row(const struct cfi_row *row)
{
	uintptr_t value;

	(void)rules_is_kernel_frame(row);
	if (row->cfa.how == CFI_EXPRESSION)
		(void)cfi_expression((const uint8_t *)(intptr_t)row->cfa.value, registers, false, 0,
				     readable, &module, &value);
	for (unsigned i = 0; i < REG_COUNT; i++)
		if (row->reg[i].how == CFI_EXPRESSION || row->reg[i].how == CFI_IS_EXPRESSION)
			(void)cfi_expression((const uint8_t *)(intptr_t)row->reg[i].value, registers,
					     true, 1, readable, &module, &value);
}

static void look_up(uintptr_t pc)
{
	static struct cfi_scratch scratch;
	static struct thread thread;
	struct rule rule;
	struct cfi_fde f;

	if (cfi_fde_at(&module, pc, &f) == 0 && cfi_row_at(&f, pc, &scratch) == 0)
		run_row(&scratch.row);
	compute(&thread, pc, pc % 2, &rule);
}

/* Pcs in the module, and where the functions begin that its sorted table tells of. */
static void as_module(const uint8_t *data, size_t size)
{
	module = (struct cfi_module){ .start = (uintptr_t)data, .end = (uintptr_t)data + size, .eh_frame_hdr = data };
	for (size_t i = 0; i < 4; i++)
		look_up(module.start + size / 4 * i);
	for (size_t at = 12; at + 8 <= size && at < 12 + 8 * 4; at += 8) {
		int32_t start;

		memcpy(&start, data + at, sizeof(start));
		for (intptr_t i = 0; i < 40; i += 9)
			look_up(module.start + (uintptr_t)(intptr_t)start + (uintptr_t)i);
	}
	rules_modules[0].start = 0;
}

/* Alignments, how many bytes are the CIE's instructions, then all of them. */
static void as_instructions(const uint8_t *data, size_t size)
{
	static struct cfi_scratch scratch;
	struct cfi_fde f = { .start = 1000 };

	if (size < 4)
		return;
	f.code_align = data[0];
	f.data_align = (int8_t)data[1];
	f.pointer_encoding = data[2];
	f.initial = data + 4;
	f.initial_end = f.initial + (data[3] < size - 4 ? data[3] : size - 4);
	f.instructions = f.initial_end;
	f.end = data + size;
	module = (struct cfi_module){ .start = (uintptr_t)data, .end = (uintptr_t)data + size };
	for (uintptr_t pc = 1000; pc < 1000 + 64; pc += 9)
		if (cfi_row_at(&f, pc, &scratch) == 0)
			run_row(&scratch.row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	uint8_t *copy;

	state.process = &process;
	if (!started) /* whose rules are dropped where one module took the place of another */
		MUST(started = rules_start());
	if (!size)
		return 0;
	copy = malloc(size > 1 ? size - 1 : 1); /* aligned, and of the exact size */
	MUST(copy);
	memcpy(copy, data + 1, size - 1);
	if (data[0] % 2)
		as_instructions(copy, size - 1);
	else
		as_module(copy, size - 1);
	free(copy);
	return 0;
}
