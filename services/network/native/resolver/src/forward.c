/* SPDX-License-Identifier: Apache-2.0 */
#include "forward.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"
#include "forward_stream.h"
#include "lookup.h"
#include "random.h"
#include "udp_server.h"
#include "wire.h"

#define RECEIVED_A_ROUND 8
#define MESSAGE_BYTES 65535

static uint8_t buffer[MESSAGE_BYTES];

static void ask_next(struct forward *forward);

static uint8_t *message_of(struct forward *forward)
{
	return forward->query + TCP_LENGTH_BYTES;
}

static struct resolver *owner(const struct forward *forward)
{
	return forward->namespace->resolver;
}

/* A socket leaves the loop before the forward ends: it belongs to an attempt. */
static void close_attempt(struct forward *forward)
{
	if (forward->source.fd >= 0)
		close(forward->source.fd);
	forward->source.fd = -1;
}

static void release_forward(struct source *source)
{
	struct forward *forward = containing(source, struct forward, source);

	free(forward->answer);
	free(forward);
}

/* Events of this round may still name it. */
static void end_forward(struct forward *forward)
{
	struct loop *loop = &owner(forward)->loop;

	close_attempt(forward);
	timer_stop(&forward->timer);
	list_remove(&forward->in_namespace);
	forward->namespace->forward_count--;
	owner(forward)->forward_count--;
	forward->source.next_released = loop->released;
	loop->released = &forward->source;
}

void forward_drop(struct forward *forward)
{
	if (forward->client)
		forward->client->waiting = NULL;
	end_forward(forward);
}

/* The forward ends with it. */
static void answer(struct forward *forward, uint8_t *message, size_t length)
{
	struct client *client = forward->client;

	put_be16(message, forward->asked_id);
	if (!client) {
		bool fits = length <= forward->limit;

		udp_answer(forward->namespace, &forward->peer, message, fits ? length : answer_truncate(message, forward->question_end));
		end_forward(forward);
		return;
	}
	if (message != buffer)
		memcpy(buffer, message, length);
	end_forward(forward);
	client_answer(client, buffer, length);
}

static void fail(struct forward *forward)
{
	struct question question;

	owner(forward)->counters.failed++;
	put_be16(message_of(forward), forward->asked_id);
	(void)question_read(message_of(forward), forward->length - TCP_LENGTH_BYTES, &question);
	answer(forward, buffer, answer_code(message_of(forward), &question, RCODE_SERVFAIL, buffer));
}

static int attempts_of(const struct forward *forward)
{
	int count = forward->forwarders.count;

	return count < 2 ? 2 : count < FORWARD_ATTEMPTS ? count : FORWARD_ATTEMPTS;
}

/* Another server may know what this one does not want to say. */
static bool is_refusal(const uint8_t *message)
{
	int code = get_be16(message + 2) & FLAG_RCODE;

	return code == RCODE_SERVFAIL || code == RCODE_NOTIMP || code == RCODE_REFUSED;
}

static void arrived(struct forward *forward, uint8_t *message, size_t length)
{
	if (is_refusal(message) && forward->attempt < forward->forwarders.count && forward->attempt < attempts_of(forward)) {
		ask_next(forward);
		return;
	}
	owner(forward)->counters.forwarded++;
	answer(forward, message, length);
}

static bool matches(struct forward *forward, const uint8_t *message, size_t length)
{
	return forward_matches(message_of(forward), forward->question_end, forward->sent_id, message, length);
}

static void udp_arrives(struct loop *loop, struct source *source, uint32_t events)
{
	struct forward *forward = containing(source, struct forward, source);

	(void)loop;
	(void)events;
	for (int i = 0; i < RECEIVED_A_ROUND; i++) {
		ssize_t n = recv(source->fd, buffer, sizeof(buffer), MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			ask_next(forward);
			return;
		}
		if (matches(forward, buffer, (size_t)n)) {
			arrived(forward, buffer, (size_t)n);
			return;
		}
	}
}

