/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "clock.h"
#include "descriptor.h"
#include "kernel.h"
#include "monitor.h"

/* Frames read from one connection before the others get their turn. */
#define TURN 16

static void update_events(struct monitor *monitor, struct connection *connection, uint32_t events)
{
	struct epoll_event event = { .events = events,
				     .data.u64 = (uint64_t)SOURCE_CONNECTION << 32 | (uint64_t)(connection - monitor->connections) };

	if (connection->events == events)
		return;
	connection->events = events;
	/* A connection that nothing is wanted from would still report its end, again and again. */
	if (events == 0)
		(void)epoll_ctl(monitor->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
	else if (epoll_ctl(monitor->epoll, EPOLL_CTL_MOD, connection->fd, &event) < 0 && errno == ENOENT)
		(void)epoll_ctl(monitor->epoll, EPOLL_CTL_ADD, connection->fd, &event);
}

void connection_add(struct monitor *monitor, int fd)
{
	uint32_t i;

	for (i = 0; i < MONITOR_CONNECTIONS && monitor->connections[i].fd >= 0; i++)
		;
	if (i == MONITOR_CONNECTIONS || monitor_watch(monitor, fd, EPOLLIN, SOURCE_CONNECTION, i) < 0) {
		(void)close(fd);
		return;
	}
	monitor->connections[i] = (struct connection){
		.fd = fd, .events = EPOLLIN, .notices = NOTICE_HELLO, .pin = LOG_UNPINNED, .patient = fd == MONITOR_FD_CONTROL,
	};
}

static bool is_full(const struct monitor *monitor)
{
	int i;

	for (i = 0; i < MONITOR_CONNECTIONS; i++)
		if (monitor->connections[i].fd < 0)
			return false;
	return true;
}

/* Who comes when all places are taken waits in the queue of the socket. */
static void update_listening(struct monitor *monitor)
{
	bool want = !is_full(monitor);

	if (want == monitor->listening || monitor->state.listener < 0)
		return;
	if (want && monitor_watch(monitor, monitor->state.listener, EPOLLIN, SOURCE_LISTENER, 0) < 0)
		return;
	if (!want)
		monitor_unwatch(monitor, monitor->state.listener);
	monitor->listening = want;
}

static bool is_root(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
}

/* Takes the input and the log's pins of a connection that is gone into account. */
void connection_close(struct monitor *monitor, struct connection *connection)
{
	uint32_t number = (uint32_t)(connection - monitor->connections) + 1;
	struct record record;

	if (connection->events)
		monitor_unwatch(monitor, connection->fd);
	descriptor_close(&connection->fd);
	if (monitor->first_writer == number) {
		monitor->first_writer = UINT32_MAX;
		if (plan_find(&monitor->plan, PLAN_STDIO, &record) && record_u32(&record, 0) & PLAN_STDIO_STDIN_ONCE)
			input_close(&monitor->input);
	}
	if (connection->pin != LOG_UNPINNED) {
		connection->pin = LOG_UNPINNED;
		command_update_pins(monitor);
	}
	update_listening(monitor);
}

/* False when the connection broke. */
static bool send_some(struct connection *connection)
{
	ssize_t n = send(connection->fd, connection->out + connection->out_at, connection->out_size - connection->out_at,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	connection->out_at += (uint32_t)n;
	return true;
}

static void flush(struct monitor *monitor, struct connection *connection)
{
	if (connection->patient && monitor->phase == MONITOR_STARTING && !monitor->failed && !connection->subscribed)
		return;
	for (;;) {
		uint32_t at = connection->out_at;

		if (connection->out_at == connection->out_size) {
			if (!connection->notices)
				break;
			notice_fill(monitor, connection);
			at = 0;
		}
		if (!send_some(connection)) {
			connection_close(monitor, connection);
			return;
		}
		if (connection->out_at == at)
			break;
	}
	if (connection->out_at < connection->out_size)
		update_events(monitor, connection, connection->events | EPOLLOUT);
	else if (connection->events & EPOLLOUT)
		update_events(monitor, connection, connection->events & ~(uint32_t)EPOLLOUT);
}

void connection_accept(struct monitor *monitor)
{
	int fd = accept4(monitor->state.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), i;

	if (fd < 0)
		return;
	if (!is_root(fd)) {
		(void)close(fd);
		return;
	}
	connection_add(monitor, fd);
	for (i = 0; i < MONITOR_CONNECTIONS; i++)
		if (monitor->connections[i].fd == fd)
			flush(monitor, &monitor->connections[i]);
	update_listening(monitor);
}

void connection_tell(struct monitor *monitor, uint32_t notice, bool subscribers_only)
{
	int i;

	for (i = 0; i < MONITOR_CONNECTIONS; i++) {
		struct connection *connection = &monitor->connections[i];

		if (connection->fd < 0 || (subscribers_only && !connection->subscribed))
			continue;
		connection->notices |= notice;
		flush(monitor, connection);
	}
}

/* Reads bytes that are not kept: into the input, or nowhere. 1 go on, 0 wait, -1 closed. */
static int read_payload(struct monitor *monitor, struct connection *connection)
{
	uint8_t scratch[512], *to = scratch;
	uint32_t room = sizeof(scratch);
	bool input = connection->left_is_input && monitor->input.open && !monitor->input.closing;
	ssize_t n;

	if (input)
		to = input_room(&monitor->input, &room);
	if (!to) {
		update_events(monitor, connection, connection->events & ~(uint32_t)EPOLLIN);
		return 0;
	}
	n = recv(connection->fd, to, room < connection->left ? room : connection->left, MSG_DONTWAIT);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	connection->left -= (uint32_t)n;
	if (!input)
		return 1;
	if (!monitor->first_writer)
		monitor->first_writer = (uint32_t)(connection - monitor->connections) + 1;
	input_added(&monitor->input, (uint32_t)n);
	input_flush(&monitor->input);
	return 1;
}

/* Bytes of the frame that are kept: its header, and once that is there, a short payload. */
static uint32_t kept_bytes(const struct connection *connection)
{
	uint32_t payload;

	if (connection->in_size < FRAME_HEADER_BYTES || connection->left)
		return FRAME_HEADER_BYTES;
	memcpy(&payload, connection->in, sizeof(payload));
	return FRAME_HEADER_BYTES + payload;
}

/* Reads a header, and the payload of a frame that is kept, and obeys. 1 go on, 0 wait, -1 closed. */
static int read_frame(struct monitor *monitor, struct connection *connection)
{
	ssize_t n = recv(connection->fd, connection->in + connection->in_size,
			 kept_bytes(connection) - connection->in_size, MSG_DONTWAIT);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	connection->in_size += (uint32_t)n;
	if (connection->in_size == FRAME_HEADER_BYTES && !command_admit(connection))
		return -1;
	if (connection->in_size < kept_bytes(connection) || connection->in_size < FRAME_HEADER_BYTES)
		return 1;
	connection->in_size = 0;
	if (!connection->left)
		command_run(monitor, connection);
	return 1;
}

static void read_some(struct monitor *monitor, struct connection *connection)
{
	int turn, result = 1;

	for (turn = 0; turn < TURN && result > 0 && connection->fd >= 0; turn++)
		result = connection->left ? read_payload(monitor, connection) : read_frame(monitor, connection);
	if (result < 0 && connection->fd >= 0)
		connection_close(monitor, connection);
}

void connection_event(struct monitor *monitor, uint32_t index, uint32_t events)
{
	struct connection *connection = &monitor->connections[index];

	if (connection->fd < 0)
		return;
	if (events & EPOLLIN)
		read_some(monitor, connection);
	else if (events & (EPOLLHUP | EPOLLERR))
		connection_close(monitor, connection);
	if (connection->fd >= 0)
		flush(monitor, connection);
}

void connection_resume_input(struct monitor *monitor)
{
	int i;

	for (i = 0; i < MONITOR_CONNECTIONS; i++) {
		struct connection *connection = &monitor->connections[i];

		if (connection->fd >= 0 && !(connection->events & EPOLLIN))
			update_events(monitor, connection, connection->events | EPOLLIN);
	}
}

static bool anything_waits(struct monitor *monitor)
{
	bool waits = false;
	int i;

	for (i = 0; i < MONITOR_CONNECTIONS; i++) {
		struct connection *connection = &monitor->connections[i];

		if (connection->fd < 0)
			continue;
		flush(monitor, connection);
		waits = waits || (connection->fd >= 0 && connection->out_at < connection->out_size);
	}
	return waits;
}

void connection_finish(struct monitor *monitor, int milliseconds)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + (uint64_t)milliseconds * 1000000u;
	int i;

	while (anything_waits(monitor) && clock_ns(CLOCK_MONOTONIC) < end)
		(void)poll(NULL, 0, 10);
	for (i = 0; i < MONITOR_CONNECTIONS; i++) {
		char scratch[512];
		int fd = monitor->connections[i].fd;

		if (fd < 0)
			continue;
		/* A socket closed with bytes unread resets the other end, which would then lose what was sent to it. */
		(void)shutdown(fd, SHUT_RDWR);
		while (recv(fd, scratch, sizeof(scratch), MSG_DONTWAIT) > 0)
			;
		descriptor_close(&monitor->connections[i].fd);
	}
}
