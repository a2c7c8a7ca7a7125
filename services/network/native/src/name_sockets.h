/* SPDX-License-Identifier: Apache-2.0
 *
 * The sockets of the name server of a network namespace, and how they come to the process that answers.
 */
#ifndef CAISSON_NAME_SOCKETS_H
#define CAISSON_NAME_SOCKETS_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct name_sockets {
	int udp;
	int tcp;
	int netfilter; /* a NETLINK_NETFILTER socket in the same namespace */
	uint16_t udp_port;
	uint16_t tcp_port;
};

/* UDP and TCP (listening) at 127.0.0.11, each on a port that the kernel chooses, non-blocking. */
int name_sockets_open(int namespace_fd, struct name_sockets *sockets, struct error *err);

#define HAND_OVER_BYTES 4096
#define HAND_OVER_FDS 2
#define HAND_OVER_TIMEOUT_S 5

/*
 * Connects to a unix socket (stream), sends a message with descriptors, and waits for a byte that says that they were taken.
 * ECONNRESET when the connection ends before it.
 */
int hand_over(const char *path, const unsigned char *message, size_t length, const int *fds, size_t count, struct error *err);

#endif
