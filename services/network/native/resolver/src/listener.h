/* SPDX-License-Identifier: Apache-2.0
 *
 * The unix socket that the network service connects to.
 */
#ifndef CAISSON_LISTENER_H
#define CAISSON_LISTENER_H

struct listener {
	int fd;
	int path; /* its file (O_PATH) */
};

/* Listens at a path, in place of whoever did; only root may connect. -1 with errno. */
int listener_open(const char *path, struct listener *listener);

#endif
