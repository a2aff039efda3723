/*
 * server - a small server that answers 500 requests, in the example of README.md. It makes two mistakes, which
 * tracker finds: it never frees a session, and it builds each page from pieces that it frees at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
	int number;
	char *buffer;
};

static char *cache[100];

static struct session *open_session(int number)
{
	struct session *s = malloc(sizeof(*s));

	s->number = number;
	s->buffer = malloc(4000);
	memset(s->buffer, number, 4000);
	return s;
}

static size_t render(const struct session *s)
{
	size_t length = 0;

	for (int line = 0; line < 10; line++) {
		char *piece = malloc(64);

		length += (size_t)snprintf(piece, 64, "<li>line %d of session %d</li>", line, s->number);
		free(piece);
	}
	return length;
}

static size_t answer(int request)
{
	struct session *s = open_session(request);

	if (!cache[request % 100])
		cache[request % 100] = calloc(1, 10000);
	return render(s);
}

int main(void)
{
	size_t sent = 0;

	for (int request = 0; request < 500; request++)
		sent += answer(request);
	for (int i = 0; i < 100; i++)
		free(cache[i]);
	printf("%zu bytes sent\n", sent);
	return 0;
}
