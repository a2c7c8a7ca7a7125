/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "remove.h"
#include "tap.h"

#define DEPTH 3000

static int make_deep(int parent)
{
	int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < DEPTH && fd >= 0; i++) {
		int next = mkdirat(fd, i ? "d" : "deep", 0700) == 0 ? openat(fd, i ? "d" : "deep", O_RDONLY | O_DIRECTORY) : -1;

		close(openat(fd, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		close(fd);
		fd = next;
	}
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void test_wide(int base)
{
	struct error err;
	uint64_t count = 0;
	char name[32];

	mkdirat(base, "wide", 0700);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "wide/%d", i);
		if (i % 3 == 0)
			mkdirat(base, name, 0700);
		else
			close(openat(base, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
	ok(remove_tree(base, "wide", &count, &err) == 0 && count == 2001, "removes a wide directory");
}

static void test_links(int base)
{
	struct error err;
	uint64_t count = 0;

	mkdirat(base, "kept", 0700);
	close(openat(base, "kept/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	mkdirat(base, "tree", 0700);
	if (symlinkat("../kept", base, "tree/link") < 0 || mkfifoat(base, "tree/fifo", 0600) < 0)
		perror("# setup");
	ok(remove_tree(base, "tree", &count, &err) == 0 && count == 3, "removes links and fifos");
	ok(faccessat(base, "kept/file", F_OK, 0) == 0, "does not follow a symlink");
	if (symlinkat("kept", base, "link") < 0)
		perror("# setup");
	ok(remove_tree(base, "link", &count, &err) == 0 && faccessat(base, "kept/file", F_OK, 0) == 0,
	   "removes a symlink and not its target");
	ok(remove_tree(base, "kept", &count, &err) == 0 && faccessat(base, "kept", F_OK, 0) < 0, "removes the tree at last");
}

int main(void)
{
	char path[] = "/tmp/caisson-remove-XXXXXX";
	struct error err;
	uint64_t count = 0;
	AUTO_FD int base = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (!ok(base >= 0, "makes a directory"))
		return tap_end();
	ok(remove_tree(base, "missing", &count, &err) == 0 && count == 0, "takes a missing name for removed");
	test_wide(base);
	test_links(base);
	count = 0;
	ok(make_deep(base), "makes a deep directory");
	ok(remove_tree(base, "deep", &count, &err) == 0 && count == 2 * DEPTH - 1, "removes a directory of any depth");
	unlinkat(base, "file", 0);
	ok(rmdir(path) == 0, "leaves nothing behind");
	return tap_end();
}
