/* SPDX-License-Identifier: Apache-2.0 */
#include "forward_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "wire.h"

#define MESSAGE_BYTES 65535
#define FIRST_CAPACITY 2048

int stream_send(struct forward *forward)
{
	while (forward->sent < forward->length) {
		ssize_t n = send(forward->source.fd, forward->query + forward->sent, forward->length - forward->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		forward->sent += (size_t)n;
	}
	source_want(&forward->namespace->resolver->loop, &forward->source, EPOLLIN);
	return 0;
}

static int make_room(struct forward *forward)
{
	size_t capacity = forward->capacity ? forward->capacity * 2 : FIRST_CAPACITY;
	uint8_t *answer_bytes;

	if (forward->received < forward->capacity)
		return 0;
	if (capacity > TCP_LENGTH_BYTES + MESSAGE_BYTES)
		capacity = TCP_LENGTH_BYTES + MESSAGE_BYTES;
	answer_bytes = realloc(forward->answer, capacity);
	if (!answer_bytes)
		return -1;
	forward->answer = answer_bytes;
	forward->capacity = capacity;
	return 0;
}

static bool is_whole(const struct forward *forward)
{
	return forward->received >= TCP_LENGTH_BYTES &&
	       forward->received >= TCP_LENGTH_BYTES + (size_t)get_be16(forward->answer);
}

int stream_receive(struct forward *forward)
{
	while (!is_whole(forward)) {
		ssize_t n;

		if (make_room(forward) < 0)
			return -1;
		n = recv(forward->source.fd, forward->answer + forward->received, forward->capacity - forward->received, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			return -1;
		forward->received += (size_t)n;
	}
	return 1;
}
