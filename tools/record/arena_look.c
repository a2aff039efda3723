/* arena_look - see arena_look.h. */
#include "arena_look.h"
#include "deliver.h"
#include "proc.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 10000000u
#define REST 100u /* the time that a look takes, times this, passes before the next one */
#define LOOK_BYTES (1ull << 30)
#define LAST_LOOK_BYTES (16ull << 30)
#define ENTRIES 4096u
#define RUNS 256u

struct run {
	uint64_t start, end;
};

struct look {
	uint32_t pid;
	int pagemap; /* -1: not opened yet */
	uint64_t page_bytes, at, left; /* left: so many bytes may still be looked at */
	struct run runs[RUNS];
	uint32_t count;
};

static bool open_pagemap(struct look *l)
{
	if (l->pagemap < 0)
		l->pagemap = proc_open(l->pid, "pagemap", O_RDONLY);
	return l->pagemap >= 0;
}

/* False: there is no room for it. */
static bool add_page(struct look *l, uint64_t page)
{
	struct run *const last = &l->runs[l->count - 1];

	if (l->count && last->end == page) {
		last->end += l->page_bytes;
		return true;
	}
	if (l->count == RUNS)
		return false;
	l->runs[l->count++] = (struct run){ page, page + l->page_bytes };
	return true;
}

/* Looks at the pages of [l->at, end) that one read brings, and moves l->at behind them. False: the look must stop. */
static bool read_pages(struct look *l, uint64_t end)
{
	static uint64_t entries[ENTRIES];
	const uint64_t pages = (end - l->at) / l->page_bytes;
	const size_t wanted = pages < ENTRIES ? (size_t)pages : ENTRIES;
	const size_t n = proc_pages(l->pagemap, l->at / l->page_bytes, entries, wanted);

	if (!n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (entries[i] & PROC_PAGE_TOUCHED && !add_page(l, l->at))
			return false;
		l->at += l->page_bytes;
	}
	l->left -= n * l->page_bytes;
	return true;
}

/* Not 0: enough was seen for now, and l->at is where to go on. */
static int look_at_piece(void *look, const struct heap_block *b, uint64_t end)
{
	struct look *const l = look;

	if (!b->untouched || end <= l->at)
		return 0;
	if (l->at < b->address)
		l->at = b->address;
	while (l->at < end)
		if (l->left < ENTRIES * l->page_bytes || !open_pagemap(l) || !read_pages(l, end))
			return 1;
	return 0;
}

static void deliver_runs(struct recorder *r, struct process *p, struct look *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		deliver(r, p, &(struct trk_event){
				      .kind = TRK_TOUCHED,
				      .thread = p->streams[0]->thread,
				      .address = l->runs[i].start,
				      .size = l->runs[i].end - l->runs[i].start,
				      .time_ns = r->now_ns,
			      });
	deliver_flush(r);
	l->count = 0;
}

/* Looks from p->arena_look_at on. When everything was seen, the rest of `bytes` is not used. */
static void look_at(struct recorder *r, struct process *p, uint64_t bytes)
{
	struct look l = { .pid = p->pid, .pagemap = -1, .page_bytes = (uint64_t)sysconf(_SC_PAGESIZE), .at = p->arena_look_at, .left = bytes };
	bool more, full;

	if (!p->stream_count || p->dying || r->heap_stopped || r->discard || r->bounds.full)
		return;
	do {
		more = heap_each_arena(r->heap, p->index, look_at_piece, &l);
		full = l.count == RUNS;
		deliver_runs(r, p, &l);
	} while (more && full);
	p->arena_look_at = more ? l.at : 0;
	if (l.pagemap >= 0)
		close(l.pagemap);
}

/* CPU time and not the clock's: other programs may run meanwhile. */
static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void arena_look_now_and_then(struct recorder *r)
{
	uint64_t begin_ns;

	if (r->now_ns < r->next_look_ns)
		return;
	begin_ns = cpu_ns();
	for (size_t i = 0; i < r->live_count; i++)
		look_at(r, r->live[i], LOOK_BYTES);
	r->next_look_ns = r->now_ns + LOOK_NS + (cpu_ns() - begin_ns) * REST;
}

static _Atomic uint32_t *asked(const struct recorder *r, const struct process *p)
{
	return &r->shm->processes[p->slot].arena_look;
}

void arena_look_asked(struct recorder *r)
{
	for (size_t i = 0; i < r->live_count; i++)
		r->live[i]->arena_look_asked = r->live[i]->slot != NO_SLOT &&
					       atomic_load_explicit(asked(r, r->live[i]), memory_order_acquire);
}

void arena_look_answer(struct recorder *r)
{
	for (size_t i = 0; i < r->live_count; i++) {
		struct process *const p = r->live[i];

		if (!p->arena_look_asked || p->slot == NO_SLOT)
			continue;
		p->arena_look_at = 0;
		look_at(r, p, LAST_LOOK_BYTES);
		atomic_store_explicit(asked(r, p), 0, memory_order_release);
	}
}
