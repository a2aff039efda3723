/*
 * wire - one thread's records on their way from the target to the recorder.
 *
 * This is not the file's coding (docs/FORMAT.md): it is written inside malloc()
 * and read once, by the same build, a moment later. So it is as cheap as
 * possible to write, and the reader trusts none of it.
 *
 * A record is one head byte, optional parts, operands:
 *
 *   head    bits 0..4 kind (enum wire_kind), bit 5 EPOCH, bit 6 TIME, bit 7 STACK. What is rare shares
 *           one kind, and its first operand says what it is: WIRE_RARE
 *   EPOCH   varint: epoch - last epoch of this thread
 *   TIME    zigzag: clock_ns - last clock_ns of this thread
 *   STACK   varint pops, byte pushes << 1 | wide, then per pushed frame a pc: 8 bytes
 *           if wide, otherwise 4, a code against one of the two bases in the thread's
 *           slot: wire_code(). Frames are counted from the root: pop that many most
 *           recent frames of the thread's last stack, then push these, oldest first.
 *           Wide and no frames: the first varint is not pops but the number of a known stack
 *           (WIRE_KNOWN), which the event has. The thread's last stack stays what it was.
 *           More pops than there are frames (UINT32_MAX): the whole stack.
 *           A pc from WIRE_PYTHON_PC on is a place in a function of Python: WIRE_PYTHON.
 *           A pc of 0 as the oldest frame: the stack was cut there. WIRE_CUT + n
 *           there: cut because it was too deep, and n frames more were counted.
 *   operands by kind; addresses are zigzag(address - last address of this thread)
 *
 * All state (epoch, time, address, stack) begins at 0 / empty when the
 * thread's slot is claimed and runs on over its chunks.
 */
#ifndef TRK_WIRE_H
#define TRK_WIRE_H

#include "format/bytes.h"
#include "format/trk.h"

/* Kinds that are told COMMON, PLAIN or MAPPED (12) have the value of enum trk_kind; these differ: */
enum wire_kind {
	WIRE_SKIPPED = 0, /* TRK_SKIPPED: varint allocations */
	/* mremap, before the real call: addr old, varint old size. Published on its own. */
	WIRE_MREMAP_BEGIN = 15,
	/* realloc family, before the real call: byte trk_kind (REALLOC or REALLOCARRAY), addr old. Published on its own. */
	WIRE_REALLOC_BEGIN = 24,
	/* ... after it: byte trk_kind (REALLOC or REALLOCARRAY), byte outcome, then addr new, varint size */
	WIRE_REALLOC_END = 25,
	/*
	 * frames only: the STACK part and nothing else. Written before an event
	 * whose pushes do not fit one record; no epoch, not an event.
	 */
	WIRE_FRAMES = 26,
	/*
	 * A module that frames pushed from now on lie in: varint bias, start, end,
	 * flags (bit 0 main program, 1 vdso), string path, string build-id. A range
	 * that overlaps older modules replaces them. Carries EPOCH.
	 */
	WIRE_MODULE = 30,
	/*
	 * The escape, for rare records: a byte says what the record is, then come its operands. Below TRK_KINDS the
	 * byte is the enum trk_kind of an event that is told RARE; from there on it is enum wire_rare.
	 */
	WIRE_RARE = 31,
};

_Static_assert(!((TRK_KINDS_TOLD(TRK_TOLD_COMMON) | TRK_KINDS_TOLD(TRK_TOLD_PLAIN)) &
		 (1u << WIRE_SKIPPED | 1u << TRK_MMAP | 1u << WIRE_MREMAP_BEGIN | 1u << WIRE_REALLOC_BEGIN |
		  1u << WIRE_REALLOC_END | 1u << WIRE_FRAMES | 1u << WIRE_MODULE | 1u << WIRE_RARE)),
	       "each value means one thing");

enum wire_rare {
	/* varint entry of the segment (shm.h) whose question is asked here. Carries EPOCH. */
	WIRE_QUESTION = 64,
	/*
	 * varint number (shm_process.fork): here the process forks, and the child inherits what is traced and captured so far. Not the last one
	 * before the fork if other threads go on meanwhile. Carries EPOCH.
	 */
	WIRE_FORK = 65,
	WIRE_FORK_FAILED = 66, /* varint number: that fork made no process */
	/* The name of a domain: varint domain, string name (1 to TRK_DOMAIN_NAME_MAX bytes). It is no event. */
	WIRE_DOMAIN_NAME = 67,
	/* All blocks of a domain that begin in a range are released: varint domain, addr, varint size of the range. */
	WIRE_UNTRACK_RANGE = 68,
	/*
	 * A code object of Python is told. Its instructions have the numbers from `first` on, which no other code object of the process
	 * has, had or will have: pcs from WIRE_PYTHON_PC + first on. varint first, varint units (of instructions), byte minor version,
	 * zigzag first line. Its texts follow in this stream, in records WIRE_PYTHON_TEXT, the last of which is WIRE_PYTHON_END; only
	 * then is it known. Carries EPOCH.
	 */
	WIRE_PYTHON = 69,
	WIRE_PYTHON_TEXT = 70, /* byte enum wire_python_text, string: what was told before is continued */
	/*
	 * varint number, below WIRE_KNOWN_STACKS: from now on, this is the number of the stack that the thread's last event with a stack had. It
	 * is no event.
	 */
	WIRE_KNOWN = 71,
};

