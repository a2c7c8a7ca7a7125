/* SPDX-License-Identifier: Apache-2.0
 *
 * caisson-resolver SOCKET BUILD
 *
 * The name server of containers: it answers in every network namespace whose sockets it is handed over SOCKET, until it has
 * none and nobody is connected. Standard error is closed once it listens; what is said there before is why it cannot.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"
#include "control_server.h"
#include "listener.h"
#include "resolver.h"

#define BUILD_BYTES 64

static int complain(const char *what)
{
	dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(errno));
	return 1;
}

/* Descriptors of whoever started it are not its own. */
static int detach(void)
{
	int null;

	(void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -1;
	return chdir("/");
}

int main(int argc, char **argv)
{
	static struct resolver resolver;
	static struct control_server server;
	struct listener listener;
	const char *what;

	if (argc != 3 || strlen(argv[2]) > BUILD_BYTES) {
		dprintf(STDERR_FILENO, "usage: caisson-resolver SOCKET BUILD\n");
		return 2;
	}
	if (detach() < 0)
		return complain("/dev/null");
	if (resolver_init(&resolver) < 0)
		return complain("epoll");
	if (listener_open(argv[1], &listener) < 0)
		return complain(argv[1]);
	if (control_server_start(&server, &resolver, listener.fd, listener.path, argv[2]) < 0)
		return complain("epoll");
	if (confine(&what) < 0)
		return complain(what);
	/* The last word of a start that went well is none. The number is free for a socket: nothing is written to it any more. */
	(void)close(STDERR_FILENO);
	return loop_run(&resolver.loop) < 0 ? 1 : 0;
}
