/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "crc32.h"
#include "descriptor.h"
#include "files.h"

#define SOCKET "control.sock"
#define BACKLOG 16

static int open_exit(struct state *state, struct error *err)
{
	static const struct exit_record empty;

	state->exit = openat(state->directory, "exit", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (state->exit < 0)
		return fail(err, STEP_STATE, "make", "exit");
	if (flock(state->exit, LOCK_EX | LOCK_NB) < 0)
		return fail_code(err, STEP_STATE, errno == EWOULDBLOCK ? EBUSY : errno, "lock", "exit");
	if (pwrite(state->exit, &empty, sizeof(empty), 0) != (ssize_t)sizeof(empty) ||
	    ftruncate(state->exit, sizeof(empty)) < 0)
		return fail(err, STEP_STATE, "make", "exit");
	return 0;
}

/* A path of the directory's descriptor, because a socket's path is short. */
static int open_listener(struct state *state, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t at = strlen(strcpy(address.sun_path, "/proc/self/fd/"));

	at += files_format(address.sun_path + at, (uint64_t)state->directory);
	strcpy(address.sun_path + at, "/" SOCKET);
	state->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* The lock on the exit record says that a socket that is there belongs to nobody. */
	if (unlinkat(state->directory, SOCKET, 0) < 0 && errno != ENOENT)
		return fail(err, STEP_STATE, "remove an old", SOCKET);
	if (state->listener < 0 || bind(state->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(state->listener, BACKLOG) < 0)
		return fail(err, STEP_STATE, "listen on", SOCKET);
	return 0;
}

int state_open(struct state *state, int directory, struct error *err)
{
	*state = (struct state){ .directory = directory, .listener = -1, .exit = -1 };
	if (open_exit(state, err) < 0 || open_listener(state, err) < 0)
		return -1;
	return 0;
}

int state_sync(const struct state *state, struct error *err)
{
	autoclose int directory = -1;

	if (state->is_volatile)
		return 0;
	directory = openat(state->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0 || fsync(state->exit) < 0 || fsync(directory) < 0)
		return fail(err, STEP_STATE, "make durable", "exit");
	return 0;
}

int state_record(const struct state *state, struct exit_record *record)
{
	ssize_t n;

	record->magic = EXIT_RECORD_MAGIC;
	record->version = 1;
	record->zero = 0;
	record->crc = crc32(record, offsetof(struct exit_record, crc));
	do
		n = pwrite(state->exit, record, sizeof(*record), 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(*record))
		return -1;
	return state->is_volatile ? 0 : fdatasync(state->exit);
}

void state_close(struct state *state)
{
	if (state->listener >= 0)
		(void)unlinkat(state->directory, SOCKET, 0);
	descriptor_close(&state->listener);
	descriptor_close(&state->exit);
}
