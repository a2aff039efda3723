/*
 * contact - how other commands find the recorders of this machine, and talk to them (tracker list, tracker ctl).
 *
 * A recorder listens on a Unix socket DIR/PID.sock, where PID is its own. DIR is the first of $XDG_RUNTIME_DIR/tracker,
 * /run/user/UID/tracker, /run/tracker (root) and /tmp/tracker-UID that belongs to its user alone. It answers its own
 * user and root. Root asks those of all users, and believes what they say of a program only if they are its user's or root's. One message asks, one message answers: structs, because both come from one build.
 */
#ifndef TOOLS_CONTACT_H
#define TOOLS_CONTACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#define CONTACT_VERSION 1u
#define CONTACT_TEXT 4096u
#define CONTACT_SENTENCE 768u
#define CONTACT_PIDS 32u

enum contact_kind {
	CONTACT_STATUS = 1, /* fills in the status */
	CONTACT_MARK, /* text: the label */
	CONTACT_SNAPSHOT, /* writes a capture of the live blocks into the descriptor; answered when it is written */
	CONTACT_LOOK, /* which live blocks can still be reached; text: a label; answered when that is known */
	CONTACT_LIVE, /* writes what lives, summed by stack, into the descriptor; answered when it is written */
	CONTACT_STOP, /* ends the recording; answered when the file is finished */
	CONTACT_START, /* of a dormant program's keeper: text: struct contact_start, the file goes with it; answered when it has begun */
	CONTACT_KINDS,
};

/*
 * HEALTH keys of what lives: the recorder's pid, and, for the module of that number, the recorder's descriptor of the file that the
 * programs have mapped.
 */
#define LIVE_RECORDER "recorder"
#define LIVE_FILE_FORMAT "file_of_module_%u"

struct contact_request {
	uint32_t version; /* CONTACT_VERSION; the first two members are the same in every version */
	uint32_t kind;
	uint32_t pid; /* of the program that is meant; 0: the first that runs */
	uint32_t text_bytes;
	char text[CONTACT_TEXT]; /* not terminated */
};

enum contact_state {
	CONTACT_RECORDING = 1,
	CONTACT_WAITING, /* the capture begins later (--start-after) */
	CONTACT_FINISHING,
	CONTACT_DORMANT, /* nothing is recorded until somebody wants it; `recorder` is the keeper */
};

/* What to record, and how. */
struct contact_start {
	uint64_t sample_bytes, duration_ns, max_bytes; /* 0: none */
	uint64_t pointer_mask; /* 0: none */
	uint32_t nframe;
	uint32_t looks; /* SHM_LOOKS and its like */
	uint32_t memory_interval_ms;
	uint32_t rotate; /* files that are kept; 0: one file, which is `file` itself */
	uint32_t packing; /* enum trk_packing */
	bool aggregate, no_symbols, trace_python_allocators;
	char file[3072]; /* its absolute path */
};

struct contact_status {
	uint32_t state; /* enum contact_state */
	uint32_t recorder, uid; /* its pid, and its user */
	uint32_t program; /* pid of the program with which the recording began */
	uint32_t running; /* how many programs run; the first of them stand in pids */
	uint32_t pids[CONTACT_PIDS];
	bool knows_pid; /* one of them has the pid of the request */
	bool aggregated;
	uint64_t began_unix_ns, recorded_ns;
	uint64_t allocations, live_bytes, live_blocks, peak_bytes, lost;
	uint64_t file_bytes;
	char file[4096]; /* "": not a file that has a name */
	char command[1024]; /* arguments with blanks between them, perhaps cut */
};

struct contact_answer {
	uint32_t version;
	int32_t error; /* 0, or an errno; the sentence says why */
	char sentence[CONTACT_SENTENCE]; /* without a full stop; "": nothing to say */
	struct contact_status status;
};

/* ---- where ---- */

/* The folder where the recorders of this user have their sockets; it is made. False, and errno: there is none. */
bool contact_folder(char *ret, size_t room);
/* The address of a recorder in that folder. False: the path is too long. */
bool contact_address(struct sockaddr_un *ret, const char *folder, pid_t recorder);

/* ---- asking ---- */

/* descriptor: that goes with the request, or -1. timeout_ms: for the answer; -1: forever. 0, or an errno: it has not answered. */
int contact_ask(const struct sockaddr_un *to, const struct contact_request *q, int descriptor, int timeout_ms, struct contact_answer *ret);

struct contact {
	struct sockaddr_un address;
	struct contact_answer answer; /* to STATUS */
};

/*
 * Asks every recorder that this user may ask (root: those of all users) for its status, and calls `each` for those that
 * answer. pid: goes with the question. Removes sockets that nobody listens on. Returns how many did not answer.
 */
size_t contact_each(pid_t pid, void (*each)(void *data, const struct contact *c), void *data);

/*
 * The recorder that `who` names: by its own pid, by that of a program that it records, or by the file that it writes.
 * Prints why and returns false: there is none, or there are several.
 */
bool contact_find(const char *who, struct contact *ret);

#endif
