/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fd.h"
#include "remove.h"
#include "root.h"
#include "tap.h"

#define FAILED 128

static char base[] = "/tmp/caisson-root-XXXXXX";

static void write_file(int at, const char *name, const char *text)
{
	AUTO_FD int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		perror(name);
}

static bool has(int root, const char *name)
{
	return faccessat(root, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_mounted(void)
{
	static char text[1 << 18];
	AUTO_FD int fd = open("/proc/1/mountinfo", O_RDONLY | O_CLOEXEC);
	struct error err;
	ssize_t length = fd < 0 ? -1 : fd_read_full(fd, text, sizeof(text) - 1, &err);

	text[length < 0 ? 0 : length] = '\0';
	return strstr(text, base) != NULL;
}

/* In a process of its own: the mounts end with it. */
static void apart(void (*test)(void))
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		test();
		fflush(stdout);
		_exit(tap_count | (tap_failed > 0 ? FAILED : 0));
	}
	waitpid(child, &status, 0);
	if (!WIFEXITED(status) || (WEXITSTATUS(status) & FAILED))
		tap_failed++;
	/* The next one goes on counting from here. */
	if (WIFEXITED(status))
		tap_count = WEXITSTATUS(status) & ~FAILED;
}

static const char *path_of(const char *name)
{
	static char paths[8][64];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", base, name);
	return path;
}

static void test_merged(void)
{
	const char *lowers[] = {path_of("top"), path_of("low")};
	const struct root_options options = {.lowers = lowers, .count = 2};
	struct error err;
	AUTO_FD int root = root_open(&options, &err);

	ok(root >= 0 && has(root, "low-file") && has(root, "top-file"), "layers are merged");
	ok(mkdirat(root, "new", 0700) < 0 && errno == EROFS, "without an upper directory it is read-only");
	ok(!is_mounted(), "nobody else sees the mount");
}

static void test_single(void)
{
	const char *lowers[] = {path_of("low")};
	const struct root_options options = {.lowers = lowers, .count = 1};
	struct error err;
	AUTO_FD int root = root_open(&options, &err);

	ok(root >= 0 && has(root, "low-file"), "one layer alone is a root too");
	ok(mkdirat(root, "new", 0700) < 0 && errno == EROFS, "and is not written to");
}

static void test_writable(void)
{
	const char *lowers[] = {path_of("low")};
	const struct root_options options = {
		.lowers = lowers, .count = 1, .upper = path_of("upper"), .work = path_of("work")};
	struct error err;
	AUTO_FD int root = root_open(&options, &err);

	ok(root >= 0 && mkdirat(root, "new", 0700) == 0 && access(path_of("upper/new"), F_OK) == 0,
	   "changes go to the upper directory");
}

static void test_names(void)
{
	const char *lowers[] = {path_of("top"), path_of("low")};
	const struct root_options options = {
		.lowers = lowers, .count = 2, .upper = path_of("upper"), .work = path_of("work")};
	struct error err;
	AUTO_FD int root = root_mount_by_names(&options, &err);

	ok(root >= 0 && has(root, "low-file") && has(root, "top-file"), "older kernels merge them by names");
	ok(!is_mounted(), "in a mount namespace of the program's own");
	ok(mkdirat(root, "by-names", 0700) == 0 && access(path_of("upper/by-names"), F_OK) == 0,
	   "with an upper directory too");
}

static void test_wrong(void)
{
	const char *lowers[] = {path_of("none")};
	const struct root_options missing = {.lowers = lowers, .count = 1};
	const struct root_options both = {.lowers = lowers, .count = 1, .pid = getpid()};
	const struct root_options nothing = {.count = 0};
	const struct root_options other = {.pid = getpid(), .start_time = 1};
	struct error err;

	ok(root_open(&missing, &err) < 0 && err.reason == REASON_IO, "a missing layer is told");
	ok(root_open(&both, &err) < 0 && root_open(&nothing, &err) < 0, "a root is layers or a process");
	ok(root_open(&other, &err) < 0 && err.reason == REASON_GONE, "another process with the pid is not taken");
}

static uint64_t start_time_of(pid_t pid)
{
	char path[32];
	char text[1024] = "";
	struct error err;
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fd_read_full(fd, text, sizeof(text) - 1, &err) < 0)
		return 0;
	at = strrchr(text, ')');
	for (int i = 0; at && i < 20; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

static void map_ids(pid_t pid, const char *file)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	write_file(AT_FDCWD, path, "0 100000 65536\n");
}

/* A process in a user namespace of its own and with a root of its own. */
static pid_t start_inhabitant(int ready)
{
	pid_t child = fork();

	if (child == 0) {
		bool good = unshare(CLONE_NEWUSER) == 0;

		good = write(ready, good ? "y" : "n", 1) == 1 && good;
		for (;;)
			pause();
	}
	return child;
}

static void test_live(void)
{
	int ready[2];
	char word = 'n';
	struct error err;
	pid_t child = pipe2(ready, O_CLOEXEC) == 0 ? start_inhabitant(ready[1]) : -1;
	struct root_options options = {.pid = child};
	struct stat about;
	AUTO_FD int root = -1;

	if (read(ready[0], &word, 1) != 1 || word != 'y') {
		printf("# no user namespaces here: not tested\n");
		kill(child, SIGKILL);
		return;
	}
	map_ids(child, "uid_map");
	map_ids(child, "gid_map");
	options.start_time = start_time_of(child);
	root = root_open(&options, &err);
	ok(root >= 0 && geteuid() == 0 && getegid() == 0, "the root of a container is opened as its root");
	ok(root >= 0 && fstatat(root, "etc", &about, 0) == 0 && about.st_uid == 65534, "ids are the container's");
	ok(openat(root, "etc/shadow", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES, "the rights on the host are gone");
	/* It belongs to the namespace now, and may end what is in it. */
	kill(child, SIGKILL);
}

int main(void)
{
	AUTO_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err;
	uint64_t removed = 0;
	int at;

	if (getuid() != 0) {
		printf("1..0 # SKIP needs root\n");
		return 0;
	}
	at = mkdtemp(base) ? open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	for (const char *const *name = (const char *const[]){"low", "top", "upper", "work", NULL}; *name; name++)
		mkdirat(at, *name, 0755);
	write_file(at, "low/low-file", "low");
	write_file(at, "top/top-file", "top");
	apart(test_merged);
	apart(test_single);
	apart(test_writable);
	apart(test_names);
	apart(test_wrong);
	apart(test_live);
	ok(remove_tree(tmp, strrchr(base, '/') + 1, &removed, &err) == 0, "everything is removed");
	close(at);
	return tap_end();
}
