/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "descriptor.h"

int files_write(int dir, const char *path, const char *value, size_t size)
{
	autoclose int fd = openat(dir, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = descriptor_write(fd, value, size);
	if (n >= 0 && (size_t)n != size) {
		errno = EIO;
		return -1;
	}
	return n < 0 ? -1 : 0;
}

ssize_t files_read(int dir, const char *path, char *buffer, size_t size)
{
	autoclose int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t at = 0;

	if (fd < 0)
		return -1;
	while (at < size - 1) {
		ssize_t n = descriptor_read(fd, buffer + at, size - 1 - at);

		if (n < 0)
			return -1;
		if (n == 0)
			break;
		at += (size_t)n;
	}
	buffer[at] = 0;
	return (ssize_t)at;
}

bool files_number(const char *text, uint64_t *value)
{
	uint64_t number = 0;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (number > (UINT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*value = number;
	return true;
}

bool files_keyed_number(const char *text, const char *key, uint64_t *value)
{
	size_t length = strlen(key);

	while (text) {
		if (strncmp(text, key, length) == 0 && text[length] == ' ')
			return files_number(text + length + 1, value);
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return false;
}

size_t files_format(char *buffer, uint64_t value)
{
	char digits[20];
	size_t n = 0, i;

	do
		digits[n++] = (char)('0' + value % 10);
	while (value /= 10);
	for (i = 0; i < n; i++)
		buffer[i] = digits[n - 1 - i];
	buffer[n] = 0;
	return n;
}

void files_proc_path(char *buffer, pid_t pid, const char *name)
{
	size_t at = 6 + files_format(buffer + 6, (uint64_t)pid);

	memcpy(buffer, "/proc/", 6);
	buffer[at++] = '/';
	strcpy(buffer + at, name);
}

pid_t files_pid_of(int pidfd)
{
	char path[64] = "/proc/self/fdinfo/", text[1024];
	const char *line;
	uint64_t pid;

	files_format(path + strlen(path), (uint64_t)pidfd);
	if (files_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return 0;
	line = strstr(text, "\nPid:\t");
	return line && files_number(line + 6, &pid) ? (pid_t)pid : 0;
}

uint64_t files_start_time(pid_t pid)
{
	char path[64], text[1024];
	const char *at;
	uint64_t value = 0;
	int field;

	files_proc_path(path, pid, "stat");
	if (files_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return 0;
	/* The name in parentheses may hold anything; the last ')' ends it, and field 3 follows. */
	at = strrchr(text, ')');
	for (field = 2; at && field < 22; field++) {
		at = strchr(at, ' ');
		if (at)
			at++;
	}
	return at && files_number(at, &value) ? value : 0;
}
