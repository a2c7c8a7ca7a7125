/* SPDX-License-Identifier: Apache-2.0 */
#include "sync.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHORT_BYTES offsetof(struct sync_message, error)

union control_space {
	char bytes[CMSG_SPACE(SYNC_MAX_FDS * sizeof(int))];
	struct cmsghdr align;
};

int sync_pair(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int send_message(int socket, const void *data, size_t size, const int *fds, int count)
{
	union control_space space;
	struct iovec part = { .iov_base = (void *)data, .iov_len = size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n;

	if (count > 0) {
		struct cmsghdr *control;

		memset(&space, 0, sizeof(space));
		header.msg_control = space.bytes;
		header.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
		control = CMSG_FIRSTHDR(&header);
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
		memcpy(CMSG_DATA(control), fds, (size_t)count * sizeof(int));
	}
	do
		n = sendmsg(socket, &header, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

int sync_send(int socket, enum sync_kind kind, uint32_t value, const int *fds, int count)
{
	uint32_t head[2] = { kind, value };

	_Static_assert(sizeof(head) == SHORT_BYTES, "the head of a message is kind and value");
	return send_message(socket, head, sizeof(head), fds, count);
}

void sync_send_error(int socket, const struct error *error)
{
	struct sync_message message = { .kind = SYNC_ERROR, .error = *error };

	/* write(2), because a seccomp filter in force may know no other way. */
	if (write(socket, &message, sizeof(message)) < 0)
		return;
}

static void take_descriptors(struct msghdr *header, int fds[SYNC_MAX_FDS])
{
	struct cmsghdr *control = CMSG_FIRSTHDR(header);

	if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(control), control->cmsg_len - CMSG_LEN(0));
}

int sync_receive(int socket, struct sync_message *message, int fds[SYNC_MAX_FDS])
{
	union control_space space;
	struct iovec part = { .iov_base = message, .iov_len = sizeof(*message) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = space.bytes,
				 .msg_controllen = sizeof(space.bytes) };
	ssize_t n;
	int i;

	for (i = 0; i < SYNC_MAX_FDS; i++)
		fds[i] = -1;
	/* An end that closes with messages unread first gives ECONNRESET, once, and then what it had sent before. */
	do
		n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n <= 0)
		return (int)n;
	take_descriptors(&header, fds);
	if ((size_t)n != (message->kind == SYNC_ERROR ? sizeof(*message) : SHORT_BYTES)) {
		for (i = 0; i < SYNC_MAX_FDS; i++)
			if (fds[i] >= 0)
				(void)close(fds[i]);
		errno = EPROTO;
		return -1;
	}
	if (message->kind == SYNC_ERROR)
		message->error.message[ERROR_MESSAGE_SIZE - 1] = 0;
	return 1;
}

int sync_expect(int socket, enum sync_kind kind, int *fds, int count)
{
	struct sync_message message;
	int received[SYNC_MAX_FDS], i, got;

	got = sync_receive(socket, &message, received);
	if (got == 0)
		errno = EPIPE;
	if (got <= 0)
		return -1;
	for (i = 0; i < SYNC_MAX_FDS; i++) {
		if (message.kind == (uint32_t)kind && i < count && received[i] >= 0) {
			fds[i] = received[i];
			continue;
		}
		if (received[i] < 0 && i >= count && message.kind == (uint32_t)kind)
			continue;
		errno = EPROTO;
		return -1;
	}
	return 0;
}
