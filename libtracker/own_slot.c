/* own_slot - see own_slot.h. */
#include "own_slot.h"

#include "ended.h"
#include "looked_at.h"
#include "raw.h"
#include "segment.h"
#include "start.h"
#include "way.h"

static int claim_process(struct shm *s)
{
	for (uint32_t i = 0; i < SHM_PROCESSES; i++) {
		uint8_t free_state = SHM_FREE;
		uint32_t high;

		if (!atomic_compare_exchange_strong(&s->process_states[i], &free_state, SHM_CLAIMED))
			continue;
		high = atomic_load(&s->header.process_high);
		while (high <= i && !atomic_compare_exchange_weak(&s->header.process_high, &high, i + 1))
			;
		return (int)i;
	}
	atomic_fetch_add(&s->header.attach_failures, 1);
	return -1;
}

/*
 * /proc tells it if it is the recorder's /proc. If it is another /proc, or there is none, the recorder has told it, or
 * will find out by itself.
 */
struct own_pid own_slot_pid(uint32_t told)
{
	char name[SHM_WAY_BYTES];

	if (told)
		return (struct own_pid){ told, SHM_INNER_TIDS };
	way_name(name);
	if (state.segment_inode && !way_is_open(name))
		return (struct own_pid){ raw_getpid(), SHM_INNER_ALL };
	return (struct own_pid){ raw_outer_pid(), SHM_INNER_NONE };
}

/* Slots are reused, so every field is set. parent_pid: of the forking process, 0 when the process attached. */
static void fill_process(struct shm_process *p, const struct own_pid *own, uint32_t parent_pid)
{
	static uint64_t number; /* of the program that runs here; a forked child's copy is its parent's */

	p->pid = own->pid;
	p->inner = own->inner;
	p->ppid = raw_getppid();
	p->parent_pid = parent_pid;
	if (!own->inner)
		ended_look();
	p->parent_number = number;
	p->number = number = atomic_fetch_add(&state.shm->header.programs, 1);
	p->origin = parent_pid ? SHM_FORKED : SHM_ATTACHED;
	p->fork = 0;
	p->start_ns = atomic_load_explicit(&state.shm->header.clock_ns, memory_order_relaxed);
	/* Nobody owns epoch 0: thread slot numbers are below 0xffff. */
	atomic_store(&p->order, 0xffff);
	atomic_store(&p->modules_lost, 0);
	atomic_store(&p->guessed_stacks, 0);
	for (unsigned i = 0; i < SHM_CUTS; i++)
		atomic_store(&p->truncated_stacks[i], 0);
	atomic_store(&p->chunks_refused, 0);
	atomic_store(&p->tables_refused, 0);
	atomic_store(&p->verified_stacks, 0);
	atomic_store(&p->differing_stacks, 0);
	for (unsigned i = 0; i < SHM_ORACLES; i++) {
		atomic_store(&p->compared[i], 0);
		atomic_store(&p->differing[i], 0);
	}
	atomic_store(&p->oracles_differ, 0);
	atomic_store(&p->notices, start_is_bypassed() ? SHM_NOTICE_OWN_MALLOC : 0);
	atomic_store(&p->arena_look, 0);
	atomic_store(&p->modules_seen, 0);
	atomic_store(&p->code_seen, 0);
	look_tell(p);
}

bool own_slot_is_unwanted(const struct own_pid *own)
{
	const struct shm_header *const h = &state.shm->header;

	return h->flags & SHM_NO_FOLLOW_FORK && own->pid != atomic_load(&h->program_pid);
}

bool own_slot_take(const struct own_pid *own, uint32_t parent_pid)
{
	const int slot = claim_process(state.shm);

	if (slot < 0)
		return false;
	if (!segment_take_process((uint32_t)slot)) {
		atomic_store(&state.shm->process_states[slot], SHM_FREE);
		atomic_fetch_add(&state.shm->header.attach_failures, 1);
		return false;
	}
	state.pid = own->pid;
	state.pid_is_foreign = state.pid != raw_getpid();
	state.pid_was_told = own->inner == SHM_INNER_TIDS;
	fill_process(state.process, own, parent_pid);
	ended_start((uint32_t)slot, state.process);
	return true;
}

void own_slot_live(void)
{
	atomic_store_explicit(&state.shm->process_states[state.process_slot], SHM_LIVE, memory_order_release);
}
