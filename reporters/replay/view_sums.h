/* view_sums - the answers of view.h from an aggregated capture. */
#ifndef REPLAY_VIEW_SUMS_H
#define REPLAY_VIEW_SUMS_H

#include "replay/view.h"

/* As view_build. TRK_ERR_ARG: the question needs events; fault says so, and what to record instead. */
int view_of_sums(const struct capture *c, const struct view_options *o, struct view *ret,
		 struct trk_fault *fault);

#endif
