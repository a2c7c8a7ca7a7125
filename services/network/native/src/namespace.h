/* SPDX-License-Identifier: Apache-2.0
 *
 * Network namespaces. The calling thread never leaves its own: what has to happen in another one happens on a
 * short-lived thread.
 */
#ifndef CAISSON_NAMESPACE_H
#define CAISSON_NAMESPACE_H

#include <stddef.h>

#include "error.h"

/* Runs `work` on a fresh thread with all signals blocked, waits for it, and gives back what it returned. */
int namespace_thread(int (*work)(void *argument, struct error *err), void *argument, struct error *err);

/* Moves the calling thread, for good: only for a thread of namespace_thread. */
int namespace_enter(int namespace_fd, struct error *err);

struct sysctl {
	const char *file; /* below /proc/sys/net, for instance "ipv4/ip_unprivileged_port_start" */
	const char *value;
};

struct created {
	int namespace_fd;
	int route_fd; /* a NETLINK_ROUTE socket inside it */
};

/*
 * A network namespace with its loopback up and these settings written, bind-mounted on `pin`, a path where nothing stands
 * yet (EEXIST otherwise): the one behind `from_fd`, or a new one when that is negative. On failure nothing is left.
 */
int namespace_create(const char *pin, int from_fd, const struct sysctl *sysctls, size_t count, struct created *created,
		     struct error *err);

/* Writes settings in a living namespace. ENOENT for one of an interface that is not there; those before it are written. */
int namespace_write(int namespace_fd, const struct sysctl *sysctls, size_t count, struct error *err);

/* Opens a pin or a file such as /proc/1/ns/net. EINVAL when it is not (or no longer) a network namespace. */
int namespace_open(const char *pin, struct error *err);

/* Detaches and removes a pin; one that is gone is no error. The kernel takes the namespace down in its own time. */
int namespace_release(const char *pin, struct error *err);

#endif