static void tcp_arrives(struct loop *loop, struct source *source, uint32_t events)
{
	struct forward *forward = containing(source, struct forward, source);
	int got;

	(void)loop;
	if (forward->sent < forward->length && stream_send(forward) < 0) {
		ask_next(forward);
		return;
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	got = stream_receive(forward);
	if (got > 0 && matches(forward, forward->answer + TCP_LENGTH_BYTES, get_be16(forward->answer)))
		arrived(forward, forward->answer + TCP_LENGTH_BYTES, get_be16(forward->answer));
	else if (got != 0)
		ask_next(forward);
}

static int connect_udp(struct forward *forward)
{
	ssize_t length = (ssize_t)(forward->length - TCP_LENGTH_BYTES);

	return send(forward->source.fd, message_of(forward), (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL) == length ? 0 : -1;
}

static int begin_attempt(struct forward *forward, const struct forwarder *forwarder)
{
	bool tcp = forward->client;
	int type = (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;

	forward->sent = forward->received = 0;
	if (random_16(&forward->sent_id) < 0)
		return -1;
	put_be16(message_of(forward), forward->sent_id);
	forward->source.fd = socket(forwarder->address.ss_family, type, 0);
	if (forward->source.fd < 0)
		return -1;
	if (connect(forward->source.fd, (const struct sockaddr *)&forwarder->address, forwarder->length) < 0 &&
	    !(tcp && errno == EINPROGRESS))
		return -1;
	if (!tcp && connect_udp(forward) < 0)
		return -1;
	return source_add(&owner(forward)->loop, &forward->source, tcp ? EPOLLOUT : EPOLLIN);
}

/* Asks the next server. -1: all have been asked. */
static int try_next(struct forward *forward)
{
	int attempts = attempts_of(forward);

	close_attempt(forward);
	while (forward->attempt < attempts) {
		const struct forwarder *forwarder = &forward->forwarders.list[forward->attempt % forward->forwarders.count];

		forward->attempt++;
		if (begin_attempt(forward, forwarder) == 0) {
			timer_start(&owner(forward)->loop, &owner(forward)->forward_clock, &forward->timer);
			return 0;
		}
		close_attempt(forward);
	}
	return -1;
}

/* The forward ends when there is no next one. */
static void ask_next(struct forward *forward)
{
	if (try_next(forward) < 0)
		fail(forward);
}

static void attempt_ended(struct loop *loop, struct timer *timer)
{
	(void)loop;
	ask_next(containing(timer, struct forward, timer));
}

static struct forward *create(struct namespace *namespace, const uint8_t *message, size_t length, const struct question *question,
			      const struct forwarders *forwarders)
{
	struct resolver *resolver = namespace->resolver;
	struct forward *forward;

	if (namespace->forward_count >= FORWARDS_PER_NAMESPACE || resolver->forward_count >= FORWARDS_MAX) {
		resolver->counters.refused++;
		return NULL;
	}
	forward = calloc(1, sizeof(*forward) + TCP_LENGTH_BYTES + length);
	if (!forward)
		return NULL;
	forward->source = (struct source){ .fd = -1, .release = release_forward };
	forward->namespace = namespace;
	forward->forwarders = *forwarders;
	forward->asked_id = question->id;
	forward->limit = question->limit;
	forward->question_end = question->end;
	forward->length = TCP_LENGTH_BYTES + length;
	put_be16(forward->query, (uint16_t)length);
	memcpy(message_of(forward), message, length);
	timer_init(&forward->timer, attempt_ended);
	list_append(&namespace->forwards, &forward->in_namespace);
	namespace->forward_count++;
	resolver->forward_count++;
	return forward;
}

/* Whoever asked is answered by the caller when there is nobody to ask. */
static int begin(struct forward *forward)
{
	if (try_next(forward) == 0)
		return 0;
	owner(forward)->counters.failed++;
	forward_drop(forward);
	return -1;
}

int forward_udp(struct namespace *namespace, const uint8_t *message, size_t length, const struct question *question,
		const struct sockaddr_in *peer)
{
	struct forward *forward = create(namespace, message, length, question, lookup_forwarders(namespace));

	if (!forward)
		return -1;
	forward->source.ready = udp_arrives;
	forward->peer = *peer;
	return begin(forward);
}

int forward_tcp(struct namespace *namespace, const uint8_t *message, size_t length, const struct question *question,
		struct client *client)
{
	struct forward *forward = create(namespace, message, length, question, lookup_forwarders(namespace));

	if (!forward)
		return -1;
	forward->source.ready = tcp_arrives;
	forward->client = client;
	client->waiting = forward;
	return begin(forward);
}
