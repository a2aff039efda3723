/* inject - see inject.h. */
#include "tools/attach/inject.h"

#include "format/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_NS 10000000000ull
#define POLL_NS 50000
#define NOT_CALLED UINT64_MAX

static bool fail(struct injection *i, const char *why)
{
	snprintf(i->why, sizeof(i->why), "%s", why);
	return false;
}

/* ---- before anything stops ---- */

static bool find_restorer(struct injection *i, const struct area *a)
{
	static uint8_t code[128u << 10];

	for (uint64_t at = a->start; at < a->end; at += sizeof(code) - FRAME_RESTORER_BYTES) { /* which stands at the beginning, as a rule */
		const size_t bytes = a->end - at < sizeof(code) ? a->end - at : sizeof(code);

		if (!target_read(&i->target, at, code, bytes))
			return false;
		if (frame_find_restorer(&i->borrow.code, at, code, bytes))
			return true;
	}
	return false;
}

static bool find_code(struct injection *i, const struct image *libc)
{
	const uint64_t function = image_symbol(libc, "syscall");
	const struct area *const a = function ? target_area(&i->target, function) : NULL;
	uint8_t code[64];

	return a && target_read(&i->target, function, code, sizeof(code)) && frame_find_call(&i->borrow.code, function, code, sizeof(code)) &&
	       find_restorer(i, a);
}

static bool find_functions(struct injection *i, struct image *libc)
{
	struct image *const apart = image_symbol(libc, "dlopen") ? libc : images_find(&i->images, &i->target, "libdl", "libdl");

	if (apart) {
		i->work.open = image_symbol(apart, "dlopen");
		i->work.find = image_symbol(apart, "dlsym");
		i->work.error = image_symbol(apart, "dlerror");
	}
	i->work.errno_place = image_symbol(libc, "__errno_location");
	return i->work.open && i->work.find && i->work.error && i->work.errno_place && find_code(i, libc);
}

static bool find_library(struct injection *i)
{
	i->library = images_find(&i->images, &i->target, "libtracker", "libtracker.so");
	if (!i->library)
		return true;
	i->call = image_symbol(i->library, LATE_CALL);
	i->state = image_symbol(i->library, LATE_STATE);
	return i->call && i->state && target_read(&i->target, i->state, &i->seen, sizeof(i->seen)) && i->seen.version == (uint16_t)SHM_VERSION;
}

static bool defines_malloc(struct injection *i)
{
	char path[64], file[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)i->target.pid);
	const ssize_t n = readlink(path, file, sizeof(file) - 1);

	file[n > 0 ? n : 0] = 0;
	for (size_t k = 0; k < i->images.count; k++)
		if (strcmp(i->images.list[k].path, file) == 0)
			return image_defines(&i->images.list[k], &i->target, "malloc");
	return false;
}

/*
 * Two that work on a program at a time would borrow two threads, which would share the room. The name of the lock is given back
 * by the kernel, however this process ends.
 */
static bool take_turn(struct injection *i, pid_t pid)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	const int n = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "tracker-attach-%d", (int)pid);
	const uint64_t until = borrow_now_ns() + PATIENCE_NS;
	bool taken;

	i->turn = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	do {
		taken = i->turn < 0 || bind(i->turn, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == 0 || errno != EADDRINUSE;
		if (!taken)
			nanosleep(&(struct timespec){ .tv_nsec = 20 * POLL_NS }, NULL);
	} while (!taken && borrow_now_ns() < until);
	return taken || fail(i, "is being attached to, or detached from, by another tracker for 10 s: try again");
}

static void end_turn(struct injection *i)
{
	if (i->borrow.target)
		borrow_finish(&i->borrow);
	if (i->turn >= 0)
		close(i->turn);
	i->turn = -1;
}

bool inject_prepare(struct injection *i, pid_t pid)
{
	struct image *libc, *loader;
	int error;

	*i = (struct injection){ .library_fd = -1, .segment_fd = -1, .turn = -1 };
	target_begin(&i->target, pid);
	if (!take_turn(i, pid))
		return false;
	error = target_open(&i->target);
	if (!error)
		error = target_read_areas(&i->target);
	if (!error)
		error = images_read(&i->images, &i->target);
	if (error)
		return fail(i, error == ESRCH || error == ENOENT ? "has ended" : strerror(error));
	loader = images_find(&i->images, &i->target, "ld-", "ld-linux");
	libc = images_find(&i->images, &i->target, "libc", "libc");
	if (!libc || !loader)
		return fail(i, "is statically linked: nothing of it can be recorded");
	if (!find_functions(i, libc))
		return fail(i, "has a C library in which dlopen or what else is needed was not found: start it with tracker run");
	if (!find_library(i))
		return fail(i, "has the libtracker of another version of tracker in it, which cannot be replaced: use the tracker that it came from, or start the program anew");
	if (defines_malloc(i))
		return fail(i, "has a malloc of its own in the executable, which calls it directly: its calls cannot be seen");
	ground_survey(&i->ground, &i->images, &i->target, loader, libc);
	image_copy(libc, &i->target); /* it is in most stacks; the others are copied when a thread is met in them */
	i->borrow.target = &i->target;
	i->borrow.images = &i->images;
	i->borrow.ground = &i->ground;
	return true;
}

