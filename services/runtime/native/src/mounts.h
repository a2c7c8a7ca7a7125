/* SPDX-License-Identifier: Apache-2.0
 *
 * The monitor's half of the mounts: what needs the host's paths and rights, made detached and handed to the child.
 */
#ifndef CAISSON_MOUNTS_H
#define CAISSON_MOUNTS_H

#include "decode.h"
#include "overlay.h"

/* sysfs of the current network namespace when the plan mounts it; otherwise `*fd` is -1. */
int mounts_sysfs(const struct plan *plan, int *fd, struct error *err);

/* Makes the root and the mounts of the plan that come from the host, and sends each as soon as it is made. */
int mounts_send(const struct plan *plan, const struct owner *owner, int sysfs, int sync, struct error *err);

#endif
