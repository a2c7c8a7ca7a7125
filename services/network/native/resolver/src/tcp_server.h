/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions that come over connections (RFC 7766): several on one, answered one after another in their order.
 */
#ifndef CAISSON_TCP_SERVER_H
#define CAISSON_TCP_SERVER_H

#include "namespace.h"

#define TCP_LENGTH_BYTES 2

struct forward;

struct client {
	struct source source;
	struct link in_namespace;
	struct namespace *namespace;
	struct timer idle;
	struct forward *waiting; /* what it waits for; NULL: nothing */
	uint8_t *answer;         /* with its length; NULL: none is being sent */
	size_t answer_length;
	size_t answer_sent;
	size_t received;
	uint8_t question[TCP_LENGTH_BYTES + QUERY_BYTES];
};

/* Of a listening socket: takes who is there. */
void tcp_ready(struct loop *loop, struct source *source, uint32_t events);

/* Sends the answer that it waited for, and goes on with the next question. */
void client_answer(struct client *client, const uint8_t *message, size_t length);

void client_close(struct client *client);

#endif
