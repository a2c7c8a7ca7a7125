/* SPDX-License-Identifier: Apache-2.0
 *
 * The monitor's half of a launch, stage by stage.
 */
#ifndef CAISSON_LAUNCH_H
#define CAISSON_LAUNCH_H

#include <sys/types.h>

#include "decode.h"

struct launch {
	pid_t pid;           /* of the main process, in the host's pid namespace; 0: none yet */
	int pidfd;
	int sync;            /* socket to the child (sync.h) */
	uint64_t start_time; /* field 22 of /proc/pid/stat */
};

/*
 * Makes the process and everything that the host has to do for it. The child then prepares itself, and says SYNC_READY or
 * SYNC_ERROR on `sync`. On failure nothing is left but the control groups.
 */
int launch_begin(const struct plan *plan, struct launch *launch, struct error *err);

/* Kills the process and reaps it. */
void launch_abort(struct launch *launch);

#endif
