/* SPDX-License-Identifier: Apache-2.0
 *
 * TAP. Runs as root in network and mount namespaces of its own (make test).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "monitor.h"
#include "namespace.h"
#include "netlink.h"

static int tests;
static int failures;

static void ok(bool passed, const char *title)
{
	printf("%sok %d - %s\n", passed ? "" : "not ", ++tests, title);
	failures += passed ? 0 : 1;
}

static ino_t namespace_of(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

static ino_t own_namespace(void)
{
	struct stat status;

	return stat("/proc/thread-self/ns/net", &status) == 0 ? status.st_ino : 0;
}

struct link_request {
	struct nlmsghdr header;
	struct ifinfomsg link;
};

static struct link_request loopback_up(uint32_t seq)
{
	return (struct link_request){
		.header = { sizeof(struct link_request), RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, seq, 0 },
		.link = { .ifi_family = AF_UNSPEC, .ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP },
	};
}

static void test_adoption(const char *pin, int from_fd)
{
	char second[80];
	struct created adopted = { -1, -1 };
	struct error err = { 0 };

	snprintf(second, sizeof(second), "%s-2", pin);
	ok(namespace_create(second, from_fd, NULL, 0, &adopted, &err) == 0, "pins a namespace that exists");
	ok(namespace_of(adopted.namespace_fd) == namespace_of(from_fd), "and no other");
	namespace_release(second, &err);
	close(adopted.namespace_fd);
	close(adopted.route_fd);
}

static void test_namespace(const char *pin)
{
	const struct sysctl sysctls[] = { { "ipv4/ip_unprivileged_port_start", "0" } };
	const struct sysctl escape[] = { { "../kernel/hostname", "x" } };
	const struct sysctl missing[] = { { "ipv4/no_such_key", "x" } };
	struct created created = { -1, -1 }, other = { -1, -1 };
	struct error err = { 0 };
	ino_t before = own_namespace();
	int fd;

	ok(namespace_create(pin, -1, sysctls, 1, &created, &err) == 0, "creates a namespace");
	ok(own_namespace() == before, "leaves the calling thread where it was");
	ok(namespace_of(created.namespace_fd) != before, "gives back another namespace");
	fd = namespace_open(pin, &err);
	ok(fd >= 0 && namespace_of(fd) == namespace_of(created.namespace_fd), "opens the pin");
	close(fd);
	ok(namespace_create(pin, -1, NULL, 0, &other, &err) < 0 && err.number == EEXIST, "refuses a pin that stands");
	test_adoption(pin, created.namespace_fd);
	ok(namespace_release(pin, &err) == 0 && access(pin, F_OK) < 0, "releases the pin");
	ok(namespace_release(pin, &err) == 0, "releases it twice");
	ok(namespace_open(pin, &err) < 0 && err.number == ENOENT, "finds no pin afterwards");
	ok(namespace_create(pin, -1, escape, 1, &other, &err) < 0 && err.number == EXDEV, "keeps settings below /proc/sys/net");
	ok(namespace_create(pin, -1, missing, 1, &other, &err) < 0 && err.number == ENOENT && access(pin, F_OK) < 0,
	   "leaves nothing when a setting is unknown");
	ok(namespace_open("/proc/self/ns/mnt", &err) < 0 && err.number == EINVAL, "refuses a namespace of another kind");
	ok(namespace_open("/etc/hostname", &err) < 0 && err.number == EINVAL, "refuses a plain file");
	close(created.namespace_fd);
	close(created.route_fd);
}

static void test_request(void)
{
	struct error err = { 0 };
	auto_bytes struct bytes answers = BYTES_EMPTY;
	auto_close int fd = netlink_open(NETLINK_ROUTE, &err);
	auto_close int file = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct link_request batch[3] = { loopback_up(7), loopback_up(8), loopback_up(9) };
	struct nlmsghdr answer = { 0 };

	ok(fd >= 0, "opens a socket");
	ok(netlink_request(fd, (unsigned char *)batch, sizeof(batch), 1000, &answers, &err) == 0, "gets its answers");
	memcpy(&answer, answers.data, sizeof(answer));
	ok(answers.length == 3 * 36 && answer.nlmsg_seq == 7 && answer.nlmsg_type == NLMSG_ERROR, "one for each message");
	batch[1].header.nlmsg_seq = 12;
	ok(netlink_request(fd, (unsigned char *)batch, sizeof(batch), 1000, &answers, &err) < 0 && err.number == EINVAL,
	   "refuses a gap in the sequence");
	ok(netlink_request(fd, (unsigned char *)batch, 20, 1000, &answers, &err) < 0 && err.number == EINVAL,
	   "refuses a message cut short");
	ok(netlink_request(fd, (unsigned char *)batch, 0, 1000, &answers, &err) < 0, "refuses an empty batch");
	ok(netlink_request(file, (unsigned char *)batch, 32, 1000, &answers, &err) < 0 && err.number == ENOTSOCK,
	   "refuses what is not a socket");
	batch[0].header.nlmsg_type = NLMSG_NOOP;
	ok(netlink_request(fd, (unsigned char *)batch, 32, 50, &answers, &err) == 0, "a message without meaning is answered too");
}

/* Whatever the bytes are, the reader of batches stays inside them (the sanitizers watch). */
static void test_garbage(void)
{
	struct error err = { 0 };
	auto_close int fd = netlink_open(NETLINK_ROUTE, &err);
	uint32_t state = 1;
	int refused = 0;

	for (int round = 0; round < 20000; round++) {
		auto_bytes struct bytes answers = BYTES_EMPTY;
		size_t length = (size_t)round % 97;
		auto_free unsigned char *batch = malloc(length + 1);

		for (size_t i = 0; i < length; i++) {
			state = state * 1664525u + 1013904223u;
			batch[i] = i % 16 < 2 ? (unsigned char)(state >> 24) & 0x3f : 0;
		}
		refused += netlink_request(fd, batch, length, 0, &answers, &err) < 0;
	}
	ok(refused > 0, "survives garbage");
}

static void count_notification(void *context, const unsigned char *data, size_t length)
{
	(void)data;
	if (length > 0)
		atomic_fetch_add((atomic_int *)context, 1);
}

static void test_monitor(void)
{
	struct error err = { 0 };
	const uint32_t groups[] = { RTNLGRP_LINK };
	atomic_int seen = 0;
	auto_bytes struct bytes answers = BYTES_EMPTY;
	auto_close int fd = netlink_open(NETLINK_ROUTE, &err);
	int watched = netlink_open(NETLINK_ROUTE, &err);
	struct link_request down = loopback_up(1);
	struct monitor *monitor;

	down.link.ifi_flags = 0;
	netlink_join(watched, groups, 1, &err);
	monitor = monitor_start(watched, count_notification, &seen, &err);
	ok(monitor != NULL, "starts a monitor");
	netlink_request(fd, (unsigned char *)&down, sizeof(down), 1000, &answers, &err);
	for (int i = 0; i < 1000 && atomic_load(&seen) == 0; i++)
		usleep(1000);
	ok(atomic_load(&seen) > 0, "is told of a link that goes down");
	monitor_stop(monitor);
	ok(netlink_join(fd, (uint32_t[]){ 100000 }, 1, &err) < 0, "refuses a group that does not exist");
}

int main(void)
{
	char directory[] = "/tmp/caisson-netlink-XXXXXX";
	char pin[64];

	if (!mkdtemp(directory))
		return 1;
	snprintf(pin, sizeof(pin), "%s/pin", directory);
	test_namespace(pin);
	test_request();
	test_garbage();
	test_monitor();
	rmdir(directory);
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}
