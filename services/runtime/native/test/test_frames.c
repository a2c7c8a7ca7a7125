/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor.h"
#include "tap.h"

/* A monitor without a container, and the other end of its first connection. */
static struct monitor monitor;
static int peer;

static void begin(void)
{
	static const uint32_t header[4] = { PLAN_MAGIC, PLAN_VERSION, 16, 0 };
	int ends[2], i;

	memset(&monitor, 0, sizeof(monitor));
	monitor.plan = (struct plan){ .data = (const uint8_t *)header, .size = 16 };
	for (i = 0; i < MONITOR_CONNECTIONS; i++)
		monitor.connections[i].fd = -1;
	monitor.state.listener = monitor.terminal = monitor.launch.pidfd = monitor.launch.sync = -1;
	monitor.outputs[0].fd = monitor.outputs[1].fd = -1;
	monitor.log = (struct log){ .directory = -1, .fd = -1, .segment = 3, .oldest = 2, .bytes = 99, .pinned = LOG_UNPINNED };
	monitor.phase = MONITOR_RUNNING;
	monitor.epoll = epoll_create1(0);
	monitor.input = (struct input){ .open = true, .fd = -1, .epoll = monitor.epoll };
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		exit(2);
	connection_add(&monitor, ends[0]);
	peer = ends[1];
}

static void end(void)
{
	if (monitor.connections[0].fd >= 0)
		connection_close(&monitor, &monitor.connections[0]);
	input_drop(&monitor.input);
	(void)close(peer);
	(void)close(monitor.epoll);
}

static void frame(uint32_t type, const void *payload, uint32_t size)
{
	uint32_t header[2] = { size, type };

	if (write(peer, header, sizeof(header)) != sizeof(header) || (size && write(peer, payload, size) != (ssize_t)size))
		exit(2);
}

static void event(void)
{
	int i;

	for (i = 0; i < 8; i++)
		connection_event(&monitor, 0, EPOLLIN);
}

static bool is_open(void)
{
	return monitor.connections[0].fd >= 0;
}

/* Reads a frame that the monitor sent; its type, or 0. */
static uint32_t answer(uint8_t *payload, uint32_t *size)
{
	uint32_t header[2];

	if (recv(peer, header, sizeof(header), MSG_DONTWAIT) != sizeof(header))
		return 0;
	*size = header[0];
	return recv(peer, payload, header[0], MSG_DONTWAIT) == (ssize_t)header[0] ? header[1] : 0;
}

static void greets_and_subscribes(void)
{
	uint8_t payload[512];
	uint32_t size, flags = 1, segment = 3, value;

	begin();
	frame(CONTROL_SUBSCRIBE, &flags, 4);
	event();
	ok(answer(payload, &size) == CONTROL_HELLO && size == 48, "says hello first");
	memcpy(&value, payload + 4, 4);
	ok(value == MONITOR_RUNNING, "with the state");
	ok(answer(payload, &size) == CONTROL_LOG && size == 16, "tells a subscriber where the log is");
	ok(monitor.connections[0].subscribed && monitor.log.pinned == 2, "pins the oldest segment");
	frame(CONTROL_ACK, &segment, 4);
	event();
	ok(monitor.log.pinned == 3, "moves the pin on");
	segment = 1000;
	frame(CONTROL_ACK, &segment, 4);
	event();
	ok(monitor.log.pinned == 3, "but not beyond the current segment");
	connection_close(&monitor, &monitor.connections[0]);
	ok(monitor.log.pinned == LOG_UNPINNED, "unpins with the connection");
	end();
}

static void holds_output(void)
{
	uint8_t payload[512];
	uint32_t size, pinned = 1;

	begin();
	command_hold(&monitor, &monitor.connections[0]);
	event();
	ok(answer(payload, &size) == CONTROL_HELLO && answer(payload, &size) == 0, "is told nothing of a log that it holds");
	ok(!monitor.connections[0].subscribed && monitor.log.pinned == 3, "keeps what is written from now on");
	frame(CONTROL_LET_GO, NULL, 0);
	event();
	ok(monitor.log.pinned == LOG_UNPINNED, "until it is let go");
	command_hold(&monitor, &monitor.connections[0]);
	connection_close(&monitor, &monitor.connections[0]);
	ok(monitor.log.pinned == LOG_UNPINNED, "or the connection ends");
	end();
	begin();
	monitor.connections[1] = (struct connection){ .fd = dup(peer), .pin = LOG_UNPINNED };
	command_hold(&monitor, &monitor.connections[1]);
	frame(CONTROL_SUBSCRIBE, &pinned, 4);
	event();
	ok(monitor.connections[1].pin == LOG_UNPINNED && monitor.log.pinned == 2, "or a reader comes with a pin of its own");
	(void)close(monitor.connections[1].fd);
	monitor.connections[1].fd = -1;
	end();
}

static void takes_input(void)
{
	static uint8_t big[65536];
	uint8_t in[4] = { 'a', 'b', 'c', 'd' };
	uint32_t header[2] = { 4, CONTROL_STDIN };
	size_t i;

	begin();
	/* Byte by byte. */
	for (i = 0; i < 12; i++) {
		if (write(peer, i < 8 ? (uint8_t *)header + i : in + i - 8, 1) != 1)
			exit(2);
		event();
	}
	ok(monitor.input.used == 4 && !memcmp(monitor.input.ring, "abcd", 4), "takes input that comes in pieces");
	frame(CONTROL_STDIN, NULL, 0);
	event();
	ok(is_open() && monitor.input.used == 4, "takes no input at all");
	frame(CONTROL_STDIN, big, sizeof(big));
	event();
	ok(monitor.input.used == INPUT_BYTES && !(monitor.connections[0].events & EPOLLIN),
	   "does not read on while the input is full");
	end();
}

static void skips_and_refuses(void)
{
	uint8_t junk[5000] = { 1 };
	uint32_t header[2] = { CONTROL_MAX_PAYLOAD + 1, 4711 }, size = 8;

	begin();
	frame(4711, junk, sizeof(junk));
	frame(CONTROL_SUBSCRIBE, &size, 4);
	event();
	event();
	ok(is_open() && monitor.connections[0].subscribed, "skips a frame it does not know");
	if (write(peer, header, sizeof(header)) != sizeof(header))
		exit(2);
	event();
	ok(!is_open(), "closes on a payload that is too long");
	end();
	begin();
	frame(CONTROL_SIGNAL, junk, 4);
	event();
	ok(!is_open(), "closes on a frame that is too short");
	end();
	begin();
	frame(CONTROL_START, junk, 1);
	event();
	ok(!is_open(), "closes on a frame that is too long");
	end();
	begin();
	(void)shutdown(peer, SHUT_WR);
	event();
	ok(!is_open(), "closes at the end");
	end();
}

int main(void)
{
	greets_and_subscribes();
	holds_output();
	takes_input();
	skips_and_refuses();
	return tap_end();
}
