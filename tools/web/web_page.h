/*
 * web_page - the flame graph page of what lives now, again and again: for tracker live --web.
 */
#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include "tools/live/live_source.h"
#include "web_server.h"

struct web_page;

/* source stays the caller's. interval_ms: between two pictures. NULL: there is no memory. */
struct web_page *web_page_new(struct live_source *source, uint64_t interval_ms);
void web_page_free(struct web_page *p); /* NULL-safe */

/* A web_function, whose data is the struct web_page: of a picture that is not older than half an interval. */
void web_page_make(void *page, struct web_answer *ret);

#endif
