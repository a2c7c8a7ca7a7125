/* SPDX-License-Identifier: Apache-2.0
 *
 * One header block of a tar archive, in ustar. A field that cannot hold its value is cut or zero: the pax header before
 * it says the truth.
 */
#ifndef CAISSON_LAYER_TAR_HEADER_WRITE_H
#define CAISSON_LAYER_TAR_HEADER_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "tar_writer.h"

#define TAR_NAME_SIZE 100u
#define TAR_DEVICE_MAX 07777777u

/* Values that the octal fields hold. */
#define TAR_ID_MAX 07777777ull
#define TAR_SIZE_MAX 077777777777ull

/* The path as archives have it: "./" for the root, a slash behind directories. */
void tar_item_path(const struct tar_item *item, char path[TAR_PATH_MAX + 1]);

/* Fits into its field of the header, in a way that every reader understands. */
bool tar_name_fits(const char *name);
bool tar_time_fits(const struct timespec *time);

void tar_header_write(uint8_t block[TAR_BLOCK], const struct tar_item *item, const char *path);
/* The header before the pax records of the entry with this path. */
void tar_header_write_pax(uint8_t block[TAR_BLOCK], const char *path, uint64_t size);

#endif
