/* SPDX-License-Identifier: Apache-2.0 */
#include "udp_server.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "answer.h"
#include "forward.h"
#include "lookup.h"

/* One thread, and nothing in here outlives a round. */
static struct {
	struct mmsghdr received[UDP_ROUND];
	struct iovec received_parts[UDP_ROUND];
	struct sockaddr_in peers[UDP_ROUND];
	uint8_t questions[UDP_ROUND][QUERY_BYTES];
	struct mmsghdr answers[UDP_ROUND];
	struct iovec answer_parts[UDP_ROUND];
	uint8_t answer_bytes[UDP_ROUND][ANSWER_BYTES];
} batch;

static int receive(int fd, unsigned int most)
{
	for (unsigned int i = 0; i < most; i++) {
		batch.received_parts[i] = (struct iovec){ batch.questions[i], QUERY_BYTES };
		batch.received[i].msg_hdr = (struct msghdr){
			.msg_name = &batch.peers[i],
			.msg_namelen = sizeof(batch.peers[i]),
			.msg_iov = &batch.received_parts[i],
			.msg_iovlen = 1,
		};
	}
	return recvmmsg(fd, batch.received, most, MSG_DONTWAIT, NULL);
}

static void put_answer(unsigned int at, int question, size_t length)
{
	batch.answer_parts[at] = (struct iovec){ batch.answer_bytes[at], length };
	batch.answers[at].msg_hdr = (struct msghdr){
		.msg_name = &batch.peers[question],
		.msg_namelen = sizeof(batch.peers[question]),
		.msg_iov = &batch.answer_parts[at],
		.msg_iovlen = 1,
	};
}

/* Who cannot be answered is passed over. */
static void send_answers(int fd, unsigned int count)
{
	for (unsigned int sent = 0; sent < count;) {
		/* The kernel's own: that of musl sends one by one. */
		long n = syscall(SYS_sendmmsg, fd, batch.answers + sent, count - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		sent += n > 0 ? (unsigned int)n : 1;
	}
}

static bool hear(struct namespace *namespace, int number, uint8_t *out, size_t *answered)
{
	const struct mmsghdr *received = &batch.received[number];
	const uint8_t *message = batch.questions[number];
	struct question question;

	if (received->msg_hdr.msg_flags & MSG_TRUNC) {
		namespace->resolver->counters.queries++;
		namespace->resolver->counters.malformed++;
		return false;
	}
	switch (lookup(namespace, message, received->msg_len, &question, false, out, answered)) {
	case OUTCOME_ANSWER:
		return true;
	case OUTCOME_FORWARD:
		if (forward_udp(namespace, message, received->msg_len, &question, &batch.peers[number]) == 0)
			return false;
		*answered = answer_code(message, &question, RCODE_SERVFAIL, out);
		return true;
	case OUTCOME_NOTHING:
		break;
	}
	return false;
}

/* How many may be heard now. */
static unsigned int allowance(struct namespace *namespace)
{
	int64_t now = namespace->resolver->loop.now_ms;

	namespace->tokens += (now - namespace->tokens_ms) * (RATE / 1000);
	namespace->tokens_ms = now;
	if (namespace->tokens > BURST)
		namespace->tokens = BURST;
	return namespace->tokens < UDP_ROUND ? (unsigned int)namespace->tokens : UDP_ROUND;
}

void udp_ready(struct loop *loop, struct source *source, uint32_t events)
{
	struct port *port = containing(source, struct port, source);
	struct namespace *namespace = port->namespace;
	unsigned int most = allowance(namespace), answers = 0;
	int count;

	(void)loop;
	(void)events;
	if (most == 0) {
		port_pause(port, &namespace->resolver->rate_clock);
		return;
	}
	count = receive(source->fd, most);
	for (int i = 0; i < count; i++) {
		size_t length = 0;

		if (hear(namespace, i, batch.answer_bytes[answers], &length))
			put_answer(answers++, i, length);
	}
	namespace->tokens -= count > 0 ? count : 0;
	send_answers(source->fd, answers);
}

void udp_answer(const struct namespace *namespace, const struct sockaddr_in *peer, const uint8_t *message, size_t length)
{
	if (namespace->udp)
		(void)sendto(namespace->udp->source.fd, message, length, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)peer,
			     sizeof(*peer));
}
