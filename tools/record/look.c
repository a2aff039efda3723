/* look - see look.h. */
#include "look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "deliver.h"
#include "look_private.h"
#include "look_refusals.h"
#include "proc.h"
#include "tracked_classes.h"

#define MOVING_US 500u /* so long a thread whose realloc is open runs on, ... */
#define MOVING_TIMES 40u /* ... so often */
#define CUT_NS 60000000000ull /* a recorder that is behind by a whole segment needs seconds */
#define MARKING_NS 10000000000ull
#define READING_NS 10000000000ull
#define TARGETS_MAX (64u << 20) /* references that are found; 4 bytes each in the copy, where there are so many */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bool look_want(struct recorder *r, struct process *p, uint32_t entry, enum shm_why why, const char *label, size_t label_bytes)
{
	struct look *const l = p->look = calloc(1, sizeof(*l));

	if (!l)
		return false;
	l->entry = entry;
	l->head = (struct trk_look){ .process = p->index, .pid = p->pid, .why = why, .label = l->label, .reason = l->reason };
	l->head.label_bytes = label_bytes < sizeof(l->label) ? label_bytes : sizeof(l->label);
	memcpy(l->label, label, l->head.label_bytes);
	if (r->shm->header.flags & SHM_LOOK_UNJUDGED && why != SHM_WHY_QUESTION && why != SHM_WHY_CLASSES)
		l->head.flags |= LOOK_UNJUDGED;
	l->memory.contents = r->shm->header.flags & SHM_LOOK_CONTENTS;
	r->looks++;
	return true;
}

void look_free(struct recorder *r, struct process *p)
{
	struct look *const l = p->look;

	look_copy_end(&l->copy);
	look_stop_finish(&l->stop);
	look_maps_finish(&l->maps);
	look_table_finish(&l->table);
	look_roots_finish(&l->roots);
	look_references_finish(&l->references);
	look_named_finish(&l->named);
	look_image_finish(&l->image);
	look_ledger_finish(&l->memory);
	free(l->snapshot);
	free(l);
	p->look = NULL;
	p->look_cut = LOOK_NO_CUT;
	r->looks--;
}

static bool refuse(struct look *l, const char *why)
{
	if (!l->reason[0])
		snprintf(l->reason, sizeof(l->reason), "%s", why);
	return false;
}

/* ---- the cut ---- */

/* A thread that is between the begin and the end of a realloc; 0: none. More than one: UINT32_MAX. */
static uint32_t find_moving(const struct recorder *r, const struct process *p)
{
	uint32_t high = atomic_load(&r->shm->header.thread_high), found = 0;

	if (high > SHM_THREADS)
		high = SHM_THREADS;
	for (uint32_t i = 0; i < high; i++) {
		const struct shm_thread *const t = &r->shm->threads[i];

		if (atomic_load(&r->shm->thread_states[i]) == SHM_LIVE && t->process == p->slot && atomic_load(&t->moving))
			found = found || p->foreign ? UINT32_MAX : t->tid;
	}
	return found;
}

/* What a block that moves holds might be in no block that anybody knows, so its thread runs until that is over. */
static bool let_moves_end(struct recorder *r, const struct process *p, struct look *l)
{
	uint32_t tid;

	for (unsigned i = 0; i < MOVING_TIMES; i++) {
		tid = find_moving(r, p);
		if (!tid)
			return true;
		if (!look_stop_run(&l->stop, tid == UINT32_MAX ? 0 : tid, MOVING_US))
			return false;
	}
	l->head.flags |= LOOK_MOVING;
	return true;
}

/*
 * All threads stand still, so everything that has a place in the order by now is a consistent cut. The look is an event of the recorder's
 * own, at the next epoch: whoever owned the last one finds that it does so no more, and its later events come after the look.
 */
static void cut(struct recorder *r, struct process *p)
{
	_Atomic uint64_t *const order = &r->shm->processes[p->slot].order;
	const uint64_t epoch = atomic_load(order) >> 16;

	atomic_store(order, (epoch + 1) << 16 | SHM_NOBODY);
	p->look_cut = epoch;
}

