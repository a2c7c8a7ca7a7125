/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "cleanup.h"
#include "netlink.h"

/* The largest datagram the kernel makes of a dump is 32 KiB; an acknowledgement is far smaller. */
#define DATAGRAM_BYTES 65536

/* What is still to be answered: for each message of the batch, from the first sequence number on, whether it waits. */
struct waiting {
	bool *pending;
	uint32_t first;
	uint32_t count;
	uint32_t left;
	bool refused; /* the batch as a whole */
};

/* Copies the header at `offset` out of `data`; false when no whole message stands there. */
static bool read_header(const unsigned char *data, size_t length, size_t offset, struct nlmsghdr *header)
{
	if (length - offset < sizeof(*header))
		return false;
	memcpy(header, data + offset, sizeof(*header));
	return header->nlmsg_len >= sizeof(*header) && header->nlmsg_len <= length - offset;
}

static size_t next_message(size_t offset, size_t length, const struct nlmsghdr *header)
{
	size_t step = NLMSG_ALIGN((size_t)header->nlmsg_len);

	return step > length - offset ? length : offset + step;
}

static bool asks_answer(const struct nlmsghdr *header)
{
	return (header->nlmsg_flags & NLM_F_ACK) || (header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

/* Fills `waiting` from the batch. Its `pending` is the caller's to free. */
static int count_requests(const unsigned char *batch, size_t length, struct waiting *waiting, struct error *err)
{
	struct nlmsghdr header;

	waiting->pending = calloc(length / sizeof(header) + 1, sizeof(bool));
	if (!waiting->pending)
		return error_set(err, ENOMEM, "calloc");
	for (size_t offset = 0; offset < length; offset = next_message(offset, length, &header)) {
		if (!read_header(batch, length, offset, &header))
			return error_set(err, EINVAL, "netlink");
		if (waiting->count == 0)
			waiting->first = header.nlmsg_seq;
		if (header.nlmsg_seq - waiting->first != waiting->count)
			return error_set(err, EINVAL, "netlink");
		waiting->pending[waiting->count++] = asks_answer(&header);
		waiting->left += asks_answer(&header) ? 1 : 0;
	}
	return waiting->count ? 0 : error_set(err, EINVAL, "netlink");
}

static bool ends_request(const struct nlmsghdr *header)
{
	return header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE;
}

static bool carries_error(const unsigned char *message, const struct nlmsghdr *header)
{
	int number = 0;

	if (header->nlmsg_type != NLMSG_ERROR || header->nlmsg_len < NLMSG_HDRLEN + sizeof(number))
		return false;
	memcpy(&number, message + NLMSG_HDRLEN, sizeof(number));
	return number != 0;
}

static void settle(struct waiting *waiting, const unsigned char *message, const struct nlmsghdr *header)
{
	uint32_t index = header->nlmsg_seq - waiting->first;

	if (!ends_request(header))
		return;
	if (waiting->pending[index]) {
		waiting->pending[index] = false;
		waiting->left--;
	} else if (carries_error(message, header)) {
		waiting->refused = true;
	}
}

/* Keeps what answers this batch and drops the rest: the datagram stands behind `answers->length`. */
static void keep_answers(struct bytes *answers, size_t received, struct waiting *waiting)
{
	unsigned char *datagram = answers->data + answers->length;
	struct nlmsghdr header;

	for (size_t offset = 0; offset < received && read_header(datagram, received, offset, &header);) {
		size_t next = next_message(offset, received, &header);

		if (header.nlmsg_seq - waiting->first < waiting->count) {
			settle(waiting, datagram + offset, &header);
			memmove(answers->data + answers->length, datagram + offset, next - offset);
			answers->length += next - offset;
		}
		offset = next;
	}
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int wait_readable(int fd, int64_t deadline, struct error *err)
{
	for (;;) {
		struct pollfd entry = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - now_ms();
		int ready = poll(&entry, 1, left > 0 ? (int)left : 0);

		if (ready > 0)
			return 0;
		if (ready == 0)
			return error_set(err, ETIMEDOUT, "netlink");
		if (errno != EINTR)
			return error_system(err, "poll");
	}
}

/* One datagram of the kernel behind `answers->length`: its length, or 0 when none is there or it is not the kernel's. */
static int receive(int fd, struct bytes *answers, size_t *received, struct error *err)
{
	struct sockaddr_nl from = { 0 };
	socklen_t size = sizeof(from);
	ssize_t got;

	*received = 0;
	if (bytes_reserve(answers, DATAGRAM_BYTES, err) < 0)
		return -1;
	got = recvfrom(fd, answers->data + answers->length, DATAGRAM_BYTES, MSG_DONTWAIT | MSG_TRUNC,
		       (struct sockaddr *)&from, &size);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : error_system(err, "recvfrom");
	if (got > DATAGRAM_BYTES)
		return error_set(err, EMSGSIZE, "recvfrom");
	if (from.nl_pid == 0)
		*received = (size_t)got;
	return 0;
}

static int read_answers(int fd, struct waiting *waiting, int64_t deadline, struct bytes *answers, struct error *err)
{
	while (waiting->left > 0 && !waiting->refused) {
		size_t received;

		if (receive(fd, answers, &received, err) < 0)
			return -1;
		if (received > 0)
			keep_answers(answers, received, waiting);
		else if (wait_readable(fd, deadline, err) < 0)
			return -1;
	}
	return 0;
}

static int send_batch(int fd, const unsigned char *batch, size_t length, struct error *err)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	while (sendto(fd, batch, length, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0) {
		if (errno != EINTR)
			return error_system(err, "sendto");
	}
	return 0;
}

int netlink_request(int fd, const unsigned char *batch, size_t length, int timeout_ms, struct bytes *answers,
		    struct error *err)
{
	struct waiting waiting = { 0 };
	auto_free bool *pending = NULL;
	int counted;

	if (netlink_check(fd, err) < 0)
		return -1;
	counted = count_requests(batch, length, &waiting, err);
	pending = waiting.pending;
	if (counted < 0 || send_batch(fd, batch, length, err) < 0)
		return -1;
	return read_answers(fd, &waiting, now_ms() + timeout_ms, answers, err);
}
