/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "namespace.h"

/* Room for the answers of a large batch; the kernel drops what does not fit and says ENOBUFS. */
#define BUFFER_BYTES (8 * 1024 * 1024)

static void set_buffer(int fd, int forced, int plain)
{
	int size = BUFFER_BYTES;

	/* Best effort: without CAP_NET_ADMIN in the first user namespace the system's own limit stays. */
	if (setsockopt(fd, SOL_SOCKET, forced, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, plain, &size, sizeof(size));
}

static int enable(int fd, int option, struct error *err)
{
	int on = 1;

	if (setsockopt(fd, SOL_NETLINK, option, &on, sizeof(on)) < 0)
		return error_system(err, "setsockopt");
	return 0;
}

int netlink_open(int protocol, struct error *err)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return error_system(err, "socket");
	if (enable(fd, NETLINK_EXT_ACK, err) < 0 || enable(fd, NETLINK_CAP_ACK, err) < 0 ||
	    enable(fd, NETLINK_GET_STRICT_CHK, err) < 0)
		return -1;
	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_system(err, "bind");
	return take_fd(&fd);
}

struct opening {
	int protocol;
	int namespace_fd;
};

static int open_inside(void *argument, struct error *err)
{
	const struct opening *opening = argument;

	if (namespace_enter(opening->namespace_fd, err) < 0)
		return -1;
	return netlink_open(opening->protocol, err);
}

int netlink_open_in(int protocol, int namespace_fd, struct error *err)
{
	struct opening opening = { protocol, namespace_fd };

	return namespace_thread(open_inside, &opening, err);
}

int netlink_join(int fd, const uint32_t *groups, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])) < 0)
			return error_system(err, "setsockopt");
	}
	return 0;
}

int netlink_check(int fd, struct error *err)
{
	int domain = 0;
	socklen_t size = sizeof(domain);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0)
		return error_system(err, "getsockopt");
	if (domain != AF_NETLINK)
		return error_set(err, EINVAL, "getsockopt");
	return 0;
}
