/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions that other servers answer. They are passed on as they are but for their id, each from a socket of its own that
 * is connected to the server: an answer counts only when it comes from there, to a port that the kernel chose at random, with
 * a random id, and repeats the question.
 */
#ifndef CAISSON_FORWARD_H
#define CAISSON_FORWARD_H

#include "namespace.h"
#include "question.h"
#include "tcp_server.h"

struct forward {
	struct source source; /* replaced at each attempt */
	struct link in_namespace;
	struct namespace *namespace;
	struct timer timer;
	struct forwarders forwarders;
	struct client *client;   /* who asked over TCP; NULL: over UDP */
	struct sockaddr_in peer; /* who asked over UDP */
	uint16_t asked_id;
	uint16_t sent_id;
	uint16_t limit; /* bytes that the asker takes over UDP */
	uint8_t attempt;
	size_t question_end;
	size_t sent;       /* over TCP, of the query with its length */
	uint8_t *answer;   /* over TCP, with its length */
	size_t received;
	size_t capacity;
	size_t length;     /* of the query with its length */
	uint8_t query[];   /* behind its length, as it stands in TCP */
};

/* -1: too many wait, or nobody can be asked; the asker is told by the caller. */
int forward_udp(struct namespace *namespace, const uint8_t *message, size_t length, const struct question *question,
		const struct sockaddr_in *peer);
/* The client waits for it. -1 as above. */
int forward_tcp(struct namespace *namespace, const uint8_t *message, size_t length, const struct question *question,
		struct client *client);

/* Nobody waits for it any more. */
void forward_drop(struct forward *forward);

/* Whether a message is the answer to the query: id, question, and that it is an answer at all. */
bool forward_matches(const uint8_t *query, size_t question_end, uint16_t id, const uint8_t *message, size_t length);

#endif
