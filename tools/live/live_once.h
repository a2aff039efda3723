/* live_once - one picture as text or JSON, for scripts: tracker live --once. */
#ifndef LIVE_ONCE_H
#define LIVE_ONCE_H

#include "live_source.h"
#include "picture.h"
#include "ui/emit.h"

struct live_once {
	const struct live_source *source;
	const struct picture *picture;
	struct picture_question question;
	size_t limit; /* of rows; 0: all */
};

/* TRK_ERR_NOMEM. */
int live_once_write(const struct live_once *o, enum emit_form form, FILE *f);

#endif
