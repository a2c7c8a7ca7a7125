/* SPDX-License-Identifier: Apache-2.0 */
#include "near.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

int is_near(int socket)
{
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	const struct in6_addr *six = &((struct sockaddr_in6 *)&peer)->sin6_addr;
	socklen_t length = sizeof(peer);

	if (getpeername(socket, (struct sockaddr *)&peer, &length) < 0)
		return 0;
	if (peer.ss_family == AF_INET)
		return ntohl(((struct sockaddr_in *)&peer)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (peer.ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == IN_LOOPBACKNET);
	return 0;
}
