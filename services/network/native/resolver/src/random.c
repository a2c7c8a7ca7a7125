/* SPDX-License-Identifier: Apache-2.0 */
#include "random.h"

#include <stddef.h>
#include <sys/random.h>

#define POOL 128

int random_16(uint16_t *number)
{
	static uint16_t pool[POOL];
	static size_t left;

	if (left == 0) {
		if (getrandom(pool, sizeof(pool), 0) != (ssize_t)sizeof(pool))
			return -1;
		left = POOL;
	}
	*number = pool[--left];
	pool[left] = 0;
	return 0;
}

int random_64(uint64_t *number)
{
	return getrandom(number, sizeof(*number), 0) == (ssize_t)sizeof(*number) ? 0 : -1;
}
