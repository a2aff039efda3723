/*
 * python_codes - functions of Python in the stacks of recorded programs.
 *
 * libtracker tells each code object that it meets once, with a range of numbers of its own (WIRE_PYTHON). Here its names and its
 * table of lines are kept, each distinct one once for all processes, and a number in a stack becomes a frame of the capture: a
 * function and a line. The names of such a frame are written with it, because no file tells them later.
 */
#ifndef RECORD_PYTHON_CODES_H
#define RECORD_PYTHON_CODES_H

#include <stdbool.h>
#include <stdint.h>

#include "format/writer.h"

struct process;
struct python; /* what all processes have in common */
struct python_codes; /* of one program, by numbers */
struct python_told; /* a code object that a stream is telling */
struct recorder;
struct shm_process;
struct stream;

/* A record WIRE_PYTHON or WIRE_PYTHON_TEXT, at the head of the stream. */
void python_record(struct recorder *r, struct process *p, struct stream *s);
/* The frame of a pc from WIRE_PYTHON_PC on, if that program has told of functions of Python. 0: it has not. */
uint32_t python_frame(struct recorder *r, const struct process *p, uint64_t pc);
/* Writes the names of a frame of the recording as those of `frame` of another capture. Nothing, if it is none of Python's. */
void python_name(const struct recorder *r, uint32_t module, uint64_t offset, struct writer *w, uint32_t frame);
/*
 * The name of such a frame's function, a 0 and its file, cut if there is not enough room. Returns how many bytes these are; 0: it is no frame of
 * Python's.
 */
uint32_t python_texts(const struct recorder *r, uint32_t module, uint64_t offset, char *buf, size_t room, uint32_t *ret_line);
/* So many frames of a stack are kept for a program that wants `nframe`: more than it wants, because readers leave some out. */
uint32_t python_frames_kept(const struct process *p, uint32_t nframe);
/* Takes what the program counts and says about its interpreter in its slot. */
void python_collect(struct recorder *r, struct process *p, struct shm_process *slot);
/* Another program runs in the process now, or it has ended. */
void python_forget(struct process *p);
void python_told_free(struct python_told *t); /* NULL-safe */
void python_finish(struct recorder *r);

#endif
