/* SPDX-License-Identifier: Apache-2.0
 *
 * The extended attributes of one entry. What is kept: user.* and security.capability. user.overlay.* and
 * trusted.overlay.* would steer the overlay file system and are refused; everything else is dropped (it concerns the
 * host that made the layer).
 */
#ifndef CAISSON_LAYER_XATTRS_H
#define CAISSON_LAYER_XATTRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define XATTRS_MAX 128
#define XATTRS_VALUE_MAX (32u * 1024u)
#define XATTRS_BYTES_MAX (64u * 1024u) /* names and values of one entry together */

struct xattr {
	uint32_t name; /* offset of a terminated string in bytes */
	uint32_t value;
	uint32_t length;
};

struct xattrs {
	uint32_t count;
	uint32_t used;
	struct xattr items[XATTRS_MAX];
	char bytes[XATTRS_BYTES_MAX];
};

void xattrs_clear(struct xattrs *xattrs);
/* Whether an attribute of this name is kept, and not dropped or refused. */
bool xattrs_is_kept(const char *name, size_t length);
int xattrs_add(struct xattrs *xattrs, const char *name, size_t name_length, const void *value, size_t length,
	       struct error *err);
/* Sets them on a file or directory. After its owner was set: chown removes security.capability. */
int xattrs_apply(const struct xattrs *xattrs, int fd, struct error *err);

#endif
