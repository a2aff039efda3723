/* python - whether a capture is of CPython, whose own functions are in it but not those of the Python program. */
#ifndef REPORT_PYTHON_H
#define REPORT_PYTHON_H

#include "replay/view.h"

/*
 * If code under CPython's interpreter holds a tenth or more of the view's bytes, and no Python function has a name: the number behind
 * the dot of its version (3.12: 12). 0: it is not so. TRK_ERR_NOMEM.
 */
int python_unread(const struct capture *c, const struct view *v);

#endif
