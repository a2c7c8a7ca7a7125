/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "name_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "cleanup.h"
#include "namespace.h"
#include "netlink.h"

#define SERVER_ADDRESS 0x7f00000bu /* 127.0.0.11 */
#define BACKLOG 64

static int bound_socket(int type, uint16_t *port, struct error *err)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(SERVER_ADDRESS) };
	socklen_t size = sizeof(address);
	auto_close int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return error_system(err, "socket");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_system(err, "bind");
	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return error_system(err, "getsockname");
	*port = ntohs(address.sin_port);
	return take_fd(&fd);
}

struct opening {
	int namespace_fd;
	struct name_sockets *sockets;
};

static int open_inside(void *argument, struct error *err)
{
	const struct opening *opening = argument;
	struct name_sockets *sockets = opening->sockets;
	auto_close int udp = -1;
	auto_close int tcp = -1;

	if (namespace_enter(opening->namespace_fd, err) < 0)
		return -1;
	udp = bound_socket(SOCK_DGRAM, &sockets->udp_port, err);
	if (udp < 0)
		return -1;
	tcp = bound_socket(SOCK_STREAM, &sockets->tcp_port, err);
	if (tcp < 0)
		return -1;
	if (listen(tcp, BACKLOG) < 0)
		return error_system(err, "listen");
	sockets->netfilter = netlink_open(NETLINK_NETFILTER, err);
	if (sockets->netfilter < 0)
		return -1;
	sockets->udp = take_fd(&udp);
	sockets->tcp = take_fd(&tcp);
	return 0;
}

int name_sockets_open(int namespace_fd, struct name_sockets *sockets, struct error *err)
{
	struct opening opening = { namespace_fd, sockets };

	return namespace_thread(open_inside, &opening, err);
}

static int connect_to(const char *path, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = HAND_OVER_TIMEOUT_S };
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_system(err, "socket");
	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(err, ENAMETOOLONG, "connect");
	memcpy(address.sun_path, path, strlen(path));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return error_system(err, "setsockopt");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_system(err, "connect");
	return take_fd(&fd);
}

static int send_descriptors(int fd, const unsigned char *message, size_t length, const int *fds, size_t count,
			    struct error *err)
{
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(HAND_OVER_FDS * sizeof(int))];
	} control = { 0 };
	struct iovec part = { (void *)message, length };
	struct msghdr sent = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n;

	if (count > 0) {
		sent.msg_control = control.bytes;
		sent.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header = (struct cmsghdr){ CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	n = sendmsg(fd, &sent, MSG_NOSIGNAL);
	if (n < 0)
		return error_system(err, "sendmsg");
	return (size_t)n == length ? 0 : error_set(err, EMSGSIZE, "sendmsg");
}

int hand_over(const char *path, const unsigned char *message, size_t length, const int *fds, size_t count, struct error *err)
{
	unsigned char taken;
	ssize_t n;
	auto_close int fd = -1;

	if (length > HAND_OVER_BYTES || count > HAND_OVER_FDS)
		return error_set(err, EMSGSIZE, "sendmsg");
	fd = connect_to(path, err);
	if (fd < 0 || send_descriptors(fd, message, length, fds, count, err) < 0)
		return -1;
	n = recv(fd, &taken, sizeof(taken), 0);
	if (n < 0 && errno == EAGAIN)
		return error_set(err, ETIMEDOUT, "recv");
	if (n < 0)
		return error_system(err, "recv");
	return n == 0 ? error_set(err, ECONNRESET, "recv") : 0;
}
