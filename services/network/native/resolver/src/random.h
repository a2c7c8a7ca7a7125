/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers that nobody can guess, from the kernel.
 */
#ifndef CAISSON_RANDOM_H
#define CAISSON_RANDOM_H

#include <stdint.h>

/* -1 with errno. */
int random_16(uint16_t *number);
int random_64(uint64_t *number);

#endif
