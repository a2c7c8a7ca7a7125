/* SPDX-License-Identifier: Apache-2.0 */
#include "control_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire.h"

struct connection {
	struct source source;
	struct link in_server;
	struct control_server *server;
	uint8_t *received;
	size_t length;
	size_t capacity;
	uint8_t *replies;
	size_t reply_length;
	size_t reply_capacity;
	int fds[CONTROL_FDS]; /* came with what was received last; -1: none */
};

static void close_descriptors(struct connection *connection)
{
	for (int i = 0; i < CONTROL_FDS; i++) {
		if (connection->fds[i] >= 0)
			close(connection->fds[i]);
		connection->fds[i] = -1;
	}
}

static void release_connection(struct source *source)
{
	struct connection *connection = containing(source, struct connection, source);

	free(connection->received);
	free(connection->replies);
	free(connection);
}

static void close_connection(struct connection *connection)
{
	struct control_server *server = connection->server;

	if (connection->source.fd < 0)
		return;
	if (server->leader == connection)
		server->leader = NULL;
	close_descriptors(connection);
	list_remove(&connection->in_server);
	server->connection_count--;
	server->idle_watches = 0;
	if (server->connection_count == 0)
		timer_start(&server->resolver->loop, &server->watch_clock, &server->watch);
	source_close(&server->resolver->loop, &connection->source);
}

/* Room for `count` more bytes. */
static int reserve(uint8_t **data, size_t length, size_t *capacity, size_t count)
{
	size_t wanted = *capacity ? *capacity : 1024;
	uint8_t *grown;

	while (wanted - length < count)
		wanted *= 2;
	if (wanted == *capacity)
		return 0;
	grown = realloc(*data, wanted);
	if (!grown)
		return -1;
	*data = grown;
	*capacity = wanted;
	return 0;
}

static int put_reply(struct connection *connection, const struct control_reply *reply)
{
	if (connection->reply_length + reply->length > CONTROL_REPLIES_MAX ||
	    reserve(&connection->replies, connection->reply_length, &connection->reply_capacity, reply->length) < 0)
		return -1;
	memcpy(connection->replies + connection->reply_length, reply->bytes, reply->length);
	connection->reply_length += reply->length;
	return 0;
}

static int flush(struct connection *connection)
{
	ssize_t n;

	if (connection->reply_length == 0)
		return 0;
	n = send(connection->source.fd, connection->replies, connection->reply_length, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN)
		return -1;
	if (n > 0) {
		connection->reply_length -= (size_t)n;
		memmove(connection->replies, connection->replies + n, connection->reply_length);
	}
	return 0;
}

static void lead(struct connection *connection)
{
	struct control_server *server = connection->server;

	if (server->leader && server->leader != connection)
		close_connection(server->leader);
	server->leader = connection;
}

static int apply(struct connection *connection, const uint8_t *frame, size_t length)
{
	struct control_server *server = connection->server;
	struct control_reply reply;

	if (control_apply(server->resolver, frame, length, connection->fds, server->build, &reply) < 0)
		return -1;
	if (reply.leads)
		lead(connection);
	return put_reply(connection, &reply);
}

/* The whole frames among what was received. */
static int apply_all(struct connection *connection)
{
	size_t at = 0;

	while (connection->length - at >= 4) {
		size_t length = get_le32(connection->received + at);

		if (length == 0 || length > CONTROL_FRAME_BYTES)
			return -1;
		if (connection->length - at - 4 < length)
			break;
		if (apply(connection, connection->received + at + 4, length) < 0)
			return -1;
		at += 4 + length;
	}
	if (at > 0) {
		connection->length -= at;
		memmove(connection->received, connection->received + at, connection->length);
	}
	return 0;
}

static void keep_descriptors(struct connection *connection, struct msghdr *message)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		close_descriptors(connection);
		/* There was no room for more. */
		memcpy(connection->fds, CMSG_DATA(header), (count < CONTROL_FDS ? count : CONTROL_FDS) * sizeof(int));
	}
}

/* -1: the connection has ended. */
static int receive(struct connection *connection)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(CONTROL_FDS * sizeof(int))];
	} control;
	struct iovec part;
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control) };
	ssize_t n;

	if (reserve(&connection->received, connection->length, &connection->capacity, CONTROL_ROUND_BYTES) < 0)
		return -1;
	part = (struct iovec){ connection->received + connection->length, CONTROL_ROUND_BYTES };
	n = recvmsg(connection->source.fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return -1;
	keep_descriptors(connection, &message);
	connection->length += (size_t)n;
	return 0;
}

static void connection_ready(struct loop *loop, struct source *source, uint32_t events)
{
	struct connection *connection = containing(source, struct connection, source);

	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR) && receive(connection) < 0) || apply_all(connection) < 0 ||
	    flush(connection) < 0)
		close_connection(connection);
	else
		source_want(loop, source, EPOLLIN | (connection->reply_length ? EPOLLOUT : 0));
}

void control_server_take(struct control_server *server, int fd)
{
	struct connection *connection = NULL;

	if (server->connection_count < CONTROL_CONNECTIONS_MAX)
		connection = calloc(1, sizeof(*connection));
	if (!connection) {
		close(fd);
		return;
	}
	connection->source = (struct source){ .fd = fd, .ready = connection_ready, .release = release_connection };
	connection->server = server;
	for (int i = 0; i < CONTROL_FDS; i++)
		connection->fds[i] = -1;
	if (source_add(&server->resolver->loop, &connection->source, EPOLLIN) < 0) {
		close(fd);
		free(connection);
		return;
	}
	list_append(&server->connections, &connection->in_server);
	server->connection_count++;
	timer_stop(&server->watch);
}

static void listener_ready(struct loop *loop, struct source *source, uint32_t events)
{
	int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)loop;
	(void)events;
	if (fd >= 0)
		control_server_take(containing(source, struct control_server, source), fd);
}

/* Nobody can find it any more: another has its place, or the engine's files are gone. */
static bool is_lost(const struct control_server *server)
{
	struct stat status;

	return fstat(server->path, &status) == 0 && status.st_nlink == 0;
}

/* One that was only declared has nobody who asks. */
static bool is_empty(const struct resolver *resolver)
{
	for (const struct link *each = resolver->namespaces.next; each != &resolver->namespaces; each = each->next)
		if (containing(each, const struct namespace, in_resolver)->udp)
			return false;
	return true;
}

/* Runs while nobody is connected. */
static void watch(struct loop *loop, struct timer *timer)
{
	struct control_server *server = containing(timer, struct control_server, watch);
	bool empty = is_empty(server->resolver);

	server->idle_watches = empty || is_lost(server) ? server->idle_watches + 1 : 0;
	if (server->idle_watches >= (empty ? CONTROL_IDLE_WATCHES : CONTROL_LOST_WATCHES))
		loop->stopped = true;
	timer_start(loop, &server->watch_clock, &server->watch);
}

int control_server_start(struct control_server *server, struct resolver *resolver, int listener, int path, const char *build)
{
	*server = (struct control_server){
		.source = { .fd = listener, .ready = listener_ready },
		.resolver = resolver,
		.build = build,
		.path = path,
	};
	list_init(&server->connections);
	clock_init(&resolver->loop, &server->watch_clock, CONTROL_WATCH_MS);
	timer_init(&server->watch, watch);
	timer_start(&resolver->loop, &server->watch_clock, &server->watch);
	return listener < 0 ? 0 : source_add(&resolver->loop, &server->source, EPOLLIN);
}
