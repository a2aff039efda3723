/* web_server - see web_server.h. */
#include "web_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ui/ui.h"

#define TOKEN_BYTES 16u
#define CONNECTIONS 32u
#define IDLE_S 30u /* a connection that says nothing so long is closed */
#define REQUEST_BYTES 16384u /* of a request's head */

struct web_server {
	struct MHD_Daemon *daemon;
	web_function *page;
	void *data;
	uint16_t port;
	char path[2 * TOKEN_BYTES + 3]; /* "/TOKEN/" */
	char address[64 + 2 * TOKEN_BYTES];
};

/* ---- who may ---- */

/* Takes the same time wherever they differ, so that nobody guesses the token byte by byte. */
static bool is_same(const char *a, const char *b)
{
	const size_t n = strlen(b);
	unsigned char different = strlen(a) != n;

	for (size_t i = 0; i < n && a[i]; i++)
		different |= (unsigned char)(a[i] ^ b[i]);
	return !different;
}

/* "127.0.0.1:PORT" or "localhost:PORT", after the prefix. */
static bool is_own_host(const struct web_server *s, const char *text, const char *prefix)
{
	static const char *const names[] = { "127.0.0.1", "localhost" };
	const size_t n = strlen(prefix);
	char own[32];

	if (strncmp(text, prefix, n) != 0)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(own, sizeof(own), "%s:%u", names[i], s->port);
		if (!strcmp(text + n, own))
			return true;
	}
	return false;
}

/* Why the request is refused. NULL: it is not. */
static const char *find_refusal(const struct web_server *s, struct MHD_Connection *c, const char *path, unsigned *ret_status)
{
	const char *const host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host");
	const char *const origin = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Origin");
	const char *const site = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Sec-Fetch-Site");

	*ret_status = MHD_HTTP_FORBIDDEN;
	if (!host || !is_own_host(s, host, ""))
		return "This server answers only as 127.0.0.1 or localhost.\n";
	if ((origin && !is_own_host(s, origin, "http://")) || (site && strcmp(site, "none") != 0 && strcmp(site, "same-origin") != 0))
		return "This page is not for other pages.\n";
	if (!is_same(path, s->path))
		return "The address lacks the token that tracker live --web printed.\n";
	return NULL;
}

/* ---- answers ---- */

static enum MHD_Result send_text(struct MHD_Connection *c, unsigned status, struct MHD_Response *r, const char *type)
{
	static const struct {
		const char *name, *value;
	} headers[] = {
		{ "Cache-Control", "no-store" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		{ "Cross-Origin-Opener-Policy", "same-origin" },
		{ "Content-Security-Policy", "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
					     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
	};
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", type);
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		MHD_add_response_header(r, headers[i].name, headers[i].value);
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *why)
{
	return send_text(c, status, MHD_create_response_from_buffer(strlen(why), (void *)why, MHD_RESPMEM_PERSISTENT), "text/plain; charset=utf-8");
}

static enum MHD_Result send_page(const struct web_server *s, struct MHD_Connection *c)
{
	struct web_answer a = { 0 };

	s->page(s->data, &a);
	if (!a.text)
		return refuse(c, MHD_HTTP_SERVICE_UNAVAILABLE, "There is no memory for the page.\n");
	return send_text(c, a.is_page ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
			 MHD_create_response_from_buffer(a.bytes, a.text, MHD_RESPMEM_MUST_FREE),
			 a.is_page ? "text/html; charset=utf-8" : "text/plain; charset=utf-8");
}

static enum MHD_Result answer(void *server, struct MHD_Connection *c, const char *path, const char *method, const char *version,
			      const char *upload, size_t *upload_bytes, void **request)
{
	const struct web_server *const s = server;
	unsigned status;
	const char *const why = find_refusal(s, c, path, &status);

	(void)version;
	(void)upload;
	(void)request;
	*upload_bytes = 0;
	if (why)
		return refuse(c, status, why);
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "The page can only be read.\n");
	return send_page(s, c);
}

/* ---- the whole ---- */

static int listen_on(uint16_t port, uint16_t *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
	socklen_t room = sizeof(at);

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
	    listen(fd, CONNECTIONS) == 0 && getsockname(fd, (struct sockaddr *)&at, &room) == 0) {
		*ret_port = ntohs(at.sin_port);
		return fd;
	}
	ui_error("cannot listen on 127.0.0.1:%u: %s%s", port, strerror(errno), port ? "; choose another --port" : "");
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool make_token(struct web_server *s)
{
	unsigned char bytes[TOKEN_BYTES];
	char token[2 * TOKEN_BYTES + 1];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
		ui_error("the system gives no random bytes for the page's address: %s", strerror(errno));
		return false;
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(token + 2 * i, 3, "%02x", bytes[i]);
	snprintf(s->path, sizeof(s->path), "/%s/", token);
	snprintf(s->address, sizeof(s->address), "http://127.0.0.1:%u%s", s->port, s->path);
	return true;
}

bool web_server_start(struct web_server **ret, uint16_t port, web_function *page, void *data)
{
	struct web_server *const s = calloc(1, sizeof(*s));
	int fd;

	if (!s) {
		ui_error("out of memory");
		return false;
	}
	s->page = page;
	s->data = data;
	fd = listen_on(port, &s->port);
	if (fd >= 0 && make_token(s)) {
		s->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, s->port, NULL, NULL, answer, s, MHD_OPTION_LISTEN_SOCKET, fd,
					     MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
					     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES, MHD_OPTION_END);
		if (s->daemon) {
			*ret = s;
			return true;
		}
		ui_error("the web server does not start: %s", strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	free(s);
	return false;
}

const char *web_server_address(const struct web_server *s)
{
	return s->address;
}

void web_server_stop(struct web_server *s)
{
	if (!s)
		return;
	MHD_stop_daemon(s->daemon);
	free(s);
}
