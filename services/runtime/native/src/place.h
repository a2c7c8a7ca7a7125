/* SPDX-License-Identifier: Apache-2.0
 *
 * The child's half of the mounts: every mount to its place in the root, and the root in the place of the host's.
 */
#ifndef CAISSON_PLACE_H
#define CAISSON_PLACE_H

#include "decode.h"

/* Receives the root and puts it over the host's, in this process's mount namespace. The descriptor of the root, or -1. */
int place_root(const struct plan *plan, int sync, struct error *err);

/* Does the PLAN_MOUNT records in order. */
int place_mounts(const struct plan *plan, int sync, int root, struct error *err);

/* Covers and protects paths: PLAN_MASK and PLAN_READONLY. */
int place_covers(const struct plan *plan, int root, struct error *err);

/* Leaves the host's tree behind: what is not below the root is gone. */
int place_pivot(const struct plan *plan, int root, struct error *err);

#endif
