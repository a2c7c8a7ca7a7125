/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing run of bytes.
 */
#ifndef CAISSON_BYTES_H
#define CAISSON_BYTES_H

#include <stddef.h>

#include "error.h"

struct bytes {
	unsigned char *data;
	size_t length;
	size_t capacity;
};

#define BYTES_EMPTY { NULL, 0, 0 }

/* Makes room for `count` more bytes after `length`. */
int bytes_reserve(struct bytes *bytes, size_t count, struct error *err);

void bytes_free(struct bytes *bytes);

#define auto_bytes __attribute__((cleanup(bytes_free)))

#endif
