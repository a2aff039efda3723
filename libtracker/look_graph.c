/*
 * look_graph - which block points to which; see look_mark.h. It runs where look_mark.c does, so
 * nothing of libc is used.
 */
#include "look_index.h"
#include "look_memory.h"

/* The block into which p points; block_count: into none. */
static uint32_t target_of(const struct look_marking *m, uint64_t p)
{
	const uint32_t entry = p >= m->low && p < m->high ? entry_at(m, p) : 0;
	uint32_t block = entry ? block_at(m, entry, p) : m->block_count;

	if (block >= m->block_count)
		return m->block_count;
	if (block && p < look_address(&m->blocks[block]))
		block--;
	return p - look_address(&m->blocks[block]) < look_size(&m->blocks[block]) ? block : m->block_count;
}

static void scan(struct look_marking *m, uint32_t block)
{
	const struct look_block *const b = &m->blocks[block];
	const uint64_t address = look_address(b), skip = -address & 7, size = look_size(b);
	const uint8_t *bytes;

	if (b->flags & LOOK_UNREADABLE || size < skip + 8)
		return;
	bytes = look_at(m, address + skip, (size - skip) / 8 * 8);
	if (!bytes)
		return;
	for (uint64_t i = 0; i < (size - skip) / 8; i++) {
		const uint32_t target = target_of(m, look_word(bytes + 8 * i) & ~m->no_address);

		if (target == m->block_count || target == block)
			continue;
		if (m->target_count == m->target_room) {
			m->cut++;
			continue;
		}
		m->targets[m->target_count++] = target;
		m->counts[block]++;
	}
}

void look_graph(struct look_marking *m)
{
	for (uint32_t i = 0; i < m->block_count; i++)
		scan(m, i);
}