static struct look_scene scene_of(const struct recorder *r, const struct process *p, struct look *l)
{
	const struct shm_process *const slot = &r->shm->processes[p->slot];

	return (struct look_scene){
		.maps = &l->maps,
		.table = &l->table,
		.stop = &l->stop,
		.copy = l->copy.pid,
		.image = l->image.pid ? &l->image : NULL,
		.segment_inode = r->segment_inode,
		.own_start = slot->own_start,
		.foreign_allocator = slot->foreign_allocator,
		.inherits = p->origin == TRK_FORKED && !p->execs,
		.running = l->head.how == LOOK_BY_ITSELF,
		.no_address = r->shm->header.pointer_mask ? ~r->shm->header.pointer_mask : 0,
	};
}

/* Reads the memory, because it cannot be forked: l->reason says why, and stays. */
static bool read_image(struct recorder *r, struct process *p, struct look *l, enum look_how how)
{
	char why[LOOK_REASON];
	struct look_scene scene;

	memcpy(why, l->reason, sizeof(why));
	l->head.how = how;
	l->image.progress = &r->shm->header.progress;
	if (!look_maps_read(&l->maps, p->pid)) {
		snprintf(l->reason, LOOK_REASON, "the kernel does not let the recorder read its memory");
		return false;
	}
	scene = scene_of(r, p, l);
	if (!look_image_read(&l->image, p->pid, &scene, l->reason))
		return false;
	memcpy(l->reason, why, sizeof(why));
	return true;
}

/* All stand still. */
static bool take_memory(struct recorder *r, struct process *p, struct look *l)
{
	const struct shm_process *const slot = &r->shm->processes[p->slot];
	const char *const hindrance = look_fork_hindrance(p);

	look_stop_registers(&l->stop);
	if (l->head.why != SHM_WHY_CLASSES) /* who asks for classes does not ask what memory consists of */
		look_ledger_stopped(&l->memory, p->pid);
	cut(r, p);
	l->copy = (struct look_copy){ .references = l->head.graph ? &l->references : NULL, .call = slot->look_call, .code = slot->look_code, .stack = slot->look_stack, .reason = l->reason };
	if (hindrance)
		snprintf(l->reason, LOOK_REASON, "%s", hindrance);
	else
		l->copy.pid = look_stop_fork(&l->stop, slot->look_call, &l->copy.inner);
	return l->copy.pid || (!(l->head.flags & LOOK_UNJUDGED) && read_image(r, p, l, LOOK_STOPPED));
}

/*
 * Its only thread waits for the look, so nothing changes while its memory is read. It has put its registers on its stack before
 * it asked (looked_at.c).
 */
static bool take_waiting(struct recorder *r, struct process *p, struct look *l)
{
	uint32_t count;

	if (l->entry >= LOOK_ORDERED || l->head.flags & LOOK_UNJUDGED || proc_status(p->pid, "Threads:", &count) != 1 || find_moving(r, p))
		return false;
	l->head.threads = 0;
	cut(r, p);
	return read_image(r, p, l, LOOK_BY_ITSELF);
}

static bool begin(struct recorder *r, struct process *p, struct look *l)
{
	const uint64_t began_ns = now_ns();
	char text[LOOK_REASON];
	const char *const hindrance = look_stop_hindrance(p, text);
	bool stopped, fine;

	if (hindrance)
		snprintf(l->reason, LOOK_REASON, "%s", hindrance);
	stopped = !hindrance && look_stop(&l->stop, p->pid, l->reason);
	l->head.threads = l->stop.count;
	fine = stopped && let_moves_end(r, p, l) && take_memory(r, p, l);
	look_stop_resume(&l->stop);
	l->head.stopped_ns = now_ns() - began_ns;
	if (l->copy.pid && l->head.why != SHM_WHY_CLASSES)
		look_ledger_resumed(&l->memory, p->pid);
	l->result.inner = l->copy.inner;
	if (!stopped)
		fine = take_waiting(r, p, l);
	return fine && (l->image.pid || look_copy_begin(&l->copy));
}

/* ---- the table ---- */

