/*
 * trial - a real recording of a small program, read back.
 */
#ifndef DOCTOR_TRIAL_H
#define DOCTOR_TRIAL_H

#include "finding.h"

struct finding trial_record(void);

#endif
