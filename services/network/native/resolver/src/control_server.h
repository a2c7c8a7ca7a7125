/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections of the network service: one that leads, and short ones that hand sockets over.
 */
#ifndef CAISSON_CONTROL_SERVER_H
#define CAISSON_CONTROL_SERVER_H

#include "control.h"

#define CONTROL_CONNECTIONS_MAX 32
#define CONTROL_ROUND_BYTES (64 * 1024)
#define CONTROL_REPLIES_MAX (1024 * 1024)
#define CONTROL_WATCH_MS 1000
/* How often the watch finds nobody, and nothing to do, before the process ends. */
#define CONTROL_IDLE_WATCHES 5
#define CONTROL_LOST_WATCHES 10

struct control_server {
	struct source source;
	struct resolver *resolver;
	const char *build;
	int path; /* the file of the socket (O_PATH) */
	struct link connections;
	int connection_count;
	struct connection *leader;
	struct clock watch_clock;
	struct timer watch;
	int idle_watches;
};

/* Serves a listening socket. Both descriptors are taken over. -1 with errno. */
int control_server_start(struct control_server *server, struct resolver *resolver, int listener, int path, const char *build);

/* Takes over a connected socket. */
void control_server_take(struct control_server *server, int fd);

#endif