/* Texts of a code object: names as UTF-8, lines as the interpreter has them (co_lnotab, co_linetable). */
enum wire_python_text { WIRE_PYTHON_FILE,
			WIRE_PYTHON_NAME,
			WIRE_PYTHON_LINES,
			WIRE_PYTHON_END };

enum wire_outcome { WIRE_MOVED = 0 /* or stayed */,
		    WIRE_FAILED = 1,
		    WIRE_FREED = 2 };

#define WIRE_EPOCH 0x20u
#define WIRE_TIME 0x40u
#define WIRE_STACK 0x80u

/* The most frames in one record, so that head, parts and operands fit this: */
#define WIRE_FRAMES_MAX 127u
#define WIRE_FRAME_BYTES 8u
#define WIRE_RECORD_MAX (80u + WIRE_FRAMES_MAX * WIRE_FRAME_BYTES)
#define WIRE_KNOWN_STACKS 2048u
/* Deepest stack on the wire, its mark of a cut included; nframe is less than half of it. */
#define WIRE_DEPTH_MAX (1u << 21)
/* No program has code from here on. */
#define WIRE_CUT (1ull << 63)
#define WIRE_OLDER_MAX (1u << 28) /* more frames than that are not counted */
/* Nor here: places in functions of Python. The one with number 0 is in a function that nobody knows. */
#define WIRE_PYTHON_PC (1ull << 62)
/*
 * If at least this many frames are kept, stacks on the wire may have half as many more, and the recorder drops the
 * older ones. Fewer frames are cheap to send again, and so the limit is exact.
 */
#define WIRE_SLACK_FROM 256u

/*
 * Operands by kind:
 *  0         varint allocations that were not sampled
 *  1..11     addr, varint size                       (realloc of NULL: kind 3/4 with this form)
 *  12 mmap   byte trk_kind (MMAP, RESERVE, ARENA, MPROTECT, MADVISE: that is what it is of), addr,
 *            varint size; of the last two varint detail
 *  13 mremap addr old, varint old size, addr new, varint size (asked for); new 0: it failed
 *  14 track  varint domain, addr, varint size
 *  16..21    addr
 *  22 munmap addr, varint size
 *  23 untrack varint domain, addr
 *  27..29    string label
 *  31 rare   byte trk_kind, then
 *     31 gap    varint events lost
 *     37 clear  varint 0
 *     39 releasing  addr
 *     40 request    addr, varint size, varint trk_kind of the call, varint alignment
 *     41 annotate   addr, varint objects, string type
 *     42 class      addr, varint operation and options, string label
 *     64        varint entry
 *     65, 66    varint number
 *     67        varint domain, string name
 *     68        varint domain, addr, varint size
 *     69        varint first, units, byte minor, zigzag line
 *     70        byte what, string text
 *     71        varint number
 */

static inline bool wire_is_cut(uint64_t pc)
{
	return !pc || pc >= WIRE_CUT;
}

static inline bool wire_is_python(uint64_t pc)
{
	return pc >> 62 == 1;
}

/*
 * Nearly all code lies near one of two places, so most pcs are less than 2^31 bytes beyond the first of two bases, or less than
 * 2^30 beyond the second one. The two highest bits of a code say which base: 0 and 1 the first, 2 the second, 3 a place in a
 * function of Python. *wide gets bits beyond the code if this pc has none; one of Python has none here (wire_code_of_python).
 */
#define WIRE_WIDE 1u
#define WIRE_CODE_BITS 31u
#define WIRE_SECOND_BITS 30u
#define WIRE_CODE_PYTHON (3u << WIRE_SECOND_BITS)

static inline uint32_t wire_code(uint64_t pc, uint64_t first, uint64_t second, uint64_t *wide)
{
	const bool is_first = (pc - first) >> WIRE_CODE_BITS == 0;
	const uint64_t beyond = is_first ? pc - first : pc - second;

	*wide |= is_first ? 0 : beyond >> WIRE_SECOND_BITS;
	return (uint32_t)beyond | (uint32_t)!is_first << WIRE_CODE_BITS;
}

static inline uint32_t wire_code_of_python(uint64_t pc, uint64_t *wide)
{
	*wide |= (pc - WIRE_PYTHON_PC) >> WIRE_SECOND_BITS;
	return (uint32_t)pc | WIRE_CODE_PYTHON;
}

/* What codes count from, by their two highest bits. */
struct wire_bases {
	uint64_t of[4];
};

static inline struct wire_bases wire_bases(const uint64_t bases[2])
{
	return (struct wire_bases){ { bases[0], bases[0] + (1ull << WIRE_SECOND_BITS), bases[1], WIRE_PYTHON_PC } };
}

