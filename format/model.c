/* model - see model.h. */
#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "format/model.h"

void model_reset(struct model *m)
{
	memset(m, 0, offsetof(struct model, room));
	memset(m->release_kinds, TRK_FREE, sizeof(m->release_kinds));
	m->release_kinds[TRK_NEW] = TRK_DELETE;
	m->release_kinds[TRK_NEW_ARRAY] = TRK_DELETE_ARRAY;
}

int model_reserve(struct model *m, uint32_t number)
{
	const bool is_first = !m->room;

	if (!ARRAY_ROOM(m->blocks, m->room, (size_t)number + 1, 256))
		return TRK_ERR_NOMEM;
	if (is_first)
		m->blocks[0] = (struct model_block){ 0 }; /* the number of none */
	return 0;
}

void model_finish(struct model *m)
{
	free(m->blocks);
	m->blocks = NULL;
	m->room = 0;
}
