/*
 * connector - the kernel's process connector. It reports every fork, exec and exit on the machine, however briefly a
 * process lives and whoever made the system call (Linux: Documentation/driver-api/connector.rst, linux/cn_proc.h).
 * Root in the machine's first namespaces may listen; from Linux 6.6 on, any user there.
 */
#ifndef TOOLS_CONNECTOR_H
#define TOOLS_CONNECTOR_H

/* A socket that receives events from now on, without blocking; -1: there is none. It may also be one that receives nothing. */
int connector_open(void);
/* Tells the kernel to stop, and closes the socket. */
void connector_close(int socket);

#endif
