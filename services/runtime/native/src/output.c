/* SPDX-License-Identifier: Apache-2.0
 *
 * From the process's pipes or terminal into the log. One chunk at a time: while it cannot be written nothing more is read,
 * and the process waits.
 */
#include <errno.h>
#include <sys/ioctl.h>

#include "clock.h"
#include "descriptor.h"
#include "monitor.h"

#define OUTPUTS 2
/* How often a write that failed is tried again. */
#define RETRY_NS 1000000000ull
/* How long the output of a process that ended may wait for room. */
#define GIVE_UP_NS 10000000000ull

static void watch(struct monitor *monitor, struct output *output, bool on)
{
	uint32_t index = (uint32_t)(output - monitor->outputs);

	if (output->fd < 0 || output->watched == on)
		return;
	/* Not only without events: a pipe's end would still be reported, again and again. */
	if (on)
		output->watched = monitor_watch(monitor, output->fd, EPOLLIN, SOURCE_OUTPUT, index) == 0;
	else
		monitor_unwatch(monitor, output->fd);
	output->watched = output->watched && on;
}

static void watch_all(struct monitor *monitor, bool on)
{
	int i;

	for (i = 0; i < OUTPUTS; i++)
		watch(monitor, &monitor->outputs[i], on);
}

void output_add(struct monitor *monitor, int fd, enum log_stream stream)
{
	int i;

	for (i = 0; i < OUTPUTS; i++) {
		struct output *output = &monitor->outputs[i];

		if (output->fd >= 0)
			continue;
		*output = (struct output){ .fd = fd, .stream = stream };
		watch(monitor, output, true);
		return;
	}
	(void)close(fd);
}

/* Writes the chunk in the buffer. False while it must wait. */
static bool write_chunk(struct monitor *monitor)
{
	struct chunk *chunk = &monitor->chunk;

	if (log_append(&monitor->log, chunk->stream, chunk->time_ns, monitor->buffer, chunk->size) < 0) {
		monitor->write_error = errno;
		monitor->retry_mono = clock_ns(CLOCK_MONOTONIC) + RETRY_NS;
		watch_all(monitor, false);
		return false;
	}
	chunk->size = 0;
	connection_tell(monitor, NOTICE_LOG, true);
	return true;
}

static void end_output(struct monitor *monitor, struct output *output)
{
	watch(monitor, output, false);
	/* A terminal's master stays for its size and its input. */
	if (output->fd == monitor->terminal)
		monitor->terminal = -1;
	descriptor_close(&output->fd);
}

/* Reads once and writes. False when nothing more can be had for now. */
static bool move_some(struct monitor *monitor, struct output *output, size_t most)
{
	ssize_t n;

	if (output->fd < 0 || monitor->chunk.size)
		return false;
	n = descriptor_read(output->fd, monitor->buffer, most < MONITOR_BUFFER_BYTES ? most : MONITOR_BUFFER_BYTES);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		/* EIO: nobody has the terminal open. */
		end_output(monitor, output);
		return false;
	}
	monitor->chunk = (struct chunk){ (size_t)n, output->stream, clock_ns(CLOCK_REALTIME) };
	if (output->counted)
		output->left -= (uint32_t)n;
	return write_chunk(monitor);
}

void output_event(struct monitor *monitor, uint32_t index)
{
	(void)move_some(monitor, &monitor->outputs[index], MONITOR_BUFFER_BYTES);
}

void output_retry(struct monitor *monitor)
{
	if (!monitor->write_error || !monitor->chunk.size || !write_chunk(monitor))
		return;
	monitor->write_error = 0;
	if (!monitor->ended_mono)
		watch_all(monitor, true);
}

/* What a pipe holds now is what the process left; others may still have it open and write on. */
static void count_left(struct output *output)
{
	int left = 0;

	if (output->counted || output->fd < 0)
		return;
	output->counted = true;
	output->left = ioctl(output->fd, FIONREAD, &left) == 0 && left > 0 ? (uint32_t)left : 0;
}

/* A terminal does not say how much it holds; its end does. */
static size_t may_read(const struct monitor *monitor, const struct output *output)
{
	return output->fd == monitor->terminal ? MONITOR_BUFFER_BYTES : output->left;
}

/* Counts what cannot be kept, and leaves a word about it where there is room for that. */
static void give_up(struct monitor *monitor)
{
	struct {
		uint64_t lost;
		uint32_t stream, code;
	} gap = { .stream = monitor->chunk.stream, .code = (uint32_t)monitor->write_error };
	int i;

	gap.lost = monitor->chunk.size;
	for (i = 0; i < OUTPUTS; i++)
		if (monitor->outputs[i].fd >= 0)
			gap.lost += monitor->outputs[i].left;
	monitor->record.dropped_bytes = gap.lost;
	monitor->chunk.size = 0;
	(void)log_append(&monitor->log, LOG_GAP, clock_ns(CLOCK_REALTIME), &gap, sizeof(gap));
}

bool output_drain(struct monitor *monitor)
{
	int i;

	monitor->log.ending = true;
	for (i = 0; i < OUTPUTS; i++) {
		count_left(&monitor->outputs[i]);
		watch(monitor, &monitor->outputs[i], false);
	}
	output_retry(monitor);
	for (i = 0; i < OUTPUTS && !monitor->chunk.size; i++) {
		struct output *output = &monitor->outputs[i];

		while (output->fd >= 0 && may_read(monitor, output) &&
		       move_some(monitor, output, may_read(monitor, output)))
			;
	}
	if (!monitor->chunk.size)
		return true;
	if (clock_ns(CLOCK_MONOTONIC) - monitor->ended_mono < GIVE_UP_NS)
		return false;
	give_up(monitor);
	return true;
}
