/* SPDX-License-Identifier: Apache-2.0
 *
 * What the network service and this process say to each other, over a unix socket (stream) that only root may open.
 *
 * Frames: a length (4 bytes, of what follows it), a type (1 byte), and fields. Numbers are little endian. Text, ids and
 * addresses (of 4 or 16 bytes) stand behind their length (1 byte), names as domain_name.h has them. src/name-server/messages.ts
 * is the other side.
 */
#ifndef CAISSON_CONTROL_H
#define CAISSON_CONTROL_H

#include "namespace.h"

enum control_type {
	CONTROL_HELLO,     /* answered with the build that was given at the start */
	CONTROL_BEGIN,     /* all is said again: this connection leads from now on, others that did are closed */
	CONTROL_END,       /* what was not said since BEGIN is dropped; from the first one on questions are answered */
	CONTROL_NAMESPACE, /* id, token (4 bytes); answered with 1 when its port is open, 0 when not */
	CONTROL_CLOSE,     /* id */
	CONTROL_VIEW,      /* id; count (1 byte) and ids of networks; servers, or 255 for the host's */
	CONTROL_NAME,      /* id of a network, name, count (2 bytes) and addresses; none: it is gone */
	CONTROL_REVERSE,   /* id of a network, address, name; an empty one: none */
	CONTROL_FORGET,    /* id of a network */
	CONTROL_HOST,      /* servers: count (1 byte), and of each address and port (2 bytes) */
	CONTROL_COUNT,     /* answered with counters, 8 bytes each */
	CONTROL_SOCKETS,   /* id, token; with two descriptors, UDP and TCP; answered with one bare byte */
};

#define CONTROL_HEAD_BYTES 5
#define CONTROL_FRAME_BYTES (128 * 1024)
#define CONTROL_ADDRESSES_MAX 4000
#define CONTROL_HOST_SERVERS 255
#define CONTROL_FDS 2
#define CONTROL_COUNTERS 8

/* What a connection has to answer to a frame. */
struct control_reply {
	size_t length; /* 0: nothing */
	bool leads;
	uint8_t bytes[512];
};

/*
 * Does what a frame (without its length) says. `fds` are descriptors that came with it; those it takes become -1. Returns -1
 * when it is none of the above, names what is not there, or there is no memory: the connection is to be closed.
 */
int control_apply(struct resolver *resolver, const uint8_t *frame, size_t length, int fds[CONTROL_FDS], const char *build,
		  struct control_reply *reply);

#endif