/* ---- while a thread stands still ---- */

static bool make_room(struct injection *i)
{
	struct borrow *const b = &i->borrow;
	const uint64_t none = 0;
	const uint8_t *code;
	size_t bytes;
	long at;

	if (i->seen.room) { /* that of an earlier attachment; it is this one's now */
		i->room = i->seen.room;
		return target_write(&i->target, i->state + offsetof(struct late_state, room), &none, sizeof(none));
	}
	at = borrow_call(b, SYS_mmap, 0, LATE_ROOM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1);
	if (at < 0 && at > -4096)
		return fail(i, at == -ESRCH ? "has ended" : "has no memory left for a stack of 256 KiB");
	i->room = (uint64_t)at;
	code = frame_work_code(&bytes);
	at = borrow_call(b, SYS_mprotect, i->room + LATE_ROOM_BYTES - LATE_CODE_BYTES, LATE_CODE_BYTES, PROT_READ | PROT_EXEC, 0, 0);
	if (at != 0 || !target_write(&i->target, i->room + LATE_ROOM_BYTES - LATE_CODE_BYTES, code, bytes))
		return fail(i, at == -ESRCH ? "has ended" : "may not run code of its own making (a rule of SELinux, or of its service): start it with tracker run");
	return true;
}

static int make_memfd(struct injection *i, const char *name)
{
	const uint64_t at = i->room + offsetof(struct frame_work, path);

	if (!target_write(&i->target, at, name, strlen(name) + 1))
		return -ESRCH;
	return (int)borrow_call(&i->borrow, SYS_memfd_create, at, MFD_CLOEXEC | MFD_ALLOW_SEALING, 0, 0, 0);
}

/*
 * Other threads of the program run on, and could put another of its descriptors in the place of that one: of a file that
 * only may be read there, but may be written by root, who has called us. So the file is not opened before it is known to be
 * of no name, and not written before it is known to be an empty memfd.
 */
int inject_open(const struct injection *i, int fd)
{
	char path[64];
	struct stat st;
	int there, opened = -1;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)i->target.pid, fd);
	there = open(path, O_PATH | O_CLOEXEC);
	if (there < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", there);
	if (fstat(there, &st) == 0 && S_ISREG(st.st_mode) && !st.st_nlink && !st.st_size)
		opened = open(path, O_RDWR | O_CLOEXEC);
	else
		errno = EBADF;
	close(there);
	if (opened >= 0 && fcntl(opened, F_GET_SEALS) != 0) {
		close(opened);
		opened = -1;
		errno = EBADF;
	}
	return opened;
}

/* How much of a library's file is loaded; debugging information stands behind that. 0: it cannot be read. */
static off_t loaded_bytes(int fd, Elf64_Ehdr *ret)
{
	Elf64_Phdr p;
	off_t end = 0;

	if (pread(fd, ret, sizeof(*ret), 0) != sizeof(*ret))
		return 0;
	for (unsigned n = 0; n < ret->e_phnum; n++) {
		if (pread(fd, &p, sizeof(p), (off_t)(ret->e_phoff + n * sizeof(p))) != sizeof(p))
			return 0;
		if (p.p_type == PT_LOAD && (off_t)(p.p_offset + p.p_filesz) > end)
			end = (off_t)(p.p_offset + p.p_filesz);
	}
	return end;
}

static bool copy_library(struct injection *i, const char *library)
{
	const int from = open(library, O_RDONLY | O_CLOEXEC), to = inject_open(i, i->library_fd);
	Elf64_Ehdr header;
	const off_t size = from >= 0 && to >= 0 ? loaded_bytes(from, &header) : 0;
	bool whole = size > 0;

	for (off_t done = 0; whole && done < size;)
		whole = sendfile(to, from, &done, (size_t)(size - done)) > 0;
	header.e_shoff = 0; /* the list of sections stands at the end */
	header.e_shnum = header.e_shstrndx = 0;
	whole = whole && pwrite(to, &header, sizeof(header), 0) == sizeof(header);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return whole || fail(i, "could not be given the library");
}

