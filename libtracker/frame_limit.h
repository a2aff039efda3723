/* frame_limit - the value of TRACKER_TRACE. */
#ifndef FRAME_LIMIT_H
#define FRAME_LIMIT_H

/* -1: it is no number in [0; 65535], as python3 reads PYTHONTRACEMALLOC. "" is 0. */
int frame_limit(const char *text);

#endif
