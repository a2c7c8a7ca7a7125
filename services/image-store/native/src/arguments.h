/* SPDX-License-Identifier: Apache-2.0
 *
 * The arguments of the commands, and the descriptors that the caller gives.
 */
#ifndef CAISSON_LAYER_ARGUMENTS_H
#define CAISSON_LAYER_ARGUMENTS_H

#include <stdint.h>

#include "error.h"

#define FD_BLOB 3
#define FD_TARGET 4
#define FD_TEE 5

int usage(struct error *err, const char *what);
/* Decimal, up to 2^63 - 1. `text` may be NULL. */
int take_number(const char *text, uint64_t *value, struct error *err);

#endif
