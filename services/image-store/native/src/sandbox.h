/* SPDX-License-Identifier: Apache-2.0
 *
 * The program confines itself before it reads the first byte of a layer.
 */
#ifndef CAISSON_LAYER_SANDBOX_H
#define CAISSON_LAYER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

struct sandbox_options {
	int target;          /* the only directory below which files may be made, opened or removed from now on */
	int last_fd;         /* descriptors after this one are closed */
	bool overlay_xattrs; /* keep what trusted.overlay.* needs, for sandbox_privileged */
	bool read_only;      /* nothing below the target is to be changed, everything there may be read */
	const int *more;     /* further directories to read */
	size_t more_count;
};

/* Dies with its parent, gains no privileges, holds no other descriptor, has bounded memory and only the capabilities
 * that writing a tree needs; Landlock holds it below the target where the kernel has it. */
int sandbox_enter(const struct sandbox_options *options, struct error *err);

/* For the calling thread: no capability at all. */
void sandbox_drop_all(void);

/* For the calling thread: CAP_SYS_ADMIN is effective or not. Writing trusted.* attributes needs it. */
int sandbox_privileged(bool on, struct error *err);

#endif
