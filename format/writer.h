/*
 * writer - writes a capture file, block by block.
 *
 * The recorder's half of format/ (and the tools' that rewrite captures): it may
 * use the heap, it never prints. Ids are given out here, so that tables and
 * events agree: modules, frames, nodes and strings are interned, i.e. asking
 * for the same one twice gives the same id.
 *
 * Errors are sticky: after a failed write every call does nothing and
 * writer_error() tells errno; what was written before stays a readable capture.
 */
#ifndef TRK_WRITER_H
#define TRK_WRITER_H

#include "format/block.h"
#include "format/keyframe.h"
#include "format/look_parts.h"
#include "format/memory_parts.h"
#include "format/sums.h"
#include "format/trk.h"

struct writer;

/*
 * Starts a capture on fd, at its current end, which is offset 0 of the capture. Writes the header. The descriptor
 * stays the caller's, and need not be seekable. TRK_ERR_NOMEM, TRK_ERR_IO.
 */
int writer_new(struct writer **ret, int fd, const struct trk_header *h);

/* How blocks are packed from now on; TRK_PACK_BEST otherwise. */
void writer_set_packing(struct writer *w, enum trk_packing packing);

/* What a file already holds: its length, its blocks (without INDEX), its strings (ids 1..count). */
struct writer_written {
	uint64_t bytes;
	const struct trk_block_header *blocks;
	const uint64_t *offsets; /* of the blocks */
	size_t block_count;
	uint32_t string_count;
};

/*
 * Goes on with a capture whose bytes are in fd; fd stands at its end. No modules, frames, nodes and events may be
 * added; new strings get new ids. TRK_ERR_NOMEM.
 */
int writer_resume(struct writer **ret, int fd, const struct writer_written *before);

/*
 * A second writer that goes on, in fd, behind what `w` has written so far (flush `w` before). Those bytes must
 * already stand in fd. It writes nothing back to `w`. Errors as in writer_resume.
 */
int writer_branch(struct writer **ret, const struct writer *w, int fd);

/*
 * Goes on in another file: fd becomes a capture of its own, with that header and all tables of ids,
 * processes, threads and mappings that stand in the file so far, which `before` reads; events, samples and
 * figures stay there, without an end if nobody else writes it. TRK_ERR_NOMEM, TRK_ERR_IO.
 */
int writer_next_file(struct writer *w, int fd, int before, const struct trk_header *h);

uint32_t writer_module(struct writer *w, const struct trk_module *m);
uint32_t writer_frame(struct writer *w, uint32_t module, uint64_t offset);
uint32_t writer_node(struct writer *w, uint32_t parent, uint32_t frame);
/* Returns the parent. 0 has itself and no frame. */
uint32_t writer_node_get(const struct writer *w, uint32_t node, uint32_t *ret_frame);
uint32_t writer_string(struct writer *w, const char *bytes, size_t size);
uint32_t writer_node_count(const struct writer *w); /* nodes are 1..count */
uint32_t writer_frame_count(const struct writer *w); /* frames are 1..count */
void writer_frame_get(const struct writer *w, uint32_t frame, uint32_t *ret_module,
		      uint64_t *ret_offset);

void writer_process(struct writer *w, const struct trk_process *p);
void writer_thread(struct writer *w, const struct trk_thread *t);
void writer_mapping(struct writer *w, const struct trk_mapping *m);
void writer_domain(struct writer *w, const struct trk_domain *d);

/*
 * Appends events, each to its process's (e->process) current block. e->ref, where it is known,
 * makes the capture smaller and faster to read.
 */
void writer_events(struct writer *w, const struct trk_event *events, uint32_t count);

static inline void writer_event(struct writer *w, const struct trk_event *e)
{
	writer_events(w, e, 1);
}

/* Lists a mark, besides its event: by this list it is found without reading the events. */
void writer_mark(struct writer *w, const struct trk_event *e);

