/* order_status - what a recorder says of itself in every answer. */
#ifndef RECORD_ORDER_STATUS_H
#define RECORD_ORDER_STATUS_H

#include "recorder.h"
#include "tools/contact.h"

/* pid: of the request, or 0. */
void order_status(const struct recorder *r, uint32_t pid, struct contact_status *s);
/* Whether the process has that pid, here or in its own namespace. */
bool order_status_names(const struct process *p, uint32_t pid);

#endif
