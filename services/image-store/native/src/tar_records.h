/* SPDX-License-Identifier: Apache-2.0
 *
 * The records of a pax header: "<length> <key>=<value>\n", where the length counts the whole record.
 */
#ifndef CAISSON_LAYER_TAR_RECORDS_H
#define CAISSON_LAYER_TAR_RECORDS_H

#include <stddef.h>

#include "tar_writer.h"

/* Attributes with their keys, two paths, numbers. */
#define TAR_RECORDS_MAX (XATTRS_BYTES_MAX + XATTRS_MAX * 32u + 2 * (TAR_PATH_MAX + 32u) + 512u)

struct tar_records {
	char *text; /* TAR_RECORDS_MAX bytes */
	size_t length;
};

/* What of the item its ustar header cannot say; `path` is that of tar_item_path. No bytes: nothing. */
int tar_records_of(struct tar_records *records, const struct tar_item *item, const char *path, struct error *err);

#endif
