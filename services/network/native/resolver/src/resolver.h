/* SPDX-License-Identifier: Apache-2.0
 *
 * All that the process knows and does: whose questions it hears, what it answers, and what it waits for.
 */
#ifndef CAISSON_RESOLVER_H
#define CAISSON_RESOLVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "names.h"

#define QUERY_BYTES 4096 /* of a question, over UDP and TCP */

#define FORWARDERS_MAX 8
#define FORWARDS_MAX 1024    /* questions that wait for another server */
#define FORWARDS_PER_NAMESPACE 256
#define FORWARD_MS 2000      /* for each server that is asked */
#define FORWARD_ATTEMPTS 3
#define CLIENTS_MAX 1024     /* TCP connections */
#define CLIENTS_PER_NAMESPACE 32
#define CLIENT_IDLE_MS 10000
#define LISTENER_PAUSE_MS 100 /* without descriptors */
/* Questions over UDP that one namespace may ask in a second, and how many at once. What is more waits in its socket. */
#define RATE 50000
#define BURST 10000
#define RATE_PAUSE_MS 10

struct forwarder {
	struct sockaddr_storage address;
	socklen_t length;
};

struct forwarders {
	uint8_t count;
	struct forwarder list[FORWARDERS_MAX];
};

struct counters {
	uint64_t queries;   /* over UDP and TCP, good or bad */
	uint64_t own;       /* answered by what is known here */
	uint64_t forwarded; /* answered by another server */
	uint64_t failed;    /* no other server answered */
	uint64_t refused;   /* nobody to ask, too many at once, or nothing that is served */
	uint64_t malformed; /* no questions */
};

struct resolver {
	struct loop loop;
	struct names names;
	struct forwarders host;
	struct counters counters;
	/* Until everything was said once nobody is answered. */
	bool informed;
	struct link namespaces; /* of struct namespace */
	size_t namespace_count;
	size_t forward_count;
	size_t client_count;
	struct clock forward_clock;
	struct clock client_clock;
	struct clock rate_clock;
	struct clock listener_clock;
};

static inline struct resolver *resolver_of(struct loop *loop)
{
	return containing(loop, struct resolver, loop);
}

/* -1 with errno. */
int resolver_init(struct resolver *resolver);
/* Closes everything. */
void resolver_free(struct resolver *resolver);

#endif
