/* SPDX-License-Identifier: Apache-2.0
 *
 * Control groups: made and written before the process is born, joined before its first instruction, removed at the end.
 */
#ifndef CAISSON_CGROUP_H
#define CAISSON_CGROUP_H

#include <sys/types.h>

#include "decode.h"

/* Makes the directories, writes the files, attaches the device program. `*v2` becomes a descriptor of the v2 directory,
 * or -1 when the plan has none. */
int cgroup_prepare(const struct plan *plan, int *v2, struct error *err);

/* Puts a process into every directory that is not v2, or into all of them when it was not born in v2's. */
int cgroup_join(const struct plan *plan, pid_t pid, bool born_inside, struct error *err);

/* Sends a signal to every process of the container: those in its control groups. */
void cgroup_signal(const struct plan *plan, int signal);

/* Kills every process in directories that this plan removes and waits until they are gone, for a short while. */
void cgroup_kill(const struct plan *plan);

/* Removes the directories flagged so, with what the container made below them. */
void cgroup_remove(const struct plan *plan);

#endif
