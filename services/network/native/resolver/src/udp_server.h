/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions that come in datagrams.
 */
#ifndef CAISSON_UDP_SERVER_H
#define CAISSON_UDP_SERVER_H

#include "namespace.h"

/* At most so many are heard of one namespace before the others have their turn. */
#define UDP_ROUND 32

void udp_ready(struct loop *loop, struct source *source, uint32_t events);

/* Best effort, as datagrams are. */
void udp_answer(const struct namespace *namespace, const struct sockaddr_in *peer, const uint8_t *message, size_t length);

#endif
