/* SPDX-License-Identifier: Apache-2.0
 *
 * The container's root as one detached mount.
 */
#ifndef CAISSON_OVERLAY_H
#define CAISSON_OVERLAY_H

#include <sys/types.h>

#include "decode.h"

struct owner {
	int userns; /* -1: the container has the host's ids */
	uid_t uid;  /* of the container's root, as the host sees it */
	gid_t gid;
};

/* A record PLAN_ROOT_OVERLAY as a detached mount that is still writable. The descriptor, or -1. */
int overlay_mount(const struct record *record, const struct owner *owner, struct error *err);

#endif
