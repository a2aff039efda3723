/*
 * image - whether a file that is about to be executed will load our library. Only then does somebody close the
 * descriptor of the segment that it inherits.
 *
 * It reads the start of the file: it must be an ELF program for this machine with glibc's dynamic linker, not setuid,
 * or a script whose interpreter is one. It uses only raw system calls and the stack.
 */
#ifndef IMAGE_H
#define IMAGE_H

#include "state.h"

/* Whether what is executed from fd, which stays open, will load our library, and so close what it inherits. */
bool image_takes_library(int fd);

#endif
