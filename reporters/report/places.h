/* places - where blocks were allocated, the largest first: a table for programs, the first rows of it on the screen. */
#ifndef REPORT_PLACES_H
#define REPORT_PLACES_H

#include "common/report.h"
#include "report/origins.h"
#include "report/sheet.h"

#define PLACES_SHOWN 5u

/* All of them; key: of the table. total: of which rows are shares. */
void places_describe(struct emit *e, const char *key, struct origins *origins, const struct ranking *places, uint64_t total);
/* At most `limit` lines "  4.7 MiB  74%     300 blocks  Session::open (server.cpp:23) from handle". */
void places_say(struct sheet *s, struct origins *origins, const struct ranking *places, uint64_t total, unsigned limit);
/* A line with one of them: "Session::open (server.cpp:23) from handle", behind another text. */
void places_say_one(struct sheet *s, const char *before, enum ui_paint paint, struct origins *origins, uint32_t node);

/* The same as a heading, without its callers: "Growing: +16.0 KiB/s by Session::open (server.cpp:23)      tracker growth FILE". */
void places_say_heading(struct sheet *s, const char *before, struct origins *origins, uint32_t node, const char *command, const char *operand);

#endif
