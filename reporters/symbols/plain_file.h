/* plain_file - opens files whose paths come from captures, and may name anything. */
#ifndef SYMBOLS_PLAIN_FILE_H
#define SYMBOLS_PLAIN_FILE_H

/* A descriptor of the regular file at an absolute path; -1 and errno: there is none. Never waits on a pipe or a device. */
int plain_file_open(const char *path);

#endif
