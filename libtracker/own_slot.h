/* own_slot - the process's own slot in the segment of a recording, by which the recorder knows it. */
#ifndef OWN_SLOT_H
#define OWN_SLOT_H

#include "state.h"

/* The process's pid, as the recorder sees it. */
struct own_pid {
	uint32_t pid;
	enum shm_inner inner;
};

/* told: by the recorder; 0: nobody has told it. */
struct own_pid own_slot_pid(uint32_t told);
/* Programs that another process than the started one executes are not followed, either. */
bool own_slot_is_unwanted(const struct own_pid *own);
/* Claims a slot and fills it. parent_pid: of the process that forked, 0 when the process attaches. False: there is no room. */
bool own_slot_take(const struct own_pid *own, uint32_t parent_pid);
/* It is filled: the recorder may read it. */
void own_slot_live(void);

#endif
