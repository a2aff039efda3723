/*
 * capture_file - the capture file on disk: private, never over somebody else's file,
 * never through a symbolic link.
 */
#ifndef RUN_CAPTURE_FILE_H
#define RUN_CAPTURE_FILE_H

#include <limits.h>
#include <stdbool.h>

struct capture_file {
	int fd; /* -1: none */
	char path[PATH_MAX];
	char temporary[PATH_MAX]; /* "" : written in its place */
	char pieces[PATH_MAX]; /* the name that the pieces share, of which `path` is the first; "": there are none */
	bool created; /* made here, so it is removed when nothing is recorded */
	bool is_spool; /* without a name in its folder: `path` only says where it lies */
};

/*
 * Opens `path` for writing; an existing file needs `force` and stays untouched
 * until capture_file_keep. Devices and pipes are written to as they are. False, and
 * the reason is printed.
 */
bool capture_file_open(struct capture_file *o, const char *path, bool force);

/*
 * Opens the first piece (format/pieces.h) of `path`. Files of that name and earlier pieces need
 * `force`; capture_file_keep removes them.
 */
bool capture_file_open_pieces(struct capture_file *o, const char *path, bool force);

/* A file without a name, for a capture that is sent elsewhere: in TMPDIR, or on a disk. */
bool capture_file_open_spool(struct capture_file *o);

/* The program has started: from now on the file stands under its name (o->path has it). */
void capture_file_keep(struct capture_file *o);

/* The recording has ended. If the file could not even be begun, it is removed. True: it was. */
bool capture_file_remove_unbegun(const struct capture_file *o);

/* Nothing is recorded: removes what was made. */
void capture_file_discard(struct capture_file *o);

#endif