/* Whether everything up to the cut was delivered. */
static bool is_cut_reached(struct process *p, struct look *l)
{
	if (p->held || p->limit <= p->look_cut)
		return false;
	for (size_t i = 0; i < p->stream_count; i++) {
		const struct stream *const s = p->streams[i];

		if (s->busy <= p->look_cut) /* the recorder has given up waiting for it */
			l->head.flags |= LOOK_HELD;
		if (!s->broken && (s->has_head ? s->head.epoch <= p->look_cut : s->more))
			return false;
	}
	return true;
}

static void deliver_snapshot(struct recorder *r, struct process *p, struct look *l)
{
	if (l->snapshot)
		classes_deliver(r, p, l->snapshot, l->head.number);
	free(l->snapshot);
	l->snapshot = NULL;
}

static void deliver_look(struct recorder *r, struct process *p, struct look *l)
{
	l->head.number = ++r->look_number;
	deliver_snapshot(r, p, l);
	deliver(r, p, &(struct trk_event){
			      .kind = TRK_LOOK,
			      .thread = p->main_thread == NO_INDEX ? 0 : p->main_thread,
			      .size = l->head.number,
			      .time_ns = r->now_ns,
		      });
	deliver_flush(r);
	l->head.time_ns = p->last_time_ns;
	p->look_cut = LOOK_NO_CUT;
}

/* There is no room for tables in the copy, perhaps by a limit of the program's own: the copy is read, which stands still. */
static bool mark_image_of_copy(struct recorder *r, struct look *l, const struct look_scene *s)
{
	l->image.progress = &r->shm->header.progress;
	if (!look_image_read(&l->image, l->copy.pid, s, l->reason) || !look_image_mark(&l->image, &l->marking, &l->roots, &l->named, &l->references))
		return false;
	l->reason[0] = 0;
	return true;
}

static bool mark(struct recorder *r, struct process *p, struct look *l)
{
	const struct look_scene scene = scene_of(r, p, l);

	deliver_look(r, p, l);
	if (look_table_read(&l->table, r, p) != 0 || (!l->image.pid && !look_maps_read(&l->maps, l->copy.pid)))
		return refuse(l, "the recorder has no memory for it");
	l->head.blocks = l->table.count;
	if (scene.inherits)
		l->head.flags |= LOOK_FORKED;
	if (l->table.moving_count)
		l->head.flags |= LOOK_MOVING;
	look_table_check(&l->table, &l->maps);
	if (l->copy.pid && l->head.why != SHM_WHY_CLASSES)
		look_ledger_begin(&l->memory, &scene, r->shm->processes[p->slot].look_code);
	if (l->head.flags & LOOK_UNJUDGED)
		return true;
	l->marking = (struct look_marking){ .blocks = l->table.blocks, .block_count = l->table.count, .no_address = scene.no_address };
	if (l->head.graph)
		l->marking.target_room = look_table_words(&l->table, TARGETS_MAX);
	if (!look_plan(&l->marking))
		return refuse(l, "blocks lie closer to each other than any allocator puts them");
	if (!look_roots_find(&l->roots, &scene, l->marking.low, l->marking.high))
		return refuse(l, "the recorder has no memory for it");
	if (l->image.pid)
		return look_image_mark(&l->image, &l->marking, &l->roots, &l->named, &l->references) || refuse(l, l->image.wrong ? l->image.wrong : "the recorder has no memory for it");
	return look_copy_mark(&l->copy, &l->marking, &l->roots) || (!l->copy.area && mark_image_of_copy(r, l, &scene));
}

/* ---- the end ---- */

void look_reap(struct recorder *r, struct process *p, uint32_t inner)
{
	struct look_stop stop;
	char reason[LOOK_REASON];

	if (!inner || p->slot == NO_SLOT || !r->shm->processes[p->slot].look_call)
		return;
	if (look_stop(&stop, p->pid, reason))
		look_stop_reap(&stop, r->shm->processes[p->slot].look_call, inner);
	look_stop_resume(&stop);
	look_stop_finish(&stop);
}

