/* SPDX-License-Identifier: Apache-2.0
 *
 * How the monitor and the process that becomes the container talk: a socket pair of whole messages that may carry
 * descriptors. It closes on exec, so its end without an error message means that the program was executed.
 */
#ifndef CAISSON_SYNC_H
#define CAISSON_SYNC_H

#include <stdint.h>

#include "error.h"

enum sync_kind {
	SYNC_GO = 1, /* monitor: ids are mapped, control groups are joined */
	SYNC_MOUNT,  /* monitor: one descriptor of a detached mount, in the order of the plan, the root first */
	SYNC_EXEC,   /* monitor: execute the program */
	SYNC_SECOND, /* child: a pidfd of the process that goes on in its place */
	SYNC_READY,  /* child: everything stands; descriptors of stdio, see standard.h */
	SYNC_ERROR,  /* child: `error` says what failed */
};

#define SYNC_MAX_FDS 3

struct sync_message {
	uint32_t kind;
	uint32_t value;
	struct error error;
};

/* A pair of connected ends. -1 and errno. */
int sync_pair(int ends[2]);

/* Sends a message without an error in it. -1 and errno. */
int sync_send(int socket, enum sync_kind kind, uint32_t value, const int *fds, int count);

/* Tells the other end what failed; there is nobody left to tell when that fails too. */
void sync_send_error(int socket, const struct error *error);

/* Waits for a message. 1 with one, 0 when the other end is closed, -1 and errno. `fds` are set to -1 when not sent. */
int sync_receive(int socket, struct sync_message *message, int fds[SYNC_MAX_FDS]);

/* Waits for a message of one kind that carries `count` descriptors. -1 and errno; EPIPE when the other end is closed. */
int sync_expect(int socket, enum sync_kind kind, int *fds, int count);

#endif
