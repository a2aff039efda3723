/*
 * image - whether a file that is about to be executed will load our library. Only then does
 * somebody close the descriptor of the segment that it inherits.
 *
 * Reads the start of the file: an ELF program of this machine with glibc's dynamic linker, not
 * setuid, or a script whose interpreter is one. Raw system calls and the stack only.
 */
#ifndef IMAGE_H
#define IMAGE_H

#include "state.h"

/* Whether what is executed from fd, which stays open, will load our library, and so close what it inherits. */
bool image_takes_library(int fd);

#endif
