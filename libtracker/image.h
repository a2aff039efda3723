/*
 * image - whether a file that is about to be executed will load libtracker. Only then will the descriptor of the
 * segment, which it inherits, be closed.
 *
 * It reads the start of the file. The file must be an ELF program for this machine with glibc's dynamic linker, not
 * setuid, or a script whose interpreter is one. It uses only raw system calls and the stack.
 */
#ifndef IMAGE_H
#define IMAGE_H

#include "state.h"

/*
 * Whether the program that is executed from fd, which stays open, will load libtracker, and so close the descriptor
 * that it inherits.
 */
bool image_takes_library(int fd);

#endif
