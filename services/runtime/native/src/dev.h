/* SPDX-License-Identifier: Apache-2.0
 *
 * The container's /dev: made by the monitor, because only the host's root may make devices that work.
 */
#ifndef CAISSON_DEV_H
#define CAISSON_DEV_H

#include "decode.h"
#include "overlay.h"

/* A tmpfs with the nodes and links of the plan, as a detached mount. The descriptor, or -1. */
int dev_mount(const struct plan *plan, const struct record *mount, struct error *err);

/* An id inside as the host sees it; -1 when the map has no place for it. */
int64_t dev_map_id(const struct plan *plan, enum plan_record type, uint32_t inside);

#endif
