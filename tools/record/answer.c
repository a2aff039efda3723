/* answer - see answer.h. */
#include "answer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tracked_classes.h"
#include "deliver.h"
#include "forks.h"
#include "libtracker/tracker.h"
#include "look.h"
#include "node_frames.h"
#include "own_capture.h"
#include "pools.h"
#include "proc.h"
#include "process_domains.h"
#include "python_codes.h"
#include "releases.h"
#include "snapshots.h"
#include "traced.h"
#include "waker.h"

/* A question that is being answered. The entry is the program's memory, so its contents were read once. */
struct asked {
	struct recorder *r;
	struct process *p;
	uint32_t node; /* of the stack that came with the question */
	uint32_t entry;
	uint64_t given[4], figures[6];
	uint32_t count;
	bool waits; /* the answer comes later */
	union {
		uint8_t answer[SHM_ANSWER_BYTES];
		struct shm_frame frames[SHM_ANSWER_BYTES / sizeof(struct shm_frame)];
	};
};

/* ---- the answers: enum tracker_error ---- */

static void stop_trace(struct recorder *r, struct process *p);

static int start(struct asked *a)
{
	if (a->p->trace) {
		a->figures[0] = trace_nframe(a->p->trace);
		return TRACKER_OK;
	}
	if (a->given[0] < 1 || a->given[0] > TRACKER_NFRAME_MAX)
		return TRACKER_EINVAL;
	a->p->trace = trace_new((uint32_t)a->given[0], a->r->rotation.header.page_bytes);
	a->r->traced += a->p->trace != NULL;
	a->figures[0] = a->given[0];
	return a->p->trace ? TRACKER_OK : TRACKER_ENOMEM;
}

static int stop(struct asked *a)
{
	stop_trace(a->r, a->p);
	return TRACKER_OK;
}

static int reset_peak(struct asked *a)
{
	trace_reset_peak(a->p->trace);
	return TRACKER_OK;
}

static int memory(struct asked *a)
{
	const struct trace_memory m = trace_memory(a->p->trace, a->given[0]);

	a->figures[0] = m.bytes;
	a->figures[1] = m.peak_bytes;
	return TRACKER_OK;
}

/* The memory that was allocated, and the chunks that are in use. */
uint64_t answer_cost(const struct recorder *r)
{
	const struct mallinfo2 m = mallinfo2();
	uint64_t chunks = 0;

	for (unsigned i = 0; i < SHM_BITMAP_WORDS; i++)
		chunks += (uint64_t)__builtin_popcountll(atomic_load_explicit(&r->shm->chunk_bitmap[i], memory_order_relaxed));
	return m.uordblks + m.hblkhd + chunks * SHM_CHUNK_BYTES;
}

static int cost(struct asked *a)
{
	a->figures[0] = answer_cost(a->r);
	return TRACKER_OK;
}

static int lost(struct asked *a)
{
	a->figures[0] = trace_lost(a->p->trace);
	return TRACKER_OK;
}

static int block(struct asked *a)
{
	struct heap_block b;
	struct stack s;

	if (a->given[0] > UINT32_MAX || !trace_block(a->p->trace, (uint32_t)a->given[0], a->given[1], &b))
		return TRACKER_ENOENT;
	s = stack_look(a->r->writer, b.node, python_frames_kept(a->p, trace_nframe(a->p->trace)));
	a->figures[0] = b.address;
	a->figures[1] = b.size;
	a->figures[2] = s.node;
	a->figures[3] = s.kept;
	a->figures[4] = s.total;
	return TRACKER_OK;
}

/* The program names nodes. A node that does not exist has no frames. */
static int frames(struct asked *a)
{
	const struct writer *const w = a->r->writer;
	uint32_t node = a->given[0] <= writer_node_count(w) ? (uint32_t)a->given[0] : 0;
	uint64_t skip = a->given[1];

	while (node && a->count < sizeof(a->frames) / sizeof(*a->frames)) {
		struct shm_frame *const f = &a->frames[a->count];

		*f = (struct shm_frame){ 0 };
		node = stack_next(w, node, &f->module, &f->offset);
		if (skip)
			skip--;
		else
			a->count++;
	}
	return TRACKER_OK;
}

static int put_text(struct asked *a, const char *text)
{
	const size_t bytes = strlen(text);

	a->count = (uint32_t)(bytes < sizeof(a->answer) ? bytes : sizeof(a->answer));
	memcpy(a->answer, text, a->count);
	return TRACKER_OK;
}

