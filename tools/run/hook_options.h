/* hook_options - the options of tracker-run that are for the hooks of the program. False: printed. */
#ifndef HOOK_OPTIONS_H
#define HOOK_OPTIONS_H

#include <stdbool.h>

#include "format/shm.h"

/* `o` has the members. when: before each of the texts. */
#define LOOK_OPTIONS(o, when)                                                                                                                                                                        \
	{ 0, "leak-check", UI_FLAG, &(o)->leak_check, NULL, when "look at the memory when the program ends: tracker leaks then says which blocks nothing points to any more", 0, 0 },                \
		{ 0, "look-at-marks", UI_FLAG, &(o)->look_at_marks, NULL, when "look at the memory at each mark of tracker.h, too", 0, 0 },                                                          \
		{ 0, "pointer-mask", UI_STRING, &(o)->pointer_mask, "MASK", when "looks take only these bits of a word for an address, for programs that keep something else in the others", 0, 0 }, \
		{ 0, "memory", UI_FLAG, &(o)->memory, NULL, when "look at the memory when the program ends: tracker memory then says what it consists of", 0, 0 },                                   \
	{                                                                                                                                                                                            \
		0, "look-contents", UI_FLAG, &(o)->look_contents, NULL, when "when the memory is looked at, compare the blocks: tracker memory --duplicates then shows those that are equal", 0, 0   \
	}

#define HOOK_OPTIONS(o)                                                                                                                             \
	{ 0, "track-class", UI_LIST, &(o)->track_class, "PATTERN[,level=N,keep,trace,name=NAME]",                                                   \
	  "track the objects of classes that match, in all programs: tracker types summary and stats show them", 0, 0 },                            \
		{ 0, "keep-limit", UI_STRING, &(o)->keep_limit, "SIZE",                                                                             \
		  "bytes of objects that each program may keep after their release, as keep of --track-class and of tracker.h asks (64M)", 0, 0 },  \
		{ 0, "snapshot-interval", UI_STRING, &(o)->snapshot_interval, "TIME", "take a snapshot of tracked classes every TIME (1s)", 0, 0 }, \
		LOOK_OPTIONS(o, ""),                                                                                                                \
		{ 0, "alarm", UI_STRING, &(o)->alarm, "min=SIZE,...",                                                                               \
		  "say where the first allocation of SIZE or more happens; also: action=warn|abort|trap|fail|throw, ignore=N, "                     \
		  "scope=process|thread, repeat",                                                                                                   \
		  0, 0 },                                                                                                                           \
		{ 0, "fail-after", UI_UINT, &(o)->fail_after, "N",                                                                                  \
		  "let each program's first N allocations succeed, and none after them", 0, UINT64_MAX - 1 },                                       \
	{                                                                                                                                           \
		0, "fail-random", UI_STRING, &(o)->fail_random, "SEED[,RATE]",                                                                      \
			"let allocations fail at random, one of 100, or with the probability RATE; the same ones for the same SEED", 0, 0           \
	}

/* What the four of LOOK_OPTIONS mean in the header of the segment: SHM_LOOKS and its like. */
uint32_t hook_options_looks(bool leak_check, bool at_marks, bool memory, bool contents);
#define HOOK_OPTIONS_LOOKS (SHM_LOOKS | SHM_LOOK_AT_END | SHM_LOOK_AT_MARKS | SHM_LOOK_UNJUDGED | SHM_LOOK_CONTENTS)

/* --pointer-mask 0x00fffffffffffff8. */
bool hook_options_pointer_mask(const char *text, uint64_t *ret);

/* --alarm "min=4096,action=warn,ignore=10,scope=thread,repeat", any of these. */
bool hook_options_alarm(const char *text, struct shm_asked *ret);

/* --fail-random "SEED" or "SEED,RATE". */
bool hook_options_fail_random(const char *text, struct shm_asked *ret);

#endif
