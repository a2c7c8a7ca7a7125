/* SPDX-License-Identifier: Apache-2.0
 *
 * The last steps of a child, the same for a container and for an exec: from a process that stands inside, as the
 * container's root, to the program.
 */
#ifndef CAISSON_BECOME_H
#define CAISSON_BECOME_H

#include "decode.h"
#include "standard.h"

#define CWD_MAKE 1u /* flag of PLAN_CWD */

struct become {
	int root;           /* the container's root directory */
	int init;           /* descriptor of caisson-init, or -1 */
	struct stdio stdio; /* made, not yet installed */
};

/* Returns only with an error. */
int become_program(const struct plan *plan, int sync, struct become *become, struct error *err);

#endif
