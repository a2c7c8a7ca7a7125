/* SPDX-License-Identifier: Apache-2.0
 *
 * The frames that a monitor sends. They are made from the state at the moment of sending, so nothing piles up behind a
 * reader that is slow.
 */
#include "monitor.h"

static void put(struct connection *connection, const void *data, size_t size)
{
	memcpy(connection->out + connection->out_size, data, size);
	connection->out_size += (uint32_t)size;
}

static void put_u32(struct connection *connection, uint32_t value)
{
	put(connection, &value, sizeof(value));
}

static void put_u64(struct connection *connection, uint64_t value)
{
	put(connection, &value, sizeof(value));
}

static void begin(struct connection *connection, enum control_type type, size_t payload)
{
	connection->out_size = connection->out_at = 0;
	put_u32(connection, (uint32_t)payload);
	put_u32(connection, type);
}

static void put_process(const struct monitor *monitor, struct connection *connection)
{
	put_u32(connection, (uint32_t)monitor->launch.pid);
	put_u32(connection, 0);
	put_u64(connection, monitor->launch.start_time);
}

static void hello(const struct monitor *monitor, struct connection *connection)
{
	begin(connection, CONTROL_HELLO, 48);
	put_u32(connection, CONTROL_VERSION);
	put_u32(connection, monitor->phase);
	put_process(monitor, connection);
	put_u64(connection, monitor->started_ns);
	put_u32(connection, monitor->log.segment);
	put_u32(connection, 0);
	put_u64(connection, monitor->log.bytes);
}

static void log_position(const struct monitor *monitor, struct connection *connection)
{
	begin(connection, CONTROL_LOG, 16);
	put_u32(connection, monitor->log.segment);
	put_u32(connection, 0);
	put_u64(connection, monitor->log.bytes);
}

static void failure(const struct monitor *monitor, struct connection *connection)
{
	size_t length = strlen(monitor->error.message) + 1;

	begin(connection, CONTROL_FAILED, 8 + length);
	put_u32(connection, monitor->error.step);
	put_u32(connection, (uint32_t)monitor->error.code);
	put(connection, monitor->error.message, length);
}

static void make(const struct monitor *monitor, struct connection *connection, enum notice notice)
{
	switch (notice) {
	case NOTICE_HELLO:
		hello(monitor, connection);
		break;
	case NOTICE_CREATED:
		begin(connection, CONTROL_CREATED, 16);
		put_process(monitor, connection);
		break;
	case NOTICE_STARTED:
		begin(connection, CONTROL_STARTED, 24);
		put_process(monitor, connection);
		put_u64(connection, monitor->started_ns);
		break;
	case NOTICE_LOG:
		log_position(monitor, connection);
		break;
	case NOTICE_OOM:
		begin(connection, CONTROL_OOM, 8);
		put_u64(connection, monitor->oom.seen);
		break;
	case NOTICE_FAILED:
		failure(monitor, connection);
		break;
	case NOTICE_EXITED:
		begin(connection, CONTROL_EXITED, sizeof(monitor->record));
		put(connection, &monitor->record, sizeof(monitor->record));
		break;
	}
}

void notice_fill(struct monitor *monitor, struct connection *connection)
{
	uint32_t lowest = connection->notices & -connection->notices;

	connection->notices &= ~lowest;
	make(monitor, connection, (enum notice)lowest);
}
