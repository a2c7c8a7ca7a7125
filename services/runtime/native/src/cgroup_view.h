/* SPDX-License-Identifier: Apache-2.0
 *
 * The container's view of its own control groups.
 */
#ifndef CAISSON_CGROUP_VIEW_H
#define CAISSON_CGROUP_VIEW_H

#include "decode.h"

/* Does a PLAN_MOUNT record of kind PLAN_MOUNT_CGROUP, in the cgroup namespace of this process. */
int cgroup_view(const struct record *record, int root, struct error *err);

#endif
