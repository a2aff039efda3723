/* model - see model.h. */
#include <stdlib.h>
#include <string.h>

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
	uint32_t room = m->room ? m->room : 256;
	struct model_block *grown;

	if (number < m->room)
		return 0;
	while (room <= number)
		room *= 2;
	grown = realloc(m->blocks, room * sizeof(*grown));
	if (!grown)
		return TRK_ERR_NOMEM;
	if (!m->room)
		grown[0] = (struct model_block){ 0 }; /* the number of none */
	m->blocks = grown;
	m->room = room;
	return 0;
}

void model_finish(struct model *m)
{
	free(m->blocks);
	m->blocks = NULL;
	m->room = 0;
}
