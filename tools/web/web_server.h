/*
 * web_server - one page over HTTP, for a browser on this machine.
 *
 * It listens on 127.0.0.1 only. The page's address has a random token: other users of the machine, and pages of other
 * origins in the same browser, do not know it. Requests that name another host (DNS rebinding) or come from another
 * origin are refused, too. The page may load nothing but itself.
 */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a request for the page is answered with. */
struct web_answer {
	char *text; /* malloc'ed; the server frees it. NULL: there is no memory */
	size_t bytes;
	bool is_page; /* false: a sentence that says why there is none */
};

/* Makes the page. Called by one thread of the server, one call at a time. */
typedef void web_function(void *data, struct web_answer *ret);

struct web_server;

/* port: 0: any that is free. False: the reason is printed. */
bool web_server_start(struct web_server **ret, uint16_t port, web_function *page, void *data);
/* "http://127.0.0.1:40123/0123456789abcdef0123456789abcdef/"; the server's. */
const char *web_server_address(const struct web_server *s);
/* Waits for requests under way. NULL-safe. */
void web_server_stop(struct web_server *s);

#endif
