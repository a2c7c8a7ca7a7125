/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <termios.h>

#include "descriptor.h"

uint8_t *input_room(struct input *input, uint32_t *size)
{
	uint32_t tail = (input->head + input->used) % INPUT_BYTES;

	if (input->used == INPUT_BYTES)
		return NULL;
	if (!input->ring) {
		void *memory = mmap(NULL, INPUT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			return NULL;
		input->ring = memory;
		input->head = tail = 0;
	}
	*size = tail < input->head ? input->head - tail : INPUT_BYTES - tail;
	return input->ring + tail;
}

void input_added(struct input *input, uint32_t size)
{
	input->used += size;
}

static void release(struct input *input)
{
	if (input->ring)
		(void)munmap(input->ring, INPUT_BYTES);
	input->ring = NULL;
	input->head = input->used = 0;
}

/* Taken off before it is closed: a terminal's other descriptors would keep it in epoll. */
static void watch(struct input *input, bool on)
{
	struct epoll_event event = { .events = EPOLLOUT, .data.u64 = input->event };

	if (on == input->watched || input->fd < 0)
		return;
	if (epoll_ctl(input->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, input->fd, &event) == 0)
		input->watched = on;
}

void input_drop(struct input *input)
{
	release(input);
	watch(input, false);
	descriptor_close(&input->fd);
	input->open = false;
}

/* A terminal has no end; its line discipline has a character for it. */
static void finish(struct input *input)
{
	struct termios settings;

	if (input->terminal && tcgetattr(input->fd, &settings) == 0 && settings.c_lflag & ICANON)
		(void)descriptor_write(input->fd, &settings.c_cc[VEOF], 1);
	input_drop(input);
}

void input_flush(struct input *input)
{
	while (input->fd >= 0 && input->used) {
		uint32_t size = INPUT_BYTES - input->head < input->used ? INPUT_BYTES - input->head : input->used;
		ssize_t n = descriptor_write(input->fd, input->ring + input->head, size);

		if (n < 0 && errno == EAGAIN) {
			watch(input, true);
			return;
		}
		if (n < 0) {
			/* Nobody reads it any more. */
			input_drop(input);
			return;
		}
		input->head = (input->head + (uint32_t)n) % INPUT_BYTES;
		input->used -= (uint32_t)n;
	}
	if (input->fd < 0)
		return;
	release(input);
	watch(input, false);
	if (input->closing)
		finish(input);
}

void input_close(struct input *input)
{
	input->closing = true;
	input_flush(input);
}
