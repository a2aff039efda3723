/* maps - see maps.h. */
#include "maps.h"

#include <string.h>

#include "raw.h"

bool maps_open(struct maps *m)
{
	m->fd = raw_open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	m->at = m->size = 0;
	return m->fd >= 0;
}

void maps_close(struct maps *m)
{
	raw_close(m->fd);
}

/* -1: the end. */
static int take_char(struct maps *m)
{
	if (m->at == m->size) {
		const long n = raw_read(m->fd, m->buffer, sizeof(m->buffer));

		if (n <= 0)
			return -1;
		m->at = 0;
		m->size = (uint32_t)n;
	}
	return m->buffer[m->at++];
}

/* A number and the one character behind it. Returns that character. */
static int take_number(struct maps *m, unsigned base, uint64_t *ret)
{
	uint64_t v = 0;

	for (;;) {
		const int c = take_char(m);
		const unsigned digit = c >= '0' && c <= '9' ? (unsigned)c - '0' :
				       c >= 'a' && c <= 'f' ? (unsigned)c - 'a' + 10 :
							      base;

		*ret = v;
		if (digit >= base)
			return c;
		v = v * base + digit;
	}
}

static void take_path(struct maps *m, int c, struct maps_line *l)
{
	size_t n = 0;

	while (c == ' ')
		c = take_char(m);
	for (; c >= 0 && c != '\n'; c = take_char(m))
		if (n < MAPS_PATH_BYTES)
			l->path[n++] = (char)c;
	l->path[n < MAPS_PATH_BYTES ? n : 0] = '\0';
}

/* "start-end rwxp offset major:minor inode   path" */
bool maps_next(struct maps *m, struct maps_line *l)
{
	uint64_t v, minor;
	int c;

	if (take_number(m, 16, &v) != '-')
		return false;
	l->start = v;
	(void)take_number(m, 16, &v);
	l->end = v;
	l->readable = take_char(m) == 'r';
	(void)take_char(m);
	l->executable = take_char(m) == 'x';
	(void)take_char(m);
	(void)take_char(m);
	(void)take_number(m, 16, &l->offset);
	(void)take_number(m, 16, &l->device);
	(void)take_number(m, 16, &minor);
	l->device = l->device << 32 | minor;
	c = take_number(m, 10, &l->inode);
	take_path(m, c, l);
	return true;
}

bool maps_path_at(uintptr_t address, char *ret, size_t room)
{
	struct maps m;
	struct maps_line l = { .end = 0 };
	bool found = false;

	if (!maps_open(&m))
		return false;
	while (l.end <= address && maps_next(&m, &l))
		found = l.start <= address && address < l.end;
	maps_close(&m);
	found = found && l.path[0] == '/' && strlen(l.path) < room;
	if (found)
		memcpy(ret, l.path, strlen(l.path) + 1);
	return found;
}
