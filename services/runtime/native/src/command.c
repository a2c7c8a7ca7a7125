/* SPDX-License-Identifier: Apache-2.0
 *
 * What a connection asks for.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "cgroup.h"
#include "kernel.h"
#include "monitor.h"

#define SUBSCRIBE_PIN 1u
#define EVERY_PROCESS 1u
#define LAST_SIGNAL 64u

static uint32_t word(const struct connection *connection, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, connection->in + offset, sizeof(value));
	return value;
}

/* Bytes that a frame's payload must have; -1: as it comes. */
static int64_t payload_bytes(uint32_t type)
{
	switch (type) {
	case CONTROL_START:
	case CONTROL_STDIN_CLOSE:
	case CONTROL_LET_GO:
		return 0;
	case CONTROL_SIGNAL:
		return 8;
	case CONTROL_RESIZE:
	case CONTROL_SUBSCRIBE:
	case CONTROL_ACK:
		return 4;
	default:
		return -1;
	}
}

bool command_admit(struct connection *connection)
{
	uint32_t size = word(connection, 0), type = word(connection, 4);
	int64_t must = payload_bytes(type);

	if (size > CONTROL_MAX_PAYLOAD || (must >= 0 && size != must))
		return false;
	connection->left = must < 0 ? size : 0;
	connection->left_is_input = type == CONTROL_STDIN;
	return true;
}

static void send_signal(struct monitor *monitor, uint32_t signal, uint32_t scope)
{
	if (signal > LAST_SIGNAL || monitor->launch.pidfd < 0 || monitor->ended_mono)
		return;
	if (scope == EVERY_PROCESS)
		cgroup_signal(&monitor->plan, (int)signal);
	/* In a pid namespace of its own, the end of the first process is the end of all. */
	if (scope != EVERY_PROCESS || signal == SIGKILL)
		(void)kernel_pidfd_send_signal(monitor->launch.pidfd, (int)signal);
}

static void resize(const struct monitor *monitor, const struct connection *connection)
{
	struct winsize size = { 0 };

	memcpy(&size.ws_row, connection->in + FRAME_HEADER_BYTES, 2);
	memcpy(&size.ws_col, connection->in + FRAME_HEADER_BYTES + 2, 2);
	if (monitor->terminal >= 0)
		(void)ioctl(monitor->terminal, TIOCSWINSZ, &size);
}

void command_update_pins(struct monitor *monitor)
{
	uint32_t lowest = LOG_UNPINNED;
	int i;

	for (i = 0; i < MONITOR_CONNECTIONS; i++)
		if (monitor->connections[i].fd >= 0 && monitor->connections[i].pin < lowest)
			lowest = monitor->connections[i].pin;
	if (lowest == monitor->log.pinned)
		return;
	monitor->log.pinned = lowest;
	log_drop(&monitor->log);
	if (monitor->write_error == EAGAIN)
		output_retry(monitor);
}

void command_hold(struct monitor *monitor, struct connection *connection)
{
	connection->holds = true;
	connection->pin = monitor->log.segment;
	command_update_pins(monitor);
}

static void let_go(struct monitor *monitor, struct connection *connection)
{
	if (!connection->holds)
		return;
	connection->holds = false;
	connection->pin = LOG_UNPINNED;
	command_update_pins(monitor);
}

static void pin(struct monitor *monitor, struct connection *connection)
{
	int i;

	if (connection->pin != LOG_UNPINNED)
		return;
	connection->pin = monitor->log.oldest;
	command_update_pins(monitor);
	for (i = 0; i < MONITOR_CONNECTIONS; i++)
		if (monitor->connections[i].fd >= 0)
			let_go(monitor, &monitor->connections[i]);
}

static void subscribe(struct monitor *monitor, struct connection *connection, uint32_t flags)
{
	connection->subscribed = true;
	connection->notices |= NOTICE_LOG;
	if (flags & SUBSCRIBE_PIN)
		pin(monitor, connection);
}

static void acknowledge(struct monitor *monitor, struct connection *connection, uint32_t segment)
{
	if (connection->holds || connection->pin == LOG_UNPINNED || segment <= connection->pin)
		return;
	/* Not beyond the current one: that is still being read. */
	connection->pin = segment < monitor->log.segment ? segment : monitor->log.segment;
	command_update_pins(monitor);
}

void command_run(struct monitor *monitor, struct connection *connection)
{
	switch (word(connection, 4)) {
	case CONTROL_START:
		starting_let_go(monitor);
		break;
	case CONTROL_SIGNAL:
		send_signal(monitor, word(connection, FRAME_HEADER_BYTES), word(connection, FRAME_HEADER_BYTES + 4));
		break;
	case CONTROL_RESIZE:
		resize(monitor, connection);
		break;
	case CONTROL_SUBSCRIBE:
		subscribe(monitor, connection, word(connection, FRAME_HEADER_BYTES));
		break;
	case CONTROL_ACK:
		acknowledge(monitor, connection, word(connection, FRAME_HEADER_BYTES));
		break;
	case CONTROL_LET_GO:
		let_go(monitor, connection);
		break;
	case CONTROL_STDIN_CLOSE:
		input_close(&monitor->input);
		break;
	default:
		/* Without a payload: unknown, or no input at all. */
		break;
	}
}
