/*
 * rawdump - what the parts of rawdump share.
 */
#ifndef RAWDUMP_H
#define RAWDUMP_H

#include "replay/capture.h"

/* A line: begin, its keys, end. */
void begin(const char *what);
void end(void);
void put_number(const char *key, uint64_t n);
/* Times and indexes that may be unknown. */
void put_optional(const char *key, uint64_t n, uint64_t none);
/* , "key": "text" with the bytes taken as Latin-1. */
void put_text(const char *key, const char *s, size_t size);

/* The same of a string that ends. */
void put_string(const char *key, const char *s);

/* What an aggregated capture holds. */
void dump_aggregated(const struct capture *c);
/* What looks found. False: some of it is damaged. */
bool dump_looks(const struct capture *c);
/* A keyframe with its blocks. TRK_ERR_CORRUPT, TRK_ERR_NOMEM. */
int dump_keyframe(const struct capture *c, const struct cap_keyframe *k);

#endif
