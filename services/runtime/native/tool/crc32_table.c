/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints the tables of CRC-32 (IEEE, reflected 0xedb88320) for eight bytes at a time, as constants: what is computed when
 * the program starts would be private memory of every monitor.
 */
#include <stdint.h>
#include <stdio.h>

int main(void)
{
	static uint32_t table[8][256];
	int slice, i, bit;

	for (i = 0; i < 256; i++) {
		uint32_t crc = (uint32_t)i;

		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
		table[0][i] = crc;
	}
	for (slice = 1; slice < 8; slice++)
		for (i = 0; i < 256; i++)
			table[slice][i] = table[slice - 1][i] >> 8 ^ table[0][table[slice - 1][i] & 0xff];
	printf("static const uint32_t crc32_table[8][256] = {\n");
	for (slice = 0; slice < 8; slice++) {
		printf("{");
		for (i = 0; i < 256; i++)
			printf("0x%08xu,", table[slice][i]);
		printf("},\n");
	}
	printf("};\n");
	return 0;
}
