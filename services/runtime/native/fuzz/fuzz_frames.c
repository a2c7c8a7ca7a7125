/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client may send, in pieces of any size: the first byte of a piece is its length.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct monitor monitor;

static void begin(int fd)
{
	static const uint32_t header[4] = { PLAN_MAGIC, PLAN_VERSION, 16, 0 };
	int i;

	memset(&monitor, 0, sizeof(monitor));
	monitor.plan = (struct plan){ .data = (const uint8_t *)header, .size = 16 };
	for (i = 0; i < MONITOR_CONNECTIONS; i++)
		monitor.connections[i].fd = -1;
	monitor.state.listener = monitor.terminal = monitor.launch.pidfd = monitor.launch.sync = -1;
	monitor.outputs[0].fd = monitor.outputs[1].fd = -1;
	monitor.log = (struct log){ .directory = -1, .fd = -1, .segment = 3, .oldest = 2, .pinned = LOG_UNPINNED };
	monitor.phase = MONITOR_RUNNING;
	/* As if it had been let go: there is no child to tell. */
	monitor.let_go = true;
	monitor.epoll = epoll_create1(0);
	monitor.input = (struct input){ .open = true, .fd = -1, .epoll = monitor.epoll };
	connection_add(&monitor, fd);
}

static void send_pieces(int peer, const uint8_t *data, size_t size)
{
	while (size > 1 && monitor.connections[0].fd >= 0) {
		size_t length = data[0] < size - 1 ? data[0] : size - 1;

		if (length && send(peer, data + 1, length, MSG_NOSIGNAL) < 0)
			return;
		connection_event(&monitor, 0, EPOLLIN);
		data += length + 1;
		size -= length + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
		return 0;
	begin(ends[0]);
	send_pieces(ends[1], data, size);
	if (monitor.connections[0].fd >= 0)
		connection_close(&monitor, &monitor.connections[0]);
	input_drop(&monitor.input);
	(void)close(ends[1]);
	(void)close(monitor.epoll);
	return 0;
}
