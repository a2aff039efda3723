/* jitdump - see jitdump.h. The file has the byte order of the machine that wrote it, which must be this machine's. */
#include "symbols/jitdump.h"

#include <string.h>

#define MAGIC 0x4a695444u /* "JiTD" */
#define VERSION 1u
#define FLAG_PROCESSOR_TIME 1u
#define HEADER_BYTES 40u
#define PREFIX_BYTES 16u

enum { CODE_LOAD = 0,
       CODE_MOVE = 1 };

struct header {
	uint32_t magic, version, total_size, machine, pad, pid;
	uint64_t time, flags;
};

struct prefix {
	uint32_t id, total_size;
	uint64_t time;
};

struct load { /* then the name and a NUL, then the code */
	uint32_t pid, tid;
	uint64_t address, code_address, code_size, index;
};

struct move {
	uint32_t pid, tid;
	uint64_t address, old_address, new_address, code_size, index;
};

_Static_assert(sizeof(struct header) == HEADER_BYTES, "as specified");
_Static_assert(sizeof(struct prefix) == PREFIX_BYTES, "as specified");
_Static_assert(sizeof(struct load) == 40 && sizeof(struct move) == 48, "as specified");
_Static_assert(JITDUMP_ROOM_MIN >= PREFIX_BYTES + sizeof(struct load) + MADE_CODE_NAME_MAX + 1, "or a record would never fit");

/* So many bytes further the records begin; 0: the header is not complete yet, or there is none. */
static uint64_t read_header(struct jitdump *d, const uint8_t *bytes, size_t size, uint64_t left)
{
	struct header h;

	if (size < sizeof(h))
		return 0;
	memcpy(&h, bytes, sizeof(h));
	d->broken = h.magic != MAGIC || h.version < VERSION || h.total_size < HEADER_BYTES;
	d->timeless = h.flags & FLAG_PROCESSOR_TIME;
	if (d->broken || h.total_size > left)
		return 0;
	d->begun = true;
	return h.total_size;
}

/* A time before the capture began counts as its beginning, and as "now" where there are no times. */
static uint64_t time_of(const struct jitdump *d, const struct prefix *p)
{
	return d->timeless || p->time <= d->origin_ns ? 0 : p->time - d->origin_ns;
}

/* `size`: how many bytes of the record behind its prefix are there. */
static void read_load(const struct jitdump *d, struct made_code *c, const struct prefix *p, const uint8_t *bytes,
		      size_t size)
{
	struct load l;

	if (size <= sizeof(l))
		return;
	memcpy(&l, bytes, sizeof(l));
	const char *const name = (const char *)bytes + sizeof(l);

	(void)made_code_add(c, time_of(d, p), l.code_address, l.code_size, name, strnlen(name, size - sizeof(l)));
}

static void read_move(const struct jitdump *d, struct made_code *c, const struct prefix *p, const uint8_t *bytes,
		      size_t size)
{
	struct move m;

	if (size < sizeof(m))
		return;
	memcpy(&m, bytes, sizeof(m));
	(void)made_code_move(c, time_of(d, p), m.old_address, m.new_address, m.code_size);
}

/* Bytes of the record at `bytes`; 0: it is not complete yet, or too little of it is there. */
static uint64_t read_record(struct jitdump *d, struct made_code *c, const uint8_t *bytes, size_t size, uint64_t left)
{
	struct prefix p;

	if (size < sizeof(p))
		return 0;
	memcpy(&p, bytes, sizeof(p));
	d->broken = p.total_size < sizeof(p);
	if (d->broken || p.total_size > left)
		return 0;
	const size_t wanted = p.total_size < JITDUMP_ROOM_MIN ? p.total_size : JITDUMP_ROOM_MIN;

	if (size < wanted)
		return 0;
	if (p.id == CODE_LOAD)
		read_load(d, c, &p, bytes + sizeof(p), wanted - sizeof(p));
	else if (p.id == CODE_MOVE)
		read_move(d, c, &p, bytes + sizeof(p), wanted - sizeof(p));
	return p.total_size;
}

uint64_t jitdump_read(struct jitdump *d, struct made_code *c, const uint8_t *bytes, size_t size, uint64_t left)
{
	uint64_t at = 0, n;

	if (!d->begun && !d->broken)
		at = read_header(d, bytes, size, left);
	do {
		n = d->begun && !d->broken && at < size ? read_record(d, c, bytes + at, size - at, left - at) : 0;
		at += n;
	} while (n);
	return at;
}
