/* whole_snapshot - see whole_snapshot.h. */
#include "whole_snapshot.h"
#include "deliver.h"
#include "finish.h"
#include "keyframing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/*
 * All tables stand in the file, so that is read. Here the descriptor may be closed: the lock on the file (recorder_lock)
 * is the recorder's, not the copy's.
 */
static int write_blocks(struct recorder *r, int fd)
{
	char name[64];
	int before;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", r->rotation.keep ? r->rotation.fd : r->output);
	before = open(name, O_RDONLY | O_CLOEXEC);
	if (before < 0)
		return errno;
	if (writer_next_file(r->writer, fd, before, &r->rotation.header) != 0)
		return writer_error(r->writer) ? writer_error(r->writer) : ENOMEM;
	(void)keyframing_begin_file(r);
	return finish_copy(r, STOPPED_SNAPSHOT);
}

pid_t whole_snapshot_begin(struct recorder *r, int fd)
{
	pid_t pid;

	deliver_flush(r);
	if (writer_flush(r->writer) != 0) { /* bytes that are pending would be written by both */
		errno = writer_error(r->writer);
		return -1;
	}
	pid = fork();
	if (pid == 0)
		_exit(r->aggregate ? checkpoint_write(r, fd) : write_blocks(r, fd));
	return pid;
}
