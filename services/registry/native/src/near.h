/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAISSON_NEAR_H
#define CAISSON_NEAR_H

/* Whether the other end of a connected socket is on this machine: its address is one of the loopback. */
int is_near(int socket);

#endif
