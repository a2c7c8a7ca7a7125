/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAISSON_LAYER_XATTRS_READ_H
#define CAISSON_LAYER_XATTRS_READ_H

#include "error.h"
#include "xattrs.h"

/* The attributes of an open file or directory that a layer would keep (xattrs.h), in the order of their names. Those of
 * overlayfs, which an ordinary file may carry as user.overlay.*, are left out. */
int xattrs_read(int fd, struct xattrs *xattrs, struct error *err);

#endif