/* NULL: there is none of that number. */
static const struct embed_module *module_of(const struct asked *a)
{
	return a->given[0] && a->given[0] < a->r->module_count ? &a->r->modules[a->given[0]] : NULL;
}

static int module(struct asked *a)
{
	const struct embed_module *const m = module_of(a);

	if (!m)
		return TRACKER_ENOENT;
	if (m->record.build_id_bytes <= SHM_BUILD_ID_BYTES) {
		a->figures[0] = m->record.build_id_bytes;
		memcpy(&a->figures[1], m->record.build_id, m->record.build_id_bytes);
	}
	return put_text(a, m->record.path);
}

static int function(struct asked *a)
{
	uint32_t line;

	a->count = python_texts(a->r, (uint32_t)a->given[0], a->given[1], (char *)a->answer, sizeof(a->answer), &line);
	a->figures[0] = line;
	return a->count ? TRACKER_OK : TRACKER_ENOENT;
}

static int put_descriptor(struct asked *a, int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
	return put_text(a, path);
}

static int module_file(struct asked *a)
{
	const struct embed_module *const m = module_of(a);

	return m && m->fd >= 0 ? put_descriptor(a, m->fd) : TRACKER_ENOENT;
}

static int snapshot(struct asked *a)
{
	const int64_t number = snapshot_take(a->r, a->p, a->p->trace);

	if (number < 0)
		return number == TRK_ERR_NOMEM ? TRACKER_ENOMEM : TRACKER_EIO;
	a->figures[0] = (uint64_t)number;
	return TRACKER_OK;
}

static int snapshot_file(struct asked *a)
{
	int fd;

	switch (snapshot_look(a->r, a->given[0], &fd)) {
	case SNAPSHOT_BEING_WRITTEN:
		a->waits = true;
		return TRACKER_OK;
	case SNAPSHOT_WRITTEN:
		return put_descriptor(a, fd);
	case SNAPSHOT_FAILED:
		return TRACKER_ENOMEM;
	case SNAPSHOT_UNKNOWN:
		break;
	}
	return TRACKER_ENOENT;
}

static int snapshot_done(struct asked *a)
{
	snapshot_drop(a->r, a->given[0]);
	return TRACKER_OK;
}

/* ---- captures ---- */

static int refuse(struct asked *a, int error)
{
	a->figures[0] = (uint64_t)error;
	return TRACKER_EIO;
}

static int capture(struct asked *a)
{
	const struct own_capture_setup setup = {
		.nframe = a->given[1] >= 1 && a->given[1] <= TRACKER_NFRAME_MAX ? (uint32_t)a->given[1] : TRACKER_NFRAME_MAX,
		.flags = (uint32_t)a->given[2],
		.memory_interval_ns = a->given[3],
	};
	int fd;

	if (a->p->capture && !own_capture_has_ended(a->p->capture))
		return TRACKER_EBUSY;
	own_capture_free(a->p->capture);
	a->r->traced -= a->p->capture != NULL;
	a->p->capture = NULL;
	fd = own_capture_open(a->r, a->p, a->given[0]);
	if (fd < 0)
		return refuse(a, errno);
	(void)!ftruncate(fd, 0); /* /dev/null has no length */
	a->p->capture = own_capture_begin(a->r, a->p, fd, &setup);
	if (!a->p->capture)
		return refuse(a, errno);
	a->r->traced++;
	return TRACKER_OK;
}

static int capture_end(struct asked *a)
{
	int error;

	if (!a->p->capture)
		return TRACKER_ENOENT;
	own_capture_end(a->p->capture);
	a->waits = !own_capture_is_finished(a->p->capture, false, &error);
	return a->waits || !error ? TRACKER_OK : refuse(a, error);
}

/* ---- releases ---- */

