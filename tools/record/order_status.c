/* order_status - see order_status.h. */
#include "order_status.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void put_file(const struct recorder *r, struct contact_status *s)
{
	const int fd = r->rotation.keep ? r->rotation.fd : r->output;
	char name[64];
	ssize_t n;

	if (r->checkpoint.path) { /* the file that is written is replaced now and then */
		snprintf(s->file, sizeof(s->file), "%s", r->checkpoint.path);
		return;
	}
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, s->file, sizeof(s->file) - 1);
	s->file[n > 0 && s->file[0] == '/' && recorder_keeps_file(r) ? n : 0] = 0;
}

/* The arguments have a zero behind each. */
static void put_command(const struct process *p, struct contact_status *s)
{
	size_t n = p->command_bytes < sizeof(s->command) - 1 ? p->command_bytes : sizeof(s->command) - 1;

	if (!p->command) {
		snprintf(s->command, sizeof(s->command), "%s", p->name ? p->name : "");
		return;
	}
	memcpy(s->command, p->command, n);
	while (n && !s->command[n - 1])
		n--;
	for (size_t i = 0; i < n; i++)
		if (!s->command[i])
			s->command[i] = ' ';
	s->command[n] = 0;
}

bool order_status_names(const struct process *p, uint32_t pid)
{
	return p->pid == pid || p->inner_pid == pid;
}

void order_status(const struct recorder *r, uint32_t pid, struct contact_status *s)
{
	const struct heap_totals *const t = heap_totals(r->heap);

	*s = (struct contact_status){
		.state = r->waiting ? CONTACT_WAITING : CONTACT_RECORDING,
		.recorder = (uint32_t)getpid(),
		.uid = geteuid(),
		.program = r->processes[0]->pid,
		.running = (uint32_t)r->live_count,
		.aggregated = r->aggregate != NULL,
		.began_unix_ns = r->rotation.header.start_unix_ns,
		.recorded_ns = recorder_clock(r),
		.allocations = t->allocations,
		.live_bytes = t->live_bytes,
		.live_blocks = t->live_blocks,
		.peak_bytes = t->peak_bytes,
		.lost = r->counters.lost,
		.file_bytes = writer_bytes(r->writer),
	};
	for (size_t i = 0; i < r->live_count; i++) {
		if (i < CONTACT_PIDS)
			s->pids[i] = r->live[i]->pid;
		s->knows_pid |= pid && order_status_names(r->live[i], pid);
	}
	put_file(r, s);
	put_command(r->processes[0], s);
}
