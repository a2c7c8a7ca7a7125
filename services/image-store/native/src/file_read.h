/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAISSON_LAYER_FILE_READ_H
#define CAISSON_LAYER_FILE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* Reads the first `size` bytes of a file that others may write to. RACE when it has become shorter, and with `exact` also
 * when it has become longer. */
int file_read(int fd, uint64_t size, bool exact,
	      int (*take)(void *context, const uint8_t *data, size_t length, struct error *err), void *context,
	      struct error *err);

#endif
