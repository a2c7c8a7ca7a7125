/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan of any bytes. The header's length and magic are put right, so that the records are reached.
 */
#include <stdlib.h>

#include "decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads every byte that the stages of a launch would read. */
static size_t walk(const struct plan *plan)
{
	size_t sum = 0;
	int type;

	for (type = 1; type <= PLAN_LOG; type++) {
		struct record record;
		uint32_t cursor = 0, i;

		while (plan_next(plan, (enum plan_record)type, &cursor, &record))
			for (i = 0; i < record.size; i++)
				sum += record.payload[i];
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t header[3] = { PLAN_MAGIC, PLAN_VERSION, (uint32_t)size };
	uint8_t *copy = malloc(size ? size : 1);
	struct error err;
	struct plan plan;
	volatile size_t sum;

	memcpy(copy, data, size);
	if (size >= sizeof(header))
		memcpy(copy, header, sizeof(header));
	if (plan_decode(&plan, copy, size, &err) == 0)
		sum = walk(&plan);
	(void)sum;
	free(copy);
	return 0;
}
