/*
 * dormant - a program that was started by tracker run --dormant: its hooks pass calls on until its keeper wants a recording.
 *
 * It maps the control page (format/control_page.h) before main. The test of a byte in it is all that a hook does, as long as nothing is
 * wanted. The hook that sees a wanted recording first attaches the process, and is recorded; hooks of other threads
 * pass their calls on meanwhile. When that recording is over, the program is dormant again.
 */
#ifndef DORMANT_H
#define DORMANT_H

#include <stdbool.h>
#include <stdint.h>

/* 0: nothing is wanted, or the program has no keeper. */
extern const volatile uint8_t *dormant_wanted;

/* Maps the page of that name, which then stands in the environment of executed programs, too. */
void dormant_start(const char *name);
/* A recording is wanted. Attaches, if that can be done here and now, for the hook at `frame`. True: it is recorded from here on. */
bool dormant_wake(uintptr_t frame);

#endif
