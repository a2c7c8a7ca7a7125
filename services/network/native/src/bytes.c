/* SPDX-License-Identifier: Apache-2.0 */
#include "bytes.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

int bytes_reserve(struct bytes *bytes, size_t count, struct error *err)
{
	size_t capacity = bytes->capacity ? bytes->capacity : 4096;
	unsigned char *data;

	if (count > SIZE_MAX / 4 || bytes->length > SIZE_MAX / 4)
		return error_set(err, ENOMEM, "realloc");
	if (bytes->capacity - bytes->length >= count)
		return 0;
	while (capacity - bytes->length < count)
		capacity *= 2;
	data = realloc(bytes->data, capacity);
	if (!data)
		return error_set(err, ENOMEM, "realloc");
	bytes->data = data;
	bytes->capacity = capacity;
	return 0;
}

void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	bytes->data = NULL;
	bytes->length = 0;
	bytes->capacity = 0;
}