/* What the program is about to release: the recording's own live set knows all of its blocks. */
static int release(struct asked *a)
{
	struct release_check c = {
		.address = a->given[0],
		.kind = (uint8_t)a->given[1],
		.node = a->node,
		.inherits = a->p->origin == TRK_FORKED && !a->p->execs,
	};

	if (a->r->heap_stopped || a->r->aggregate)
		return TRACKER_OK;
	if (!a->p->releases)
		a->p->releases = releases_new();
	a->figures[5] = a->p->releases ? releases_check(a->p->releases, a->r->heap, a->p->index, &c) : 0;
	a->figures[0] = c.size;
	a->figures[1] = stack_look(a->r->writer, a->node, UINT32_MAX).node;
	a->figures[2] = stack_look(a->r->writer, c.allocated, UINT32_MAX).node;
	a->figures[3] = stack_look(a->r->writer, c.released, UINT32_MAX).node;
	a->figures[4] = a->p->trace ? trace_nframe(a->p->trace) : TRACKER_NFRAME_MAX;
	return TRACKER_OK;
}

static int survivors(struct asked *a)
{
	const int64_t number = a->p->capture ? snapshot_take(a->r, a->p, own_capture_trace(a->p->capture)) : TRK_ERR_IO;

	a->figures[0] = number < 0 ? 0 : (uint64_t)number;
	return number < 0 ? TRACKER_EIO : TRACKER_OK;
}

static int look(struct asked *a)
{
	return look_answer(a->r, a->p, a->entry, a->given[0], a->figures, &a->waits);
}

static int classes(struct asked *a)
{
	const struct shm_question *const entry = &a->r->shm->questions.entries[a->entry];
	const uint32_t bytes = entry->count;
	char text[SHM_TEXT_BYTES];
	const struct class_question q = { text, bytes < sizeof(text) ? bytes : (uint32_t)sizeof(text), a->entry, a->node, a->given };

	memcpy(text, entry->answer, sizeof(text));
	return classes_answer(a->r, a->p, &q, a->figures, &a->waits);
}

static const struct {
	int (*answer)(struct asked *a);
	bool traced; /* the figure does not exist where nothing is traced */
} answers[SHM_ASKS] = {
	[SHM_ASK_START] = { start, false },
	[SHM_ASK_STOP] = { stop, false },
	[SHM_ASK_RESET_PEAK] = { reset_peak, true },
	[SHM_ASK_MEMORY] = { memory, true },
	[SHM_ASK_COST] = { cost, true },
	[SHM_ASK_LOST] = { lost, true },
	[SHM_ASK_BLOCK] = { block, true },
	[SHM_ASK_FRAMES] = { frames, false },
	[SHM_ASK_MODULE] = { module, false },
	[SHM_ASK_SNAPSHOT] = { snapshot, true },
	[SHM_ASK_SNAPSHOT_FILE] = { snapshot_file, false },
	[SHM_ASK_SNAPSHOT_DONE] = { snapshot_done, false },
	[SHM_ASK_CAPTURE] = { capture, false },
	[SHM_ASK_CAPTURE_END] = { capture_end, false },
	[SHM_ASK_FREE] = { release, false },
	[SHM_ASK_SURVIVORS] = { survivors, false },
	[SHM_ASK_MODULE_FILE] = { module_file, false },
	[SHM_ASK_LOOK] = { look, false },
	[SHM_ASK_CLASS] = { classes, false },
	[SHM_ASK_FUNCTION] = { function, false },
};

/* ---- asking and answering ---- */

