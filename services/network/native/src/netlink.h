/* SPDX-License-Identifier: Apache-2.0
 *
 * Netlink sockets: whole requests in, whole answers out. What the bytes mean is TypeScript's matter.
 */
#ifndef CAISSON_NETLINK_H
#define CAISSON_NETLINK_H

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"

/* A bound socket in the calling thread's network namespace. Returns the descriptor. */
int netlink_open(int protocol, struct error *err);

/* As netlink_open, in the namespace that `namespace_fd` stands for; the calling thread stays where it is. */
int netlink_open_in(int protocol, int namespace_fd, struct error *err);

/* Joins multicast groups (numbers, not masks). */
int netlink_join(int fd, const uint32_t *groups, size_t count, struct error *err);

/* The kernel answers within microseconds; longer means that the routing lock is held by somebody stuck. */
#define REQUEST_TIMEOUT_MS 10000

/*
 * Sends a batch of messages and appends every answer to `answers`, until each message that asks for an acknowledgement
 * (NLM_F_ACK) or a dump (NLM_F_DUMP) has had its NLMSG_ERROR or NLMSG_DONE. Sequence numbers must rise by one from the
 * first message to the last; answers to others (of a request that timed out) are thrown away. An error for a message
 * that asked for nothing (the begin of an nf_tables batch) ends the wait: the batch was refused as a whole.
 * Errors: EINVAL (not a netlink socket, malformed batch), ETIMEDOUT, ENOBUFS (answers were lost), and what the kernel
 * says of sending. Errors inside the answers are the caller's to find.
 */
int netlink_request(int fd, const unsigned char *batch, size_t length, int timeout_ms, struct bytes *answers,
		    struct error *err);

/* EINVAL unless fd is a netlink socket: a descriptor number may have been closed and given to something else. */
int netlink_check(int fd, struct error *err);

#endif
