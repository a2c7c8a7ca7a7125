/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "monitor.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "thread.h"

#define DATAGRAM_BYTES 65536

struct monitor {
	int fd;
	int stop_fd;
	pthread_t thread;
	monitor_notify notify;
	void *context;
	unsigned char datagram[DATAGRAM_BYTES];
};

/* False when the socket is of no more use. */
static bool take_datagram(struct monitor *monitor)
{
	struct sockaddr_nl from = { 0 };
	socklen_t size = sizeof(from);
	ssize_t got = recvfrom(monitor->fd, monitor->datagram, sizeof(monitor->datagram), MSG_DONTWAIT,
			       (struct sockaddr *)&from, &size);

	if (got > 0 && from.nl_pid == 0)
		monitor->notify(monitor->context, monitor->datagram, (size_t)got);
	if (got < 0 && errno == ENOBUFS)
		monitor->notify(monitor->context, NULL, 0);
	return got >= 0 || errno == ENOBUFS || errno == EAGAIN || errno == EINTR;
}

static void *watch(void *argument)
{
	struct monitor *monitor = argument;
	struct pollfd entries[2] = {
		{ .fd = monitor->stop_fd, .events = POLLIN },
		{ .fd = monitor->fd, .events = POLLIN },
	};

	for (;;) {
		if (poll(entries, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return NULL;
		}
		if (entries[0].revents)
			return NULL;
		if (entries[1].revents && !take_datagram(monitor))
			return NULL;
	}
}

struct monitor *monitor_start(int netlink_fd, monitor_notify notify, void *context, struct error *err)
{
	auto_close int fd = netlink_fd;
	auto_close int stop_fd = eventfd(0, EFD_CLOEXEC);
	auto_free struct monitor *monitor = calloc(1, sizeof(*monitor));
	struct monitor *started = monitor;

	if (stop_fd < 0 || !monitor) {
		error_system(err, stop_fd < 0 ? "eventfd" : "calloc");
		return NULL;
	}
	monitor->fd = fd;
	monitor->stop_fd = stop_fd;
	monitor->notify = notify;
	monitor->context = context;
	if (thread_start(&monitor->thread, watch, monitor, err) < 0)
		return NULL;
	take_fd(&fd);
	take_fd(&stop_fd);
	monitor = NULL;
	return started;
}

void monitor_stop(struct monitor *monitor)
{
	const uint64_t one = 1;

	while (write(monitor->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
	pthread_join(monitor->thread, NULL);
	close(monitor->fd);
	close(monitor->stop_fd);
	free(monitor);
}
