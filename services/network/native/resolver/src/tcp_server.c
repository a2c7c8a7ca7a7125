/* SPDX-License-Identifier: Apache-2.0 */
#include "tcp_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"
#include "forward.h"
#include "lookup.h"
#include "wire.h"

#define ACCEPTED_A_ROUND 16
#define QUESTIONS_A_ROUND 32

static uint8_t answer_buffer[ANSWER_TCP_BYTES];

static void release_client(struct source *source)
{
	struct client *client = containing(source, struct client, source);

	free(client->answer);
	free(client);
}

void client_close(struct client *client)
{
	struct namespace *namespace = client->namespace;

	if (client->source.fd < 0)
		return;
	if (client->waiting)
		forward_drop(client->waiting);
	list_remove(&client->in_namespace);
	timer_stop(&client->idle);
	namespace->client_count--;
	namespace->resolver->client_count--;
	source_close(&namespace->resolver->loop, &client->source);
}

static void idle_ended(struct loop *loop, struct timer *timer)
{
	(void)loop;
	client_close(containing(timer, struct client, idle));
}

static struct loop *loop_of(const struct client *client)
{
	return &client->namespace->resolver->loop;
}

static void stay(struct client *client)
{
	timer_start(loop_of(client), &client->namespace->resolver->client_clock, &client->idle);
}

/* -1: the connection has ended. */
static int flush(struct client *client)
{
	while (client->answer) {
		ssize_t n = send(client->source.fd, client->answer + client->answer_sent, client->answer_length - client->answer_sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return -1;
		stay(client);
		client->answer_sent += (size_t)n;
		if (client->answer_sent < client->answer_length)
			continue;
		free(client->answer);
		client->answer = NULL;
	}
	return 0;
}

static int put_answer(struct client *client, const uint8_t *message, size_t length)
{
	client->answer = malloc(TCP_LENGTH_BYTES + length);
	if (!client->answer)
		return -1;
	put_be16(client->answer, (uint16_t)length);
	memcpy(client->answer + TCP_LENGTH_BYTES, message, length);
	client->answer_length = TCP_LENGTH_BYTES + length;
	client->answer_sent = 0;
	return flush(client);
}

/* -1: the connection is of no more use. */
static int hear(struct client *client, const uint8_t *message, size_t length)
{
	struct question question;
	size_t answered = 0;

	switch (lookup(client->namespace, message, length, &question, true, answer_buffer, &answered)) {
	case OUTCOME_ANSWER:
		return put_answer(client, answer_buffer, answered);
	case OUTCOME_FORWARD:
		if (forward_tcp(client->namespace, message, length, &question, client) == 0)
			return 0;
		return put_answer(client, answer_buffer, answer_code(message, &question, RCODE_SERVFAIL, answer_buffer));
	case OUTCOME_NOTHING:
		break;
	}
	return -1;
}

static bool has_question(const struct client *client)
{
	return client->received >= TCP_LENGTH_BYTES && client->received >= TCP_LENGTH_BYTES + (size_t)get_be16(client->question);
}

static bool is_too_long(const struct client *client)
{
	return client->received >= TCP_LENGTH_BYTES && get_be16(client->question) > QUERY_BYTES;
}

/* The whole questions that have come, until one is not answered at once. */
static int hear_all(struct client *client)
{
	for (int heard = 0; heard < QUESTIONS_A_ROUND && !client->answer && !client->waiting && has_question(client); heard++) {
		size_t length = get_be16(client->question);
		size_t whole = TCP_LENGTH_BYTES + length;

		if (hear(client, client->question + TCP_LENGTH_BYTES, length) < 0)
			return -1;
		client->received -= whole;
		memmove(client->question, client->question + whole, client->received);
	}
	return is_too_long(client) ? -1 : 0;
}

/* -1: the connection has ended. */
static int receive(struct client *client)
{
	size_t room = sizeof(client->question) - client->received;
	ssize_t n;

	if (room == 0)
		return 0;
	n = recv(client->source.fd, client->question + client->received, room, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		return -1;
	if (n < 0)
		return 0;
	client->received += (size_t)n;
	stay(client);
	return 0;
}

/*
 * It is not read while it waits for an answer: who does not take answers is not heard. With a question left over from this
 * round it has its turn again in the next one.
 */
static void want(struct client *client)
{
	uint32_t events = client->answer || has_question(client) ? EPOLLOUT : EPOLLIN;

	source_want(loop_of(client), &client->source, client->waiting ? 0 : events);
}

static void client_ready(struct loop *loop, struct source *source, uint32_t events)
{
	struct client *client = containing(source, struct client, source);
	bool reads = events & EPOLLIN && !client->answer && !client->waiting;

	(void)loop;
	if (events & (EPOLLERR | EPOLLHUP) || (reads && receive(client) < 0) || flush(client) < 0 || hear_all(client) < 0)
		client_close(client);
	else
		want(client);
}

void client_answer(struct client *client, const uint8_t *message, size_t length)
{
	client->waiting = NULL;
	stay(client);
	if (put_answer(client, message, length) < 0 || hear_all(client) < 0)
		client_close(client);
	else
		want(client);
}

static void take_client(struct namespace *namespace, int fd)
{
	struct resolver *resolver = namespace->resolver;
	struct client *client = NULL;

	if (namespace->client_count < CLIENTS_PER_NAMESPACE && resolver->client_count < CLIENTS_MAX)
		client = calloc(1, sizeof(*client));
	if (!client) {
		close(fd);
		return;
	}
	client->source = (struct source){ .fd = fd, .ready = client_ready, .release = release_client };
	client->namespace = namespace;
	timer_init(&client->idle, idle_ended);
	if (source_add(&resolver->loop, &client->source, EPOLLIN) < 0) {
		close(fd);
		free(client);
		return;
	}
	list_append(&namespace->clients, &client->in_namespace);
	namespace->client_count++;
	resolver->client_count++;
	stay(client);
}

void tcp_ready(struct loop *loop, struct source *source, uint32_t events)
{
	struct port *port = containing(source, struct port, source);

	(void)loop;
	(void)events;
	for (int i = 0; i < ACCEPTED_A_ROUND; i++) {
		int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			take_client(port->namespace, fd);
			continue;
		}
		/* Who waits would be announced again and again. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			port_pause(port, &port->namespace->resolver->listener_clock);
		return;
	}
}
