/*
 * module_table - the modules of the capture, from what programs tell about them.
 *
 * A program tells the loader's spelling of a path. The capture has the kernel's spelling if the process could be
 * asked. The file stays open until the end, when names are looked up in it (module_files.h).
 */
#ifndef RECORD_MODULE_TABLE_H
#define RECORD_MODULE_TABLE_H

#include "recorder.h"

/* `p` tells of a module, at the head of the stream: it is mapped there from now on. Opens its file. */
void module_table_add(struct recorder *r, struct process *p, struct stream *s);
/*
 * A new module, of code that a program makes while it runs. `code` becomes the table's. 0: there was no memory; then
 * `code` is freed.
 */
uint32_t module_table_code(struct recorder *r, struct made_code *code);
bool module_table_is_code(const struct recorder *r, uint32_t id);
/* The module of the functions of Python 3.minor. */
uint32_t module_table_python(struct recorder *r, uint32_t minor);
bool module_table_is_python(const struct recorder *r, uint32_t id);
void module_table_finish(struct recorder *r);

#endif
