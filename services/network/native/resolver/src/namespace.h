/* SPDX-License-Identifier: Apache-2.0
 *
 * A network namespace whose questions are answered.
 */
#ifndef CAISSON_NAMESPACE_H
#define CAISSON_NAMESPACE_H

#include "resolver.h"

struct view {
	uint8_t network_count;
	bool ask_host;
	struct forwarders forwarders; /* unless the host's are asked; none: nobody is */
	struct network *networks[];   /* in the order in which they are asked; each is referred to */
};

struct namespace;

/* A socket of it. */
struct port {
	struct source source;
	struct namespace *namespace; /* NULL: it is going */
	struct timer pause;
	bool paused;
};

struct namespace {
	struct link in_resolver;
	struct resolver *resolver;
	struct port *udp; /* NULL: none was handed over */
	struct port *tcp;
	struct view *view;
	struct link forwards; /* of struct forward */
	struct link clients;  /* of struct client */
	uint32_t forward_count;
	uint32_t client_count;
	uint32_t token;
	uint32_t generation;
	int64_t tokens; /* questions that may be asked now */
	int64_t tokens_ms;
	uint8_t id_length;
	uint8_t id[255];
};

/* NULL when it is not there. */
struct namespace *namespace_find(struct resolver *resolver, const uint8_t *id, uint8_t length);
/* Made when it is not there. NULL: no memory. */
struct namespace *namespace_get(struct resolver *resolver, const uint8_t *id, uint8_t length);
/* With all that waits in it. */
void namespace_close(struct namespace *namespace);
/* Takes over both descriptors, whatever comes of it. -1 with errno. */
int namespace_open(struct namespace *namespace, int udp, int tcp);
/* Takes the view over. */
void namespace_set_view(struct namespace *namespace, struct view *view);
void view_free(struct resolver *resolver, struct view *view);
/* Listens to its sockets, or lets what comes wait in them. */
void namespace_listen(struct namespace *namespace);
/* Lets what comes to a socket wait until the clock has run down. */
void port_pause(struct port *port, struct clock *clock);

#endif
