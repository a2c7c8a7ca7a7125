/* SPDX-License-Identifier: Apache-2.0
 *
 * The name of an entry, made relative to the root of the layer by its letters alone: leading slashes, empty components
 * and "." vanish, ".." takes back a component and may not go above the root. What is left has no "..", so that symlinks
 * in it are the only thing for the kernel to resolve.
 */
#ifndef CAISSON_LAYER_NAME_H
#define CAISSON_LAYER_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "tar.h"

#define NAME_COMPONENT_MAX 255u

struct name {
	char path[TAR_PATH_MAX + 1]; /* "" is the root itself */
	size_t length;
	size_t parent; /* length of the parent's path */
};

int name_parse(struct name *name, const char *raw, struct error *err);

/* The last component. */
const char *name_last(const struct name *name);

enum name_kind {
	NAME_ORDINARY,
	NAME_WHITEOUT, /* ".wh.<name>": <name> of the lower layers is gone */
	NAME_OPAQUE,   /* ".wh..wh..opq": everything of the lower layers in this directory is gone */
	NAME_METADATA, /* of an old storage driver: to be skipped */
};

/* What a name means by the image specification. Names that only look like a whiteout are UNSAFE_CONTENT. */
int name_classify(const struct name *name, enum name_kind *kind, struct error *err);

/* Behind ".wh.". */
const char *name_hidden(const struct name *name);

#endif
