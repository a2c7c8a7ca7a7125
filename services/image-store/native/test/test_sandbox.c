/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fd.h"
#include "sandbox.h"
#include "tap.h"

#define TARGET 4

static bool landlocked;

static bool refused_outside(void)
{
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EACCES && mkdir("/tmp/caisson-outside", 0700) < 0 && errno == EACCES;
}

static bool allowed_inside(void)
{
	int fd = openat(TARGET, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	close(fd);
	return mkdirat(TARGET, "d", 0700) == 0 && linkat(TARGET, "file", TARGET, "d/link", 0) == 0 &&
	       unlinkat(TARGET, "file", 0) == 0 && mkfifoat(TARGET, "fifo", 0600) == 0;
}

static bool refused_network(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool refused = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno == EACCES;

	close(fd);
	return refused;
}

static bool trusted_only_when_privileged(void)
{
	struct error err;
	bool before = fsetxattr(TARGET, "trusted.test", "y", 1, 0) < 0 && errno == EPERM;
	bool during = sandbox_privileged(true, &err) == 0 && fsetxattr(TARGET, "trusted.test", "y", 1, 0) == 0;
	bool after = sandbox_privileged(false, &err) == 0 && fsetxattr(TARGET, "trusted.test", "z", 1, 0) < 0 && errno == EPERM;

	return before && during && after;
}

static void run_inside(void)
{
	const struct sandbox_options options = {.target = TARGET, .last_fd = TARGET, .overlay_xattrs = true};
	struct error err;
	struct rlimit limit;

	if (!ok(sandbox_enter(&options, &err) == 0, "confines itself"))
		return;
	ok(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0,
	   "gains no privileges and dumps no memory");
	ok(fcntl(TARGET + 1, F_GETFD) < 0 && fcntl(TARGET + 7, F_GETFD) < 0, "closes other descriptors");
	ok(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0, "writes no core");
	ok(allowed_inside(), "writes below its directory");
	ok(!landlocked || refused_outside(), "opens and makes nothing outside its directory");
	ok(!landlocked || refused_network(), "connects to nothing");
	ok(setuid(1) < 0 && errno == EPERM, "cannot become another user");
	ok(trusted_only_when_privileged(), "writes trusted attributes only where it asks to");
	sandbox_drop_all();
	ok(sandbox_privileged(true, &err) < 0 || fsetxattr(TARGET, "trusted.test", "w", 1, 0) < 0, "gives up everything for good");
}

int main(void)
{
	char path[] = "/tmp/caisson-sandbox-XXXXXX";
	int base = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int status = 1;
	pid_t child;

	if (getuid() != 0) {
		printf("1..0 # SKIP needs root\n");
		return 0;
	}
	landlocked = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 4;
	if (!landlocked)
		printf("# this kernel has no Landlock that knows the network: not tested\n");
	fflush(stdout);
	child = fork();
	if (child == 0) {
		dup2(base, 11);
		dup2(base, 5);
		dup2(base, TARGET);
		run_inside();
		status = tap_end();
		fflush(stdout);
		_exit(status);
	}
	waitpid(child, &status, 0);
	for (const char *const *name = (const char *const[]){"d/link", "fifo", NULL}; *name; name++)
		unlinkat(base, *name, 0);
	unlinkat(base, "d", AT_REMOVEDIR);
	close(base);
	rmdir(path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
