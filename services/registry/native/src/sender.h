/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that send parts of files to sockets. A transfer belongs to one thread from its beginning to
 * its end; a thread takes turns among those that can go on, so that a slow client holds up nobody.
 */
#ifndef CAISSON_SENDER_H
#define CAISSON_SENDER_H

#include <stdint.h>
#include <sys/types.h>

/* What is sent, and how it ended. The two descriptors are the sender's; it closes them before it calls `done`. */
struct transfer {
	int socket; /* does not block */
	int file;
	off_t offset;
	uint64_t left;
	int idle_ms; /* without progress: ETIMEDOUT */
	void (*done)(struct transfer *transfer); /* on a thread of the sender's; takes the transfer over */

	int error; /* 0, or an errno */

	/* The sender's own. */
	int64_t deadline_ms;
	struct transfer *next;
	struct transfer *previous;
	int is_waiting;
	int is_near;
};

/* Begins a transfer. 0, or an errno: then `done` is not called and the descriptors stay the caller's. */
int sender_begin(struct transfer *transfer);

#endif
