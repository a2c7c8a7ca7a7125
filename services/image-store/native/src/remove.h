/* SPDX-License-Identifier: Apache-2.0
 *
 * Removes a directory tree by descriptors: nothing is followed, no other mount is entered, any depth is possible with a
 * bounded number of descriptors.
 */
#ifndef CAISSON_LAYER_REMOVE_H
#define CAISSON_LAYER_REMOVE_H

#include <stdint.h>

#include "error.h"

/* Removes `name`, one component, whatever it is. Adds to *count what was removed. ENOENT is success with nothing
 * added. */
int remove_tree(int parent, const char *name, uint64_t *count, struct error *err);

#endif
