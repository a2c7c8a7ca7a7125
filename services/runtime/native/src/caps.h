/* SPDX-License-Identifier: Apache-2.0
 *
 * What a process may: capabilities, ids, no_new_privs, the seccomp filter, resource limits.
 */
#ifndef CAISSON_CAPS_H
#define CAISSON_CAPS_H

#include <sys/types.h>

#include "decode.h"
#include "user.h"

/* Takes the ids of the user, the capabilities of the plan and its filter, and gives up everything else. */
int caps_become(const struct plan *plan, const struct user *user, struct error *err);

/* Sets the resource limits of the plan for this process. */
int caps_limit(const struct plan *plan, struct error *err);

/* Raises hard limits of another process as far as the plan asks and this one may. What cannot be is left to caps_limit. */
void caps_raise_limits(const struct plan *plan, pid_t pid);

#endif
