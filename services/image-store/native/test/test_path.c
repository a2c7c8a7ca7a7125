/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "path.h"
#include "remove.h"
#include "select.h"
#include "tap.h"
#include "tree_hash.h"
#include "walk.h"

#define TRIES 20000

static atomic_bool stop;

static void write_file(int at, const char *name, const char *text)
{
	AUTO_FD int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		perror(name);
}

/* The root of the tests, with a secret beside it. */
static int make_tree(int base)
{
	int root;

	mkdirat(base, "root", 0755);
	write_file(base, "secret", "secret");
	root = openat(base, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mkdirat(root, "d", 0755);
	mkdirat(root, "etc", 0755);
	write_file(root, "d/file", "inside");
	write_file(root, "etc/a1", "1");
	write_file(root, "etc/a2", "2");
	symlinkat("../../../../../../..", root, "up");
	symlinkat("/etc", root, "abs");
	symlinkat("loop", root, "loop");
	symlinkat("..", root, "swap");
	mkfifoat(root, "pipe", 0600);
	return root;
}

static void test_resolution(int root)
{
	struct error err;
	struct stat about;
	AUTO_FD int pipe_fd = path_open(root, "/pipe", false, &err);
	AUTO_FD int up = path_open(root, "/up", true, &err);
	AUTO_FD int link = path_open(root, "/abs", false, &err);
	AUTO_FD int through = path_open(root, "/abs/a1", false, &err);
	char target[64];

	ok(pipe_fd >= 0 && fstat(pipe_fd, &about) == 0 && S_ISFIFO(about.st_mode), "a FIFO is opened without waiting");
	ok(up >= 0 && faccessat(up, "secret", F_OK, 0) < 0 && faccessat(up, "etc", F_OK, 0) == 0,
	   "a link above the root ends at the root");
	ok(link >= 0 && path_read_link(link, target, sizeof(target), &err) == 0 && strcmp(target, "/etc") == 0,
	   "a link at the end is not followed");
	ok(path_read_link(link, target, 4, &err) < 0 && err.reason == REASON_LIMIT, "a long target is refused");
	ok(through >= 0, "an absolute link stays inside");
	ok(path_open(root, "/loop", true, &err) < 0 && err.reason == REASON_INVALID, "a loop of links is refused");
	ok(path_open(root, "/nothing", true, &err) < 0 && err.reason == REASON_MISSING, "what is missing is said to be");
	ok(path_open(root, "/d/file/x", true, &err) < 0 && err.reason == REASON_NOT_DIRECTORY, "a file is no directory");
	ok(path_open(root, "/../../../etc/passwd", true, &err) < 0, "dots do not lead out");
}

static void test_making(int root)
{
	struct error err;
	AUTO_FD int made = path_open_directory(root, "/abs/new/deep", true, &err);

	ok(made >= 0 && faccessat(root, "etc/new/deep", F_OK, 0) == 0, "directories are made inside, through links too");
	ok(path_open_directory(root, "/loop/x", true, &err) < 0, "nothing is made through a loop");
	ok(path_open_directory(root, "/d/file", true, &err) < 0 && err.reason == REASON_NOT_DIRECTORY,
	   "a file does not become a directory");
	ok(path_open_directory(root, "/gone/x", false, &err) < 0 && faccessat(root, "gone", F_OK, 0) < 0,
	   "nothing is made unless asked");
}

static int count(void *context, const char *path, int fd, struct error *err)
{
	(void)path;
	(void)fd;
	(void)err;
	++*(int *)context;
	return 0;
}

static int matches(int root, const char *pattern, struct error *err)
{
	int found = 0;
	const struct selection selection = {.take = count, .context = &found};

	return select_paths(root, pattern, &selection, err) < 0 ? -1 : found;
}

static void test_selection(int root)
{
	struct error err;

	ok(matches(root, "/etc/a?", &err) == 2 && matches(root, "e*/a[2-9]", &err) == 1, "wildcards find names");
	ok(matches(root, "/abs/a*", &err) == 2, "links on the way are followed inside");
	ok(matches(root, "/up/secre*", &err) < 0 && err.reason == REASON_MISSING, "wildcards do not lead out");
	ok(matches(root, "/etc/[", &err) < 0 && err.reason == REASON_INVALID, "a malformed pattern is refused");
	ok(matches(root, "/", &err) == 1, "the root can be named");
}

static int stay(void *context, const struct walk_entry *entry, struct error *err)
{
	(void)context;
	(void)entry;
	(void)err;
	return 1;
}

static void test_depth(int root)
{
	struct error err;
	const struct walk_options options = {.max_entries = 100000, .visit = stay};
	const struct walk_options few = {.max_entries = 3, .visit = stay};
	int at = mkdirat(root, "deep", 0755) < 0 ? -1 : openat(root, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int start = path_open(root, "/deep", false, &err);

	ok(walk_tree(start, &few, &err) == 0, "a tree within its limit is walked");
	for (int i = 0; i < 500; i++) {
		int next;

		mkdirat(at, "x", 0755);
		next = openat(at, "x", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
	}
	close(at);
	ok(walk_tree(start, &few, &err) < 0 && err.reason == REASON_LIMIT, "more entries than allowed are refused");
	ok(walk_tree(start, &options, &err) < 0 && err.reason == REASON_LIMIT, "a tree that is too deep is refused");
}

static void *swap(void *context)
{
	int root = *(const int *)context;

	while (!atomic_load(&stop))
		renameat2(root, "d", root, "swap", RENAME_EXCHANGE);
	return NULL;
}

static bool is_inside(int fd)
{
	char text[16] = "";
	AUTO_FD int file = path_reopen(fd, O_RDONLY);

	return file >= 0 && read(file, text, sizeof(text) - 1) > 0 && strcmp(text, "inside") == 0;
}

/* "d" is a directory and a link to the directory above the root by turns. */
static void test_race(int root)
{
	pthread_t thread;
	struct error err;
	int leaks = 0;
	int hits = 0;
	int escapes = 0;

	atomic_store(&stop, false);
	if (pthread_create(&thread, NULL, swap, &root) != 0)
		return;
	for (int i = 0; i < TRIES; i++) {
		AUTO_FD int secret = path_open(root, "/d/secret", true, &err);
		AUTO_FD int file = path_open(root, "/d/file", true, &err);
		AUTO_FD int made = path_open_directory(root, "/d/made", true, &err);

		leaks += secret >= 0;
		hits += file >= 0 && is_inside(file);
		leaks += file >= 0 && !is_inside(file);
		escapes += faccessat(root, "../made", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	printf("# %d of %d found the file\n", hits, TRIES);
	ok(leaks == 0, "a directory that is swapped with a link shows nothing of the outside");
	ok(escapes == 0, "nothing is made outside either");
}

int main(void)
{
	char path[] = "/tmp/caisson-path-XXXXXX";
	AUTO_FD int base = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	AUTO_FD int root = make_tree(base);
	AUTO_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err;
	uint64_t removed = 0;

	test_resolution(root);
	test_making(root);
	test_selection(root);
	test_race(root);
	test_depth(root);
	ok(remove_tree(tmp, strrchr(path, '/') + 1, &removed, &err) == 0, "everything is removed");
	return tap_end();
}