/*
 * A keyframe: the live set at this place of the file. All that was added before is written out
 * first; events added later must have later times than time_ns. It holds at most so many `blocks`.
 * `begins`: the capture begins with
 * this live set, no event stands before it, and every reader must take it into account.
 * Processes by ascending index, each followed by its blocks, in the order of keyframe.h.
 */
void writer_keyframe_begin(struct writer *w, uint64_t time_ns, uint64_t events, uint64_t marks,
			   uint64_t blocks, bool begins);
void writer_keyframe_process(struct writer *w, const struct keyframe_process *p);
void writer_keyframe_block(struct writer *w, const struct keyframe_block *b);
void writer_keyframe_end(struct writer *w);

/*
 * What a look at the memory of head->process found: head->blocks blocks by ascending address, each root and type before the blocks that name
 * it. Its event (TRK_LOOK) was added before.
 */
void writer_look_begin(struct writer *w, const struct trk_look *head);
void writer_look_root(struct writer *w, const struct trk_look_root *r);
void writer_look_block(struct writer *w, const struct trk_look_block *b);
/* Of a look with references (head->graph): types before the blocks that name them; the blocks to which one points, behind all blocks. */
void writer_look_type(struct writer *w, const struct trk_look_type *t);
void writer_look_references(struct writer *w, uint32_t block, const uint32_t *targets, uint32_t count);
void writer_look_end(struct writer *w);

/* A block of a look, LOOK or MEMORY, as it stands in another capture, of that process here: it names nothing by what tables hold. */
void writer_look_again(struct writer *w, uint32_t process, const struct trk_block_header *h, const uint8_t *raw);

/*
 * What the memory of head->process consisted of at the look of that number. Items are given to the coder (memory_parts.h), and
 * writer_memory_more is called now and then. NULL: an error is set, and nothing more is to be called.
 */
struct memory_coder *writer_memory_begin(struct writer *w, const struct trk_memory *head);
void writer_memory_more(struct writer *w);
void writer_memory_end(struct writer *w);

void writer_rss(struct writer *w, uint32_t process, uint64_t time_ns, uint64_t rss_bytes);
void writer_symbols(struct writer *w, uint32_t frame, const struct trk_symbol_text *s, size_t n);
/* The same of strings that are there already, for many frames of few names. 0: "". */
uint32_t writer_symbols_string(struct writer *w, const char *bytes, size_t size); /* 0, too, when there is no room for it */
void writer_symbols_by_id(struct writer *w, uint32_t frame, const struct trk_symbol *s, size_t n);
/* Names are left out from where the finished file could have more than `bytes`. */
void writer_limit_symbols(struct writer *w, uint64_t bytes);
bool writer_symbols_left_out(const struct writer *w);
void writer_notice(struct writer *w, const char *sentence);
void writer_health(struct writer *w, const char *key, uint64_t value);
void writer_summary(struct writer *w, const char *key, uint64_t value);

/*
 * Of aggregated captures. Sums in any order (by process and node they are smallest); sizes by process,
 * ascending; of a history at most TRK_HISTORY_MAX spans.
 */
void writer_sum(struct writer *w, const struct trk_sum *s, const struct trk_sum_errors *errors /* NULL: exact */);
void writer_totals(struct writer *w, const struct trk_totals *t);
void writer_size(struct writer *w, const struct trk_size *s);
void writer_history(struct writer *w, const struct trk_history *h);

/* Writes out everything that is pending, tables before the events that use them. */
int writer_flush(struct writer *w);

/* Bytes of the file so far, and the errno of the first failed write (0: none). */
uint64_t writer_bytes(const struct writer *w);
/* What the file would have at most if it were finished now: all that is pending, unpacked. */
uint64_t writer_bytes_bound(const struct writer *w);
int writer_error(const struct writer *w);
/* The caller had no memory for what it was to add: counts as a failed write (ENOMEM). */
void writer_no_memory(struct writer *w);

/* Flushes, writes index and trailer. The writer is still to be freed. */
int writer_finish(struct writer *w);
void writer_free(struct writer *w); /* NULL-safe; writes nothing */

#endif
