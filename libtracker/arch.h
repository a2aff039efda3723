/*
 * arch - everything about the processor that libtracker knows stands in one file
 * per processor, all of the same shape.
 */
#ifndef ARCH_H
#define ARCH_H

#if defined(__x86_64__)
#include "arch_x86_64.h"
#elif defined(__aarch64__)
#include "arch_aarch64.h"
#else
#error "no arch_*.h for this processor"
#endif

#endif
