/* SPDX-License-Identifier: Apache-2.0
 *
 * The process that becomes the container's program.
 */
#ifndef CAISSON_CHILD_H
#define CAISSON_CHILD_H

#include "decode.h"

/*
 * Both run in a process that clone3 just made, with a copy of the monitor's memory, and never return. They keep the
 * descriptors they are given and close all others.
 */

/* `init`: caisson-init, or -1. `user`: the user namespace to join, or -1; when it is joined, a second process is made in it
 * and told to the monitor (SYNC_SECOND), and that one waits for another SYNC_GO. */
_Noreturn void child_create(const struct plan *plan, int sync, int init, int user);

/* Enters the namespaces of `target`, a pidfd, and makes there the process that goes on (SYNC_SECOND), after another
 * SYNC_GO. */
_Noreturn void child_exec(const struct plan *plan, int sync, int target);

#endif
