/* SPDX-License-Identifier: Apache-2.0
 *
 * CRC-32 (IEEE) as zlib's.
 */
#ifndef CAISSON_CRC32_H
#define CAISSON_CRC32_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32(const void *data, size_t size);

#endif