static bool make_files(struct injection *i, const char *library, bool segment)
{
	if (!i->library) {
		i->library_fd = make_memfd(i, "libtracker.so");
		if (i->library_fd >= 0 && !copy_library(i, library))
			return false;
	}
	if (segment)
		i->segment_fd = make_memfd(i, "tracker");
	if ((!i->library && i->library_fd < 0) || (segment && i->segment_fd < 0))
		return fail(i, "has no descriptor left, or may not make a file in memory: raise its limit of open files");
	return true;
}

bool inject_begin(struct injection *i, const char *library, bool segment)
{
	switch (borrow_one(&i->borrow, PATIENCE_NS)) {
	case BORROW_DONE: break;
	case BORROW_GONE: return fail(i, "has ended");
	case BORROW_FORBIDDEN: i->forbidden = true; return fail(i, "may not be traced");
	default:
		snprintf(i->why, sizeof(i->why), "had no thread at a safe place in 10 s: the last one was in %s; try again",
			 i->borrow.why ? i->borrow.why : "the kernel");
		return false;
	}
	if (make_room(i) && make_files(i, library, segment))
		return true;
	inject_cancel(i);
	return false;
}

void inject_cancel(struct injection *i)
{
	if (i->library_fd >= 0)
		(void)borrow_call(&i->borrow, SYS_close, (uint64_t)i->library_fd, 0, 0, 0, 0);
	if (i->segment_fd >= 0)
		(void)borrow_call(&i->borrow, SYS_close, (uint64_t)i->segment_fd, 0, 0, 0, 0);
	if (i->room && !i->library)
		(void)borrow_call(&i->borrow, SYS_munmap, i->room, LATE_ROOM_BYTES, 0, 0, 0);
	borrow_return(&i->borrow);
	end_turn(i);
}

/* ---- the work ---- */

bool inject_go(struct injection *i, const struct late_order *order)
{
	struct frame_work *const w = &i->work;

	frame_work_begin(w, i->borrow.place);
	w->call = i->call;
	w->library = i->library_fd;
	w->answer = NOT_CALLED;
	w->order = *order;
	w->order.fd = i->segment_fd;
	snprintf(w->path, sizeof(w->path), "/proc/self/fd/%d", i->library_fd);
	snprintf(w->name, sizeof(w->name), "%s", LATE_CALL);
	if (target_write(&i->target, i->room, w, sizeof(*w)) && borrow_work(&i->borrow, i->room))
		return true;
	borrow_return(&i->borrow);
	return fail(i, "has ended");
}

/* While it works, it has all signals blocked; the frame brings its own mask back. */
static bool is_back(const struct injection *i)
{
	uint64_t blocked;
	const uint64_t never = 1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1);

	return !target_status(i->target.pid, i->borrow.thread, "SigBlk:", 16, &blocked) || (blocked | never) != UINT64_MAX;
}

static void keep_room(struct injection *i)
{
	struct images now = { 0 };

	if (!i->library && target_read_areas(&i->target) == 0 && images_read(&now, &i->target) == 0) {
		struct image *const m = images_find(&now, &i->target, "libtracker", "libtracker.so");

		i->state = m ? image_symbol(m, LATE_STATE) : 0;
	}
	for (int n = 0; n < 100 && !is_back(i); n++)
		nanosleep(&(struct timespec){ .tv_nsec = POLL_NS }, NULL);
	if (i->state && is_back(i))
		(void)target_write(&i->target, i->state + offsetof(struct late_state, room), &i->room, sizeof(i->room));
	images_finish(&now);
}

bool inject_wait(struct injection *i, uint64_t *ret)
{
	const uint64_t until = borrow_now_ns() + PATIENCE_NS;

	do {
		nanosleep(&(struct timespec){ .tv_nsec = POLL_NS }, NULL);
		if (!target_read(&i->target, i->room, &i->work, sizeof(i->work)))
			return fail(i, "has ended");
		if (borrow_now_ns() > until)
			return fail(i, "has loaded no library in 10 s: another of its threads may be loading one; try tracker detach, and then again");
	} while (!i->work.done);
	i->ended_ns = i->work.order.ended_ns ? i->work.order.ended_ns : borrow_now_ns(); /* 0: the library could not be loaded */
	i->paused_ns = i->ended_ns - i->borrow.stopped_ns;
	keep_room(i);
	end_turn(i);
	*ret = i->work.answer;
	if (i->work.answer != NOT_CALLED)
		return true;
	char said[256];

	target_read_text(&i->target, i->work.why, said, sizeof(said));
	snprintf(i->why, sizeof(i->why), "could not load libtracker: %s", said);
	return false;
}

void inject_note_recorder(const struct injection *i, pid_t recorder)
{
	const uint32_t pid = (uint32_t)recorder;

	if (i->state)
		(void)target_write(&i->target, i->state + offsetof(struct late_state, recorder), &pid, sizeof(pid));
}

void inject_finish(struct injection *i)
{
	images_finish(&i->images);
	target_finish(&i->target);
	end_turn(i);
}
