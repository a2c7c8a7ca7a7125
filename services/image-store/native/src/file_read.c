/* SPDX-License-Identifier: Apache-2.0 */
#include "file_read.h"

#include <errno.h>
#include <unistd.h>

#define BUFFER_SIZE (256u * 1024u)

static ssize_t read_some(int fd, uint8_t *buffer, size_t size, struct error *err)
{
	ssize_t length;

	do
		length = read(fd, buffer, size);
	while (length < 0 && errno == EINTR);
	return length < 0 ? error_system(err, errno, "read", "cannot read a file") : length;
}

int file_read(int fd, uint64_t size, bool exact,
	      int (*take)(void *context, const uint8_t *data, size_t length, struct error *err), void *context,
	      struct error *err)
{
	static uint8_t buffer[BUFFER_SIZE];
	uint64_t left = size;
	ssize_t length;

	while (left > 0) {
		length = read_some(fd, buffer, left < BUFFER_SIZE ? (size_t)left : BUFFER_SIZE, err);
		if (length < 0)
			return -1;
		if (length == 0)
			return error_set(err, REASON_RACE, "read", "a file became shorter while it was read");
		if (take(context, buffer, (size_t)length, err) < 0)
			return -1;
		left -= (uint64_t)length;
	}
	length = exact ? read_some(fd, buffer, 1, err) : 0;
	if (length > 0)
		return error_set(err, REASON_RACE, "read", "a file became longer while it was read");
	return (int)length;
}