/* False: who asked has given up. */
static bool write_answer(const struct asked *a, struct shm_question *entry, int result)
{
	uint32_t claimed = SHM_QUESTION(SHM_QUESTION_CLAIMED, a->p->slot), left = SHM_QUESTION(SHM_QUESTION_LEFT, a->p->slot);

	entry->result = result;
	entry->count = a->count;
	memcpy(entry->figures, a->figures, sizeof(entry->figures));
	memcpy(entry->answer, a->answer, sizeof(entry->answer));
	const bool taken = atomic_compare_exchange_strong(&entry->state, &claimed, SHM_QUESTION(SHM_QUESTION_ANSWERED, a->p->slot));

	if (!taken)
		(void)atomic_compare_exchange_strong(&entry->state, &left, SHM_QUESTION_FREE);
	(void)syscall(SYS_futex, &entry->state, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	return taken;
}

/* False: not yet. */
static bool try_answer(struct recorder *r, struct process *p, uint32_t index, uint32_t node)
{
	struct shm_question *const entry = &r->shm->questions.entries[index];
	const uint32_t what = entry->what;
	struct asked a = { .r = r, .p = p, .node = node, .entry = index };
	int result = TRACKER_EINVAL;

	memcpy(a.given, entry->given, sizeof(a.given));
	if (what < SHM_ASKS && answers[what].traced && !p->trace)
		result = TRACKER_EDISABLED;
	else if (what < SHM_ASKS)
		result = answers[what].answer(&a);
	if (!a.waits && !write_answer(&a, entry, result) && (what == SHM_ASK_LOOK || (what == SHM_ASK_CLASS && TRK_CLASS_OP(a.given[0]) == TRK_CLASS_SNAPSHOT)))
		look_reap(r, p, (uint32_t)a.figures[0]);
	return !a.waits;
}

static void question(struct recorder *r, struct process *p, uint32_t entry, uint32_t node)
{
	const uint32_t state = atomic_load(&r->shm->questions.entries[entry].state);

	if (SHM_QUESTION_STATE(state) == SHM_QUESTION_FREE || SHM_QUESTION_SLOT(state) != p->slot)
		return;
	waker_listen(r);
	deliver_flush(r);
	r->questions.nodes[entry] = node;
	r->questions.waiting[entry] = try_answer(r, p, entry, node) ? NULL : p;
}

void answer_record(struct recorder *r, struct process *p, const struct wire_record *record, uint32_t node)
{
	switch ((enum wire_rare)record->kind) {
	case WIRE_QUESTION:
		question(r, p, record->detail, node);
		break;
	case WIRE_FORK:
		forks_begin(r, p, record->detail);
		break;
	case WIRE_FORK_FAILED:
		forks_failed(r, p, record->detail);
		break;
	case WIRE_DOMAIN_NAME:
		process_domains_told(r, p, record->domain, record->text, record->text_bytes);
		break;
	case WIRE_UNTRACK_RANGE: /* these ask for nothing */
	case WIRE_PYTHON:
	case WIRE_PYTHON_TEXT:
	case WIRE_KNOWN:
		break;
	}
}

void answer_round(struct recorder *r)
{
	for (size_t i = 0; r->traced && i < r->live_count; i++)
		if (r->live[i]->capture)
			own_capture_tick(r->live[i]->capture);
	for (uint32_t i = 0; i < SHM_QUESTIONS; i++)
		if (r->questions.waiting[i] && try_answer(r, r->questions.waiting[i], i, r->questions.nodes[i]))
			r->questions.waiting[i] = NULL;
}

void answer_apply(const struct recorder *r)
{
	for (uint32_t i = 0; i < r->batch_count; i++) {
		const struct process *const p = r->processes[r->batch[i].process];

		if (p->trace)
			trace_apply(p->trace, &r->batch[i]);
		if (p->capture)
			own_capture_apply(p->capture, &r->batch[i]);
	}
}

void answer_free_slot(struct recorder *r, uint32_t slot)
{
	if (!atomic_load(&r->shm->questions.asked)) /* no entry was ever claimed, and each is a page that nobody has touched */
		return;
	for (uint32_t i = 0; i < SHM_QUESTIONS; i++) {
		struct shm_question *const entry = &r->shm->questions.entries[i];

		uint32_t state = atomic_load(&entry->state);

		/* it may have become another process's since: then it is left alone */
		if (SHM_QUESTION_STATE(state) != SHM_QUESTION_FREE && SHM_QUESTION_SLOT(state) == slot)
			(void)atomic_compare_exchange_strong(&entry->state, &state, SHM_QUESTION_FREE);
	}
}

static void stop_waiting(struct recorder *r, const struct process *p)
{
	for (uint32_t i = 0; i < SHM_QUESTIONS; i++)
		if (r->questions.waiting[i] == p)
			r->questions.waiting[i] = NULL;
}

static void stop_trace(struct recorder *r, struct process *p)
{
	r->traced -= p->trace != NULL;
	trace_free(p->trace);
	p->trace = NULL;
}

void answer_forget(struct recorder *r, struct process *p)
{
	stop_waiting(r, p);
	stop_trace(r, p);
	r->traced -= p->capture != NULL;
	own_capture_free(p->capture);
	p->capture = NULL;
	releases_free(p->releases);
	p->releases = NULL;
	process_domains_free(p);
	python_forget(p);
	pools_free(p);
	classes_free(p);
}

void answer_free(struct process *p)
{
	trace_free(p->trace);
	own_capture_free(p->capture);
	releases_free(p->releases);
	process_domains_free(p);
	python_forget(p);
	pools_free(p);
	classes_free(p);
}
