/* SPDX-License-Identifier: Apache-2.0 */
#include "exec_search.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *search_path(char *const envp[])
{
	for (; *envp; envp++)
		if (strncmp(*envp, "PATH=", 5) == 0)
			return *envp + 5;
	return DEFAULT_PATH;
}

/* Errors that say that this directory has no such program, or cannot be searched. */
static bool is_elsewhere(int code)
{
	return code == ENOENT || code == ENOTDIR || code == EACCES || code == ELOOP || code == ENAMETOOLONG ||
	       code == ESTALE || code == ENODEV || code == ETIMEDOUT;
}

/* "<directory>/<name>"; no directory is the current one. False when it is too long. */
static bool join(char *path, const char *directory, size_t length, const char *name)
{
	size_t rest = strlen(name);

	if (length + rest + 3 > PATH_MAX)
		return false;
	if (!length) {
		directory = ".";
		length = 1;
	}
	memcpy(path, directory, length);
	path[length] = '/';
	memcpy(path + length + 1, name, rest + 1);
	return true;
}

int exec_search(char *const argv[], char *const envp[])
{
	const char *directory;
	char path[PATH_MAX];
	bool forbidden = false;

	if (!argv[0][0])
		return ENOENT;
	if (strchr(argv[0], '/')) {
		(void)execve(argv[0], argv, envp);
		return errno;
	}
	for (directory = search_path(envp); directory;) {
		size_t length = strcspn(directory, ":");

		if (join(path, directory, length, argv[0])) {
			(void)execve(path, argv, envp);
			if (!is_elsewhere(errno))
				return errno;
			forbidden = forbidden || errno == EACCES;
		}
		directory = directory[length] ? directory + length + 1 : NULL;
	}
	return forbidden ? EACCES : ENOENT;
}