static void end(struct recorder *r, struct process *p, bool fine)
{
	struct look *const l = p->look;

	l->head.took_ns = now_ns() - l->begun_ns;
	l->head.memory_bytes = l->copy.area_bytes;
	if (l->image.pid)
		l->head.memory_bytes = l->image.bytes;
	if (l->copy.left_out || l->image.left_out)
		l->head.flags |= LOOK_LEFT_OUT;
	if (!fine && !l->reason[0])
		refuse(l, "it has failed for a reason that is not known");
	l->head.reason_bytes = strlen(l->reason);
	l->result.done = fine && !(l->head.flags & LOOK_UNJUDGED);
	p->look_cut = LOOK_NO_CUT;
	look_copy_end(&l->copy); /* whoever takes the answer waits for it; else look_reap is called */
	if (!fine)
		l->head.blocks = 0;
	if (!l->head.number)
		l->head.number = ++r->look_number;
	deliver_snapshot(r, p, l);
	look_write(r, &l->head, &l->table, &l->roots, &l->named, &l->references, &l->result);
	if (fine && !r->discard && l->head.why != SHM_WHY_CLASSES)
		look_ledger_write(&l->memory, r, &l->head);
	l->state = LOOK_OVER;
}

static void step(struct recorder *r, struct process *p)
{
	struct look *const l = p->look;
	bool fine = true, over = false;

	if (l->state == LOOK_WANTED) {
		const char *const first = look_refusal_of_recording(r), *const refused = first ? first : look_refusal_of_process(r, p);

		l->begun_ns = l->state_ns = now_ns();
		fine = refused ? refuse(l, refused) : begin(r, p, l);
		l->state = LOOK_CUT;
	} else if (l->state == LOOK_CUT && is_cut_reached(p, l)) {
		fine = mark(r, p, l);
		l->state = l->image.pid || l->head.flags & LOOK_UNJUDGED ? LOOK_READING : LOOK_MARKING;
		l->state_ns = now_ns();
	} else if (l->state == LOOK_MARKING) {
		const enum look_progress at = look_copy_poll(&l->copy, &l->marking, &l->roots, &l->named);

		fine = at != LOOK_FAILED;
		if (at == LOOK_FINISHED) {
			l->state = LOOK_READING;
			l->state_ns = now_ns();
		}
	} else if (l->state == LOOK_READING) {
		over = look_ledger_step(&l->memory);
		if (!over && now_ns() - l->state_ns > READING_NS) {
			l->memory.lacks = "it took more than 10 s";
			over = true;
		}
	}
	if (l->state == LOOK_CUT && fine && now_ns() - l->state_ns > CUT_NS)
		fine = refuse(l, "the recorder was more than 60 s behind the program");
	if (l->state == LOOK_MARKING && fine && now_ns() - l->state_ns > MARKING_NS)
		fine = refuse(l, "it took more than 10 s");
	if (l->state != LOOK_OVER && (over || !fine))
		end(r, p, fine);
}

static void run(struct recorder *r, struct process *p)
{
	step(r, p);
	if (p->look->state == LOOK_OVER && p->look->entry == LOOK_NOBODY) {
		look_reap(r, p, p->look->result.inner);
		look_free(r, p);
	}
}

void look_round(struct recorder *r)
{
	for (size_t i = 0; r->looks && i < r->live_count; i++)
		if (r->live[i]->look)
			run(r, r->live[i]);
	r->late_threads = (r->looks || r->late_threads) && look_stop_late();
}

bool look_is_busy(const struct recorder *r)
{
	return r->looks || r->late_threads;
}

void look_drop(struct recorder *r, struct process *p)
{
	struct look *const l = p->look;

	if (!l)
		return;
	if (l->state != LOOK_OVER) {
		look_copy_end(&l->copy);
		l->reason[0] = 0;
		l->head.blocks = 0;
		refuse(l, "the program ended, or executed another one, before it was finished");
		l->head.reason_bytes = strlen(l->reason);
		if (!l->head.number)
			l->head.number = ++r->look_number;
		deliver_snapshot(r, p, l);
		look_write(r, &l->head, &l->table, &l->roots, &l->named, &l->references, &l->result);
	}
	p->look_child = l->copy.inner;
	look_free(r, p);
}

void look_executed(struct recorder *r, struct process *p)
{
	look_reap(r, p, p->look_child);
	p->look_child = 0;
}
