/* SPDX-License-Identifier: Apache-2.0
 *
 * The sender against sockets that read, wait, and hang up.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sender.h"

#define FILE_BYTES (5 << 20)
#define MANY 32

static int plan, failed;
static unsigned char content[FILE_BYTES];

struct sending {
	struct transfer transfer;
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool is_over;
	int client;
};

static void check(bool holds, const char *what)
{
	plan++;
	failed += !holds;
	printf("%sok %d - %s\n", holds ? "" : "not ", plan, what);
}

static void done(struct transfer *transfer)
{
	struct sending *sending = (struct sending *)transfer;

	pthread_mutex_lock(&sending->lock);
	sending->is_over = true;
	pthread_cond_signal(&sending->over);
	pthread_mutex_unlock(&sending->lock);
}

static int content_file(void)
{
	int file = memfd_create("content", MFD_CLOEXEC);

	if (file < 0 || write(file, content, sizeof(content)) != (ssize_t)sizeof(content))
		abort();
	return file;
}

static void unix_pair(int pair[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
}

static void tcp_pair(int pair[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(address);

	pair[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0 ||
	    connect(pair[1], (struct sockaddr *)&address, length) < 0)
		abort();
	pair[0] = accept(listener, NULL, NULL);
	close(listener);
}

static struct sending *begin_on(void (*connected)(int pair[2]), off_t offset, uint64_t length, int idle_ms)
{
	struct sending *sending = calloc(1, sizeof(*sending));
	int pair[2];

	connected(pair);
	if (!sending || fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0)
		abort();
	pthread_mutex_init(&sending->lock, NULL);
	pthread_cond_init(&sending->over, NULL);
	sending->client = pair[1];
	sending->transfer = (struct transfer){
		.socket = pair[0], .file = content_file(), .offset = offset, .left = length, .idle_ms = idle_ms, .done = done
	};
	if (sender_begin(&sending->transfer) != 0)
		abort();
	return sending;
}

static struct sending *begin(off_t offset, uint64_t length, int idle_ms)
{
	return begin_on(unix_pair, offset, length, idle_ms);
}

/* How it ended: 0, or an errno. */
static int ending(struct sending *sending)
{
	int error;

	pthread_mutex_lock(&sending->lock);
	while (!sending->is_over)
		pthread_cond_wait(&sending->over, &sending->lock);
	error = sending->transfer.error;
	pthread_mutex_unlock(&sending->lock);
	close(sending->client);
	pthread_cond_destroy(&sending->over);
	pthread_mutex_destroy(&sending->lock);
	free(sending);
	return error;
}

/* Reads until nothing comes any more; whether it was what the file has there. */
static bool reads(int client, off_t offset, size_t length)
{
	static unsigned char buffer[64 << 10];
	size_t at = 0;
	ssize_t count;

	while ((count = read(client, buffer, sizeof(buffer))) > 0) {
		if (at + (size_t)count > length || memcmp(buffer, content + offset + at, (size_t)count) != 0)
			return false;
		at += (size_t)count;
	}
	return count == 0 && at == length;
}

static void whole_and_parts(void)
{
	struct sending *whole = begin(0, FILE_BYTES, 10000);
	struct sending *part = begin(12345, 1 << 20, 10000);
	struct sending *nothing = begin(0, 0, 10000);

	check(reads(part->client, 12345, 1 << 20), "sends a part");
	check(reads(whole->client, 0, FILE_BYTES), "sends a whole file");
	check(reads(nothing->client, 0, 0), "sends nothing");
	check(ending(whole) == 0 && ending(part) == 0 && ending(nothing) == 0, "says that it went well");
}

/* To the loopback bytes are copied, to others they go by sendfile. */
static void near(void)
{
	struct sending *whole = begin_on(tcp_pair, 0, FILE_BYTES, 10000);
	struct sending *part = begin_on(tcp_pair, 12345, 1 << 20, 10000);
	struct sending *shorter = begin_on(tcp_pair, FILE_BYTES - 100, 200, 10000);

	check(reads(part->client, 12345, 1 << 20), "sends a part to this machine");
	check(reads(whole->client, 0, FILE_BYTES), "sends a whole file to this machine");
	check(ending(whole) == 0 && ending(part) == 0, "says that it went well there");
	check(reads(shorter->client, FILE_BYTES - 100, 100) && ending(shorter) == EIO, "tells this machine of a file that is too short");
}

static void many(void)
{
	struct sending *all[MANY];
	bool good = true;

	for (int i = 0; i < MANY; i++)
		all[i] = begin(i, 2 << 20, 10000);
	for (int i = MANY - 1; i >= 0; i--)
		good &= reads(all[i]->client, i, 2 << 20);
	for (int i = 0; i < MANY; i++)
		good &= ending(all[i]) == 0;
	check(good, "sends to many, some of which wait");
}

static void failures(void)
{
	struct sending *idle = begin(0, FILE_BYTES, 100);
	struct sending *gone = begin(0, FILE_BYTES, 10000);
	struct sending *shorter = begin(FILE_BYTES - 100, 200, 10000);
	int error;

	shutdown(gone->client, SHUT_RDWR);
	error = ending(gone);
	check(error == EPIPE || error == ECONNRESET, "tells of a client that hung up");
	check(reads(shorter->client, FILE_BYTES - 100, 100) && ending(shorter) == EIO, "tells of a file that is too short");
	check(ending(idle) == ETIMEDOUT, "gives a client up that does not read");
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (unsigned char)(i * 2654435761u >> 13);
	whole_and_parts();
	near();
	many();
	failures();
	printf("1..%d\n", plan);
	return failed ? 1 : 0;
}
