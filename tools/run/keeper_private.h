/* keeper_private - what the parts of the keeper share. */
#ifndef RUN_KEEPER_PRIVATE_H
#define RUN_KEEPER_PRIVATE_H

#include "format/control_page.h"
#include "tools/contact.h"
#include "tools/new_segment.h"
#include "tools/record/control.h"
#include "tools/run/keeper.h"

#include <limits.h>

/* The recording that goes on. */
struct kept {
	pid_t recorder; /* 0: none does */
	int control;
	struct new_segment segment;
	char file[PATH_MAX];
	bool told; /* the recorder knows that the program has ended */
};

struct keeper {
	struct keeper_options o;
	char way[SHM_WAY_BYTES];
	int page_fd, pidfd, listener;
	struct sockaddr_un address;
	struct shm_control *page;
	uint64_t began_ns, began_unix_ns; /* the program: by CLOCK_MONOTONIC, and by the calendar */
	bool ended; /* the program; its descendants may run on */
	struct kept kept;
};

/* keeper_page.c: the control page, and what programs ask there. False: errno. */
bool keeper_page_make(struct keeper *k);
void keeper_page_want(struct keeper *k, const char *segment);
void keeper_page_want_nothing(struct keeper *k);
void keeper_page_answer(struct keeper *k);
/* Whether that process, or thread, is the program or descends from it. */
bool keeper_knows(const struct keeper *k, pid_t pid);
bool keeper_has_descendants(const struct keeper *k);

/* keeper_talk.c: the control socket. */
void keeper_listen(struct keeper *k);
void keeper_talk(struct keeper *k);

/*
 * keeper.c: begins a recording into `file`, and waits a while for the program of that pid. 0, with a sentence if it does not come; or an
 * errno and a sentence.
 */
int keeper_record(struct keeper *k, const struct contact_start *s, pid_t pid, int file, char *sentence, size_t room);

#endif
