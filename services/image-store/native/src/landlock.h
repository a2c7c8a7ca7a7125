/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAISSON_LAYER_LANDLOCK_H
#define CAISSON_LAYER_LANDLOCK_H

#include "sandbox.h"

/* Confines the process to its directories: no file outside them can be opened, made or removed, with read_only none
 * inside be changed; no TCP port can be bound or connected. Best effort: a kernel without Landlock, or with an older one, does less. Needs no_new_privs. */
void landlock_confine(const struct sandbox_options *options);

#endif
