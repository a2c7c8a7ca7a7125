/* SPDX-License-Identifier: Apache-2.0
 *
 * What waits to be read by the process on its standard input. The memory is there only while something waits.
 */
#ifndef CAISSON_INPUT_H
#define CAISSON_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#define INPUT_BYTES 65536u

struct input {
	bool open;     /* the plan has an input, and it was not closed */
	bool closing;  /* closes once it is empty */
	bool terminal; /* closing means its end-of-file character */
	bool watched;  /* epoll waits for room in fd, and says so with `event` */
	int epoll;
	uint64_t event;
	int fd;        /* -1: not there yet */
	uint8_t *ring; /* NULL: empty */
	uint32_t head, used;
};

/* A place for bytes and its size; NULL when there is no room or no memory. */
uint8_t *input_room(struct input *input, uint32_t *size);

/* Bytes were put into that place. */
void input_added(struct input *input, uint32_t size);

/* Writes what can be written; epoll tells when it is worth trying again. */
void input_flush(struct input *input);

/* Closes it after what waits. */
void input_close(struct input *input);

/* Gives up what waits. */
void input_drop(struct input *input);

#endif
