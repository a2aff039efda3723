/*
 * watch_act - what watchers do about a call: callbacks, messages, and the strongest of their actions.
 *
 * A message goes to descriptor 2 in one piece, by a system call. It is built in memory that is mapped for it.
 */
#ifndef WATCH_ACT_H
#define WATCH_ACT_H

#include "born.h"
#include "watchers.h"

/* What a call has set off. */
struct watch_effect {
	tracker_alarm_action action;
	const struct tracker_watch_ *exceeded; /* a limit; NULL: none */
	unsigned callbacks;
	struct {
		tracker_alarm_fn function;
		void *user;
	} callback[2 * WATCHERS];
};

/* abort > trap > throw > fail > warn > count */
bool watch_is_stronger(tracker_alarm_action a, tracker_alarm_action than);

/* False: the call is to fail. Does not return if the program is aborted or an exception is thrown. */
bool watch_act(const struct watch_effect *e, const struct watch_call *c);

/* `count` followed blocks of the calling thread are still live: says so, and aborts. */
void watch_act_leaked(const struct tracker_watch_ *w, size_t count);

/* The function by which operator new throws; NULL: it throws nothing. */
void watch_set_thrower(tracker_alarm_fn thrower);

#endif