static inline uint64_t wire_pc(uint32_t code, const struct wire_bases *b)
{
	return b->of[code >> WIRE_SECOND_BITS] + (code & ((1u << WIRE_SECOND_BITS) - 1));
}

struct wire_state {
	uint64_t epoch, time_ns, address;
	struct wire_bases bases; /* decoder only */
};

/* Frames as they stand in a record, oldest first. They stay where they were read. */
struct wire_frames {
	const uint8_t *bytes;
	uint32_t count;
	bool wide; /* 8 bytes each, otherwise codes of 4 */
};

static inline size_t wire_frames_bytes(const struct wire_frames *f)
{
	return (size_t)f->count * (f->wide ? sizeof(uint64_t) : sizeof(uint32_t));
}

/* The pc of number i < count. */
static inline uint64_t wire_frame(const struct wire_frames *f, const struct wire_bases *bases, uint32_t i)
{
	return f->wide ? get_u64(f->bytes + (size_t)i * sizeof(uint64_t)) :
			 wire_pc(get_u32(f->bytes + (size_t)i * sizeof(uint32_t)), bases);
}

struct wire_record {
	uint64_t epoch; /* stamp: its place in the total order of its process */
	uint64_t time_ns;
	uint64_t address, size, old_address, old_size;
	uint32_t domain, detail;
	uint8_t kind; /* enum trk_kind or wire_kind */
	uint8_t realloc_kind, outcome; /* of a begin and of an end; of an end */
	bool has_stack;
	uint32_t pops;
	uint32_t known; /* number + 1 of a known stack; 0: pops and pushes count */
	struct wire_frames pushes;
	/* marks: label; modules: path; domains: name; code of Python: a text, of which `detail` says what it is */
	const char *text;
	uint32_t text_bytes;
	uint64_t bias, start, end; /* of Python: bias is the first line, start and end numbers, detail the minor version */
	uint32_t module_flags;
	const uint8_t *build_id;
	uint32_t build_id_bytes;
};

/* The kinds of nearly all records: an address, a size (0 for a release), perhaps a stack. */
static inline bool wire_is_common(uint8_t kind)
{
	return trk_kind_among(kind, TRK_KINDS_TOLD(TRK_TOLD_COMMON));
}

/* What nearly all records say. */
struct wire_quick {
	uint64_t time_ns, address, size;
	uint8_t kind;
	bool releases;
	bool has_stack;
	uint32_t pops;
	uint32_t known; /* as in wire_record */
	struct wire_frames pushes;
};

/* The heads of common kinds in the epoch of the record before: WIRE_TIME and WIRE_STACK are not looked at. */
#define WIRE_QUICK_HEADS TRK_KINDS_TOLD(TRK_TOLD_COMMON)

__attribute__((always_inline)) static inline const uint8_t *wire_quick_stack(const uint8_t *at, struct wire_quick *ret)
{
	uint64_t pops;

	if (!(at = get_short_varint(at, &pops)))
		return NULL;
	if (*at == WIRE_WIDE) {
		ret->known = (uint32_t)pops + 1;
		return pops < WIRE_KNOWN_STACKS ? at + 1 : NULL;
	}
	ret->pops = (uint32_t)pops;
	ret->pushes = (struct wire_frames){ .bytes = at + 1, .count = *at >> 1, .wide = *at & WIRE_WIDE };
	return at + 1 + wire_frames_bytes(&ret->pushes);
}

/*
 * Reads a record of a common kind, in the epoch of the record before it, at `at`, where WIRE_RECORD_MAX bytes can be
 * read. time_ns and address: of the record before. Returns the byte after it. NULL: it is another record, or has a
 * number of more than four bytes.
 */
__attribute__((always_inline)) static inline const uint8_t *wire_quick(const uint8_t *at, uint64_t time_ns, uint64_t address,
								       struct wire_quick *ret)
{
	const uint8_t head = *at++;
	uint64_t n;

	if (!(WIRE_QUICK_HEADS >> (head & (WIRE_EPOCH | 0x1f)) & 1))
		return NULL;
	*ret = (struct wire_quick){ .time_ns = time_ns, .kind = head & 0x1f, .has_stack = head & WIRE_STACK };
	ret->releases = trk_kind_releases(ret->kind);
	if (head & WIRE_TIME) {
		if (!(at = get_short_varint(at, &n)))
			return NULL;
		ret->time_ns += (uint64_t)unzigzag(n);
	}
	if (head & WIRE_STACK && !(at = wire_quick_stack(at, ret)))
		return NULL;
	if (!(at = get_short_varint(at, &n)))
		return NULL;
	ret->address = address + (uint64_t)unzigzag(n);
	return ret->releases ? at : get_short_varint(at, &ret->size);
}

/*
 * For a common kind, the fields that only modules and reallocs have are not set. 0, TRK_END (=1) at the end of the
 * bytes, TRK_ERR_CORRUPT. pushes, text and build_id point into the input.
 */
int wire_decode(struct wire_state *s, struct byte_reader *r, struct wire_record *ret);

#endif
