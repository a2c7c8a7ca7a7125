/* SPDX-License-Identifier: Apache-2.0
 *
 * PLAN_SYSCTL, written through the host's /proc/sys by a process that is in the container's namespaces.
 */
#ifndef CAISSON_SYSCTL_H
#define CAISSON_SYSCTL_H

#include "decode.h"

/* By the monitor, which is in it: the keys of a network that is joined. They may belong to the host's root. */
int sysctl_write_joined(const struct plan *plan, struct error *err);

/*
 * By the child, while the host's tree is there and it is not yet the container's root: the keys of a network of its own,
 * and of ipc. Before kernel 6.9 the latter belong to the host's root, since then to the container's: `*later` is set when
 * the next call must write them.
 */
int sysctl_write_as_host(const struct plan *plan, bool *later, struct error *err);

/* The others, as the container's root, who may not change anything that is the host's. */
int sysctl_write_as_root(const struct plan *plan, bool later, struct error *err);

#endif
