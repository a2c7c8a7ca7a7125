/* SPDX-License-Identifier: Apache-2.0
 *
 * The root of a running container. The descriptor of /proc/PID stays with the process that it was opened for: a later
 * process with the same pid is not found through it. The program never enters the container's other namespaces: it sees
 * the container's files through descriptors only, and no process of the container sees it.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "root.h"

#define FIELDS_BEHIND_NAME 19 /* spaces from the end of the name to the start time */

static int gone(struct error *err)
{
	return error_set(err, REASON_GONE, "live", "the process whose files are meant has ended");
}

static int failed(struct error *err, const char *what)
{
	if (errno == ENOENT || errno == ESRCH)
		return gone(err);
	return error_system_as(err, REASON_IO, errno, "live", what);
}

/* The name of the program may hold anything: what counts stands behind its last bracket. */
static int read_start_time(int process, uint64_t *start_time, struct error *err)
{
	AUTO_FD int fd = openat(process, "stat", O_RDONLY | O_CLOEXEC);
	char text[2048];
	ssize_t length;
	char *at;

	if (fd < 0)
		return failed(err, "cannot examine the process");
	length = read(fd, text, sizeof(text) - 1);
	if (length <= 0)
		return gone(err);
	text[length] = '\0';
	at = strrchr(text, ')');
	for (int i = 0; at && i <= FIELDS_BEHIND_NAME; i++)
		at = strchr(at + 1, ' ');
	if (!at)
		return error_set(err, REASON_IO, "live", "the process cannot be told by its start time");
	*start_time = strtoull(at + 1, NULL, 10);
	return 0;
}

static int is_own_namespace(int namespace, bool *own, struct error *err)
{
	struct stat theirs;
	struct stat ours;

	if (fstat(namespace, &theirs) < 0 || stat("/proc/self/ns/user", &ours) < 0)
		return failed(err, "cannot compare user namespaces");
	*own = theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
	return 0;
}

/* Its root from here on, with the rights that this one has over its own ids and none over the host. */
static int become_root_of(int namespace, struct error *err)
{
	bool own;

	if (is_own_namespace(namespace, &own, err) < 0)
		return -1;
	if (setgroups(0, NULL) < 0)
		return failed(err, "cannot leave the groups");
	if (!own && setns(namespace, CLONE_NEWUSER) < 0)
		return failed(err, "cannot join the user namespace");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return failed(err, "cannot become the root of the container");
	return 0;
}

int root_open_live(pid_t pid, uint64_t start_time, struct error *err)
{
	char path[32];
	AUTO_FD int process = -1;
	AUTO_FD int namespace = -1;
	uint64_t found;
	int root;

	/* Before anything of the container could look at the program. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return failed(err, "prctl");
	snprintf(path, sizeof(path), "/proc/%ld", (long)pid);
	process = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (process < 0)
		return failed(err, "cannot open the process");
	if (read_start_time(process, &found, err) < 0)
		return -1;
	if (found != start_time)
		return gone(err);
	namespace = openat(process, "ns/user", O_RDONLY | O_CLOEXEC);
	root = namespace < 0 ? -1 : openat(process, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return failed(err, "cannot open the root of the process");
	if (become_root_of(namespace, err) < 0) {
		close(root);
		return -1;
	}
	return root;
}
