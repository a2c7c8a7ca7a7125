/* SPDX-License-Identifier: Apache-2.0
 *
 * Two ways to hand an overlay its layers, all of them id-mapped copies of mounts that nobody else can see.
 */
#ifndef CAISSON_OVERLAY_LAYERS_H
#define CAISSON_OVERLAY_LAYERS_H

#include "decode.h"

struct layers {
	uint32_t flags;      /* PLAN_MOUNT_* */
	uint32_t count;      /* of lowers */
	const char *options; /* extra ones */
	const char *first;   /* topmost lower; the others are behind it */
	int parent;          /* id-mapped mount of what holds upper and work directory, or -1 */
	int upper, work;     /* the two in it, or -1 */
	const char *names[2]; /* of the two in the parent */
	int userns;          /* -1: not id-mapped */
	int *lowers;         /* detached mounts of the lowers, `count` of them */
};

/* Opens upper and work directory through one mount of their parent. */
int layers_open_upper(struct layers *layers, const char *upper, const char *work, struct error *err);

/* A lower as a detached, read-only mount with more PLAN_MOUNT_* flags. The descriptor, or -1 and errno. */
int layers_open_lower(const struct layers *layers, const char *path, uint32_t flags);

/* Opens all lowers. They must stay open until the overlay is mounted: who closes a detached mount dissolves it. */
int layers_open_lowers(struct layers *layers, struct error *err);

/* By descriptors (kernel 6.15 and later): no name, no limit, no mount namespace. The detached mount, or -1. */
int layers_mount_by_descriptors(const struct layers *layers, struct error *err);

/* By short names in a private mount namespace, which is left again. The detached mount, or -1. */
int layers_mount_by_names(const struct layers *layers, struct error *err);

#endif
