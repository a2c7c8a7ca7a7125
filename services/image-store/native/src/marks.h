/* SPDX-License-Identifier: Apache-2.0
 *
 * What the overlay file system says about a file or directory of an upper directory, in its extended attributes
 * (Documentation/filesystems/overlayfs.rst), and the attributes that are the file's own.
 */
#ifndef CAISSON_LAYER_MARKS_H
#define CAISSON_LAYER_MARKS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "error.h"
#include "xattrs.h"

/* "trusted.overlay.", or "user.overlay." for an overlay that was mounted with userxattr. */
enum marks_space { MARKS_TRUSTED, MARKS_USER };

struct marks {
	bool opaque;    /* nothing of the lower layers shows through */
	bool whiteouts; /* some of its files may be whiteouts by attribute */
	bool whiteout;
	bool borrowed; /* what it is or holds lies in a lower layer under another name: redirect, metacopy */
};

/* `own` takes the attributes of the file itself, or is NULL. Those of the overlay file system are never among them. */
int marks_read(int fd, enum marks_space space, struct marks *marks, struct xattrs *own, struct error *err);

#endif
