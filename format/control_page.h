/*
 * control_page - what a dormant program waits for (tracker run --dormant): a memfd of its keeper, which every program of
 * the tree has mapped from its start. The first part is mapped for reading only. A hook of a program that is not recorded
 * looks at `wanted`.
 *
 * A thread that finds a recording wanted may be in a sandbox that kills it for a system call, which it cannot find out itself. So it
 * asks the keeper, by an entry of the second part, and goes on: FREE -(thread, CAS)-> CLAIMED -> ASKED -(keeper)-> MAY or
 * MAY_NOT -(a later hook of the thread)-> FREE.
 */
#ifndef TRK_CONTROL_PAGE_H
#define TRK_CONTROL_PAGE_H

#include "format/shm.h"

#define SHM_CONTROL_MAGIC 0x6c72746e2d6b7274ull /* "trk-ntrl" */
#define SHM_CONTROL_ASKS 64u

enum shm_control_ask { SHM_CONTROL_FREE,
		       SHM_CONTROL_CLAIMED,
		       SHM_CONTROL_ASKED,
		       SHM_CONTROL_MAY,
		       SHM_CONTROL_MAY_NOT };

struct shm_control_head {
	uint64_t magic;
	uint32_t version; /* SHM_VERSION */
	_Atomic uint32_t number; /* of the recording that is wanted, or was last; 0: none was */
	_Atomic uint8_t wanted; /* 1: there is one */
	char way[SHM_WAY_BYTES]; /* its segment; changes only before `number` does, while nothing is wanted */
};

struct shm_control {
	union {
		struct shm_control_head head;
		uint8_t page[SHM_PAGE_MOST];
	};
	union {
		struct {
			_Atomic uint32_t state; /* enum shm_control_ask */
			uint32_t tid; /* in the keeper's PID namespace */
		} asks[SHM_CONTROL_ASKS];
		uint8_t second_page[SHM_PAGE_MOST];
	};
};

#endif
