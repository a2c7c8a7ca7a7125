/* SPDX-License-Identifier: Apache-2.0 */
#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 32

/* It has its place only once it can be connected to: until then whoever listens there does. */
int listener_open(const char *path, struct listener *listener)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s.new", path);

	if (length < 0 || (size_t)length >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0 || (unlink(address.sun_path) < 0 && errno != ENOENT))
		return -1;
	(void)umask(0177);
	if (bind(listener->fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener->fd, BACKLOG) < 0)
		return -1;
	listener->path = open(address.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return listener->path < 0 ? -1 : rename(address.sun_path, path);
}
