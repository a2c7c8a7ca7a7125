/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "cleanup.h"
#include "namespace.h"
#include "netlink.h"

#define OWN_NAMESPACE "/proc/thread-self/ns/net"
#define SYSCTL_ROOT "/proc/sys/net"

struct creation {
	const char *pin;
	int from_fd;
	const struct sysctl *sysctls;
	size_t count;
	struct created *created;
};

static int raise_loopback(struct error *err)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING };
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_system(err, "socket");
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return error_system(err, "ioctl");
	return 0;
}

static int write_sysctl(int root, const struct sysctl *sysctl, struct error *err)
{
	struct open_how how = {
		.flags = O_WRONLY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	auto_close int fd = (int)syscall(SYS_openat2, root, sysctl->file, &how, sizeof(how));
	size_t length = strlen(sysctl->value);

	if (fd < 0)
		return error_system(err, "openat2");
	if (write(fd, sysctl->value, length) != (ssize_t)length)
		return error_system(err, "write");
	return 0;
}

/* What /proc/sys/net shows follows the namespace of the thread that looks the name up. */
static int write_sysctls(const struct sysctl *sysctls, size_t count, struct error *err)
{
	auto_close int root = open(SYSCTL_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return error_system(err, "open");
	for (size_t i = 0; i < count; i++) {
		if (write_sysctl(root, &sysctls[i], err) < 0)
			return -1;
	}
	return 0;
}

/* The mount goes on what was just made, by descriptor: nobody can put another path in its place. */
static int pin_namespace(const char *pin, struct error *err)
{
	char target[64];
	auto_close int fd = open(pin, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);

	if (fd < 0)
		return error_system(err, "open");
	snprintf(target, sizeof(target), "/proc/thread-self/fd/%d", fd);
	if (mount(OWN_NAMESPACE, target, NULL, MS_BIND, NULL) < 0) {
		error_system(err, "mount");
		unlink(pin);
		return -1;
	}
	return 0;
}

static int enter_namespace(int from_fd, struct error *err)
{
	if (from_fd >= 0)
		return namespace_enter(from_fd, err);
	if (unshare(CLONE_NEWNET) < 0)
		return error_system(err, "unshare");
	return 0;
}

static int create_inside(void *argument, struct error *err)
{
	const struct creation *creation = argument;
	auto_close int namespace_fd = -1;
	auto_close int route_fd = -1;

	if (enter_namespace(creation->from_fd, err) < 0)
		return -1;
	namespace_fd = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
	if (namespace_fd < 0)
		return error_system(err, "open");
	route_fd = netlink_open(NETLINK_ROUTE, err);
	if (route_fd < 0 || write_sysctls(creation->sysctls, creation->count, err) < 0 || raise_loopback(err) < 0)
		return -1;
	if (pin_namespace(creation->pin, err) < 0)
		return -1;
	creation->created->namespace_fd = take_fd(&namespace_fd);
	creation->created->route_fd = take_fd(&route_fd);
	return 0;
}

int namespace_create(const char *pin, int from_fd, const struct sysctl *sysctls, size_t count, struct created *created,
		     struct error *err)
{
	struct creation creation = { pin, from_fd, sysctls, count, created };

	return namespace_thread(create_inside, &creation, err);
}

struct writing {
	int namespace_fd;
	const struct sysctl *sysctls;
	size_t count;
};

static int write_inside(void *argument, struct error *err)
{
	const struct writing *writing = argument;

	if (namespace_enter(writing->namespace_fd, err) < 0)
		return -1;
	return write_sysctls(writing->sysctls, writing->count, err);
}

int namespace_write(int namespace_fd, const struct sysctl *sysctls, size_t count, struct error *err)
{
	struct writing writing = { namespace_fd, sysctls, count };

	return namespace_thread(write_inside, &writing, err);
}

int namespace_release(const char *pin, struct error *err)
{
	/* More than one mount may lie on a pin when a crash fell between two attempts. */
	while (umount2(pin, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		continue;
	if (errno != EINVAL && errno != ENOENT)
		return error_system(err, "umount2");
	if (unlink(pin) < 0 && errno != ENOENT)
		return error_system(err, "unlink");
	return 0;
}
