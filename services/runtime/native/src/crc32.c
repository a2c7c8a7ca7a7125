/* SPDX-License-Identifier: Apache-2.0 */
#include "crc32.h"

#include <string.h>

#include "crc32_table.h"

uint32_t crc32(const void *data, size_t size)
{
	const uint8_t *at = data;
	uint32_t crc = ~0u;

	for (; size >= 8; size -= 8, at += 8) {
		uint32_t low, high;

		memcpy(&low, at, 4);
		memcpy(&high, at + 4, 4);
		low ^= crc;
		crc = crc32_table[7][low & 0xff] ^ crc32_table[6][low >> 8 & 0xff] ^ crc32_table[5][low >> 16 & 0xff] ^
		      crc32_table[4][low >> 24] ^ crc32_table[3][high & 0xff] ^ crc32_table[2][high >> 8 & 0xff] ^
		      crc32_table[1][high >> 16 & 0xff] ^ crc32_table[0][high >> 24];
	}
	for (; size; size--, at++)
		crc = crc >> 8 ^ crc32_table[0][(crc ^ *at) & 0xff];
	return ~crc;
}
