#include "connector.h"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM_BYTES (4 << 20) /* events that come faster than they are read are lost */

static bool ask(int socket, enum proc_cn_mcast_op what)
{
	const struct cn_msg message = { .id = { CN_IDX_PROC, CN_VAL_PROC }, .len = sizeof(what) };
	const struct nlmsghdr head = { .nlmsg_len = NLMSG_LENGTH(sizeof(message) + sizeof(what)), .nlmsg_type = NLMSG_DONE };
	uint8_t bytes[NLMSG_LENGTH(sizeof(message) + sizeof(what))] = { 0 };

	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + NLMSG_HDRLEN, &message, sizeof(message));
	memcpy(bytes + NLMSG_HDRLEN + sizeof(message), &what, sizeof(what));
	return send(socket, bytes, sizeof(bytes), MSG_DONTWAIT) == sizeof(bytes);
}

int connector_open(void)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
	const int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR), room = ROOM_BYTES;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 && ask(fd, PROC_CN_MCAST_LISTEN))
		return fd;
	close(fd);
	return -1;
}

void connector_close(int socket)
{
	(void)ask(socket, PROC_CN_MCAST_IGNORE);
	close(socket);
}
