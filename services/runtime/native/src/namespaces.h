/* SPDX-License-Identifier: Apache-2.0
 *
 * Namespaces that are entered by a descriptor, id maps, and the way back.
 */
#ifndef CAISSON_NAMESPACES_H
#define CAISSON_NAMESPACES_H

#include <sys/types.h>

#include "decode.h"

#define NAMESPACE_KINDS 5

/* Where the monitor was before it entered namespaces of others. Start with namespaces_nowhere(). */
struct origin {
	uint64_t flags[NAMESPACE_KINDS];
	int fds[NAMESPACE_KINDS];
	int count;
};

/* Enters the namespaces of all PLAN_JOIN records but that of users, so that a child is born in them. */
int namespaces_join(const struct plan *plan, struct origin *origin, struct error *err);

/* Enters the network namespace of a process. */
int namespaces_enter_network(int pidfd, struct origin *origin, struct error *err);

/* Back to where it was. */
int namespaces_return(struct origin *origin, struct error *err);

/* Opens the user namespace that the plan joins; -1 with `*fd` = -1 is an error, 0 with -1 means there is none. */
int namespaces_open_user(const struct plan *plan, int *fd, struct error *err);

/* Writes the uid and gid maps of a process that was just born in a user namespace. */
int namespaces_map(const struct plan *plan, pid_t pid, struct error *err);

#endif
