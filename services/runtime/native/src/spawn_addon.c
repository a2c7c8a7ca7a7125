/* SPDX-License-Identifier: Apache-2.0
 *
 * spawn.node: what src/native/spawn.ts declares, name for name and in its order.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "descriptor.h"
#include "kernel.h"
#include "spawn.h"

#define MAX_FD INT32_MAX
#define MAX_READ (64 << 20)

/* ioctl PIDFD_GET_INFO of kernel 6.13, with the exit status of 6.15. */
#define INFO_EXIT (1ULL << 3)

struct exit_info {
	uint64_t mask;
	uint64_t cgroup;
	uint32_t pid, tgid, ppid;
	uint32_t ids[8];
	int32_t exit_code;
};

#define GET_INFO _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, sizeof(struct exit_info))

static int fd_argument(napi_env env, napi_value value, const char *name, int64_t least, int *fd)
{
	int64_t number;

	if (spawn_integer(env, value, name, least, MAX_FD, &number) < 0)
		return -1;
	*fd = (int)number;
	return 0;
}

static napi_value undefined(napi_env env)
{
	napi_value value = NULL;

	(void)napi_get_undefined(env, &value);
	return value;
}

static napi_value null(napi_env env)
{
	napi_value value = NULL;

	(void)napi_get_null(env, &value);
	return value;
}

static void set(napi_env env, napi_value object, const char *key, napi_value value)
{
	(void)napi_set_named_property(env, object, key, value);
}

static napi_value sealed_program(napi_env env, napi_callback_info info)
{
	char path[SPAWN_PATH_BYTES];
	napi_value argument;
	int fd;

	if (spawn_arguments(env, info, &argument, 1) < 0 || spawn_path(env, argument, "path", path) < 0)
		return NULL;
	fd = spawn_sealed_program(path);
	return fd < 0 ? spawn_throw(env, -fd, "memfd_create") : spawn_number(env, fd);
}

static napi_value member(napi_env env, napi_value object, const char *key)
{
	napi_value value = NULL;

	return napi_get_named_property(env, object, key, &value) == napi_ok ? value : undefined(env);
}

/* The bytes of a Uint8Array. */
static int bytes_argument(napi_env env, napi_value value, void **data, size_t *size)
{
	napi_typedarray_type type;
	bool is_array = false;

	if (napi_is_typedarray(env, value, &is_array) == napi_ok && is_array &&
	    napi_get_typedarray_info(env, value, &type, size, data, NULL, NULL) == napi_ok && type == napi_uint8_array)
		return 0;
	(void)napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "plan must be a Uint8Array");
	return -1;
}

static napi_value spawn_one(napi_env env, napi_callback_info info)
{
	struct spawned spawned;
	napi_value options, result;
	int monitor, init, state, error;
	void *plan;
	size_t size;

	if (spawn_arguments(env, info, &options, 1) < 0 ||
	    fd_argument(env, member(env, options, "monitor"), "monitor", 0, &monitor) < 0 ||
	    fd_argument(env, member(env, options, "init"), "init", -1, &init) < 0 ||
	    bytes_argument(env, member(env, options, "plan"), &plan, &size) < 0 ||
	    fd_argument(env, member(env, options, "state"), "state", 0, &state) < 0)
		return NULL;
	error = spawn_monitor(monitor, init, plan, size, state, &spawned);
	if (error < 0)
		return spawn_throw(env, -error, "vfork");
	if (napi_create_object(env, &result) != napi_ok)
		return NULL;
	set(env, result, "pid", spawn_number(env, spawned.pid));
	set(env, result, "pidfd", spawn_number(env, spawned.pidfd));
	set(env, result, "control", spawn_number(env, spawned.control));
	return result;
}

static napi_value wait_child(napi_env env, napi_callback_info info)
{
	siginfo_t status = { 0 };
	napi_value argument;
	int pidfd;

	if (spawn_arguments(env, info, &argument, 1) < 0 || fd_argument(env, argument, "pidfd", 0, &pidfd) < 0)
		return NULL;
	if (waitid(WAIT_PIDFD, (id_t)pidfd, &status, WEXITED | WNOHANG) < 0)
		return spawn_throw(env, errno, "waitid");
	if (status.si_pid == 0)
		return null(env);
	return spawn_number(env, status.si_code == CLD_EXITED ? status.si_status : 128 + status.si_status);
}

static napi_value open_directory(napi_env env, napi_callback_info info)
{
	char path[SPAWN_PATH_BYTES];
	napi_value argument;
	int fd;

	if (spawn_arguments(env, info, &argument, 1) < 0 || spawn_path(env, argument, "path", path) < 0)
		return NULL;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? spawn_throw(env, errno, "open") : spawn_number(env, fd);
}

static napi_value close_fd(napi_env env, napi_callback_info info)
{
	napi_value argument;
	int fd;

	if (spawn_arguments(env, info, &argument, 1) < 0 || fd_argument(env, argument, "fd", 0, &fd) < 0)
		return NULL;
	return close(fd) < 0 ? spawn_throw(env, errno, "close") : undefined(env);
}

static napi_value flock_exclusive(napi_env env, napi_callback_info info)
{
	napi_value argument, result = NULL;
	bool locked;
	int fd;

	if (spawn_arguments(env, info, &argument, 1) < 0 || fd_argument(env, argument, "fd", 0, &fd) < 0)
		return NULL;
	locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
	if (!locked && errno != EWOULDBLOCK)
		return spawn_throw(env, errno, "flock");
	(void)napi_get_boolean(env, locked, &result);
	return result;
}

static napi_value pidfd_open_pid(napi_env env, napi_callback_info info)
{
	napi_value argument;
	int64_t pid;
	int fd;

	if (spawn_arguments(env, info, &argument, 1) < 0 || spawn_integer(env, argument, "pid", 1, INT32_MAX, &pid) < 0)
		return NULL;
	fd = kernel_pidfd_open((pid_t)pid);
	return fd < 0 ? spawn_throw(env, errno, "pidfd_open") : spawn_number(env, fd);
}

static napi_value pidfd_send_signal_number(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	int64_t number;
	int pidfd;

	if (spawn_arguments(env, info, arguments, 2) < 0 || fd_argument(env, arguments[0], "pidfd", 0, &pidfd) < 0 ||
	    spawn_integer(env, arguments[1], "signal", 0, 64, &number) < 0)
		return NULL;
	if (kernel_pidfd_send_signal(pidfd, (int)number) < 0)
		return spawn_throw(env, errno, "pidfd_send_signal");
	return undefined(env);
}

static napi_value pidfd_exit(napi_env env, napi_callback_info info)
{
	struct exit_info exit_info = { .mask = INFO_EXIT };
	napi_value argument;
	int pidfd;

	if (spawn_arguments(env, info, &argument, 1) < 0 || fd_argument(env, argument, "pidfd", 0, &pidfd) < 0)
		return NULL;
	/* Not known to the kernel, not ended, ended and not reaped yet: all of these are "cannot say". */
	if (ioctl(pidfd, GET_INFO, &exit_info) < 0 || !(exit_info.mask & INFO_EXIT))
		return null(env);
	return spawn_number(env, exit_info.exit_code);
}

/* Opens a regular file inside a root. -1 and errno. */
static int open_in_root(const char *root_path, const char *path)
{
	autoclose int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	struct stat info;

	if (root < 0)
		return -1;
	fd = kernel_openat2(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	if (fd < 0 || fstat(fd, &info) < 0)
		return -1;
	if (!S_ISREG(info.st_mode)) {
		errno = S_ISDIR(info.st_mode) ? EISDIR : EINVAL;
		return -1;
	}
	return descriptor_take(&fd);
}

/* Reads a whole file of at most `most` bytes. Number of bytes, or -1 and errno (EFBIG). */
static ssize_t read_whole(int fd, char *buffer, size_t most)
{
	size_t at = 0;

	while (at <= most) {
		ssize_t n = descriptor_read(fd, buffer + at, most + 1 - at);

		if (n < 0)
			return -1;
		if (n == 0)
			return (ssize_t)at;
		at += (size_t)n;
	}
	errno = EFBIG;
	return -1;
}

static napi_value read_file_in_root(napi_env env, napi_callback_info info)
{
	char root[SPAWN_PATH_BYTES], path[SPAWN_PATH_BYTES], *buffer;
	napi_value arguments[3], result = NULL;
	autoclose int fd = -1;
	int64_t most;
	ssize_t size;

	if (spawn_arguments(env, info, arguments, 3) < 0 || spawn_path(env, arguments[0], "root", root) < 0 ||
	    spawn_path(env, arguments[1], "path", path) < 0 ||
	    spawn_integer(env, arguments[2], "maxBytes", 0, MAX_READ, &most) < 0)
		return NULL;
	fd = open_in_root(root, path);
	if (fd < 0)
		return spawn_throw(env, errno, "openat2");
	buffer = malloc((size_t)most + 1);
	size = buffer ? read_whole(fd, buffer, (size_t)most) : -1;
	if (size < 0)
		(void)spawn_throw(env, errno, "read");
	else
		(void)napi_create_buffer_copy(env, (size_t)size, buffer, NULL, &result);
	free(buffer);
	return result;
}

static int reconfigure(const char *path, const char *flag)
{
	autoclose int fs = (int)syscall(SYS_fspick, AT_FDCWD, path, FSPICK_CLOEXEC);

	if (fs < 0 || kernel_fsconfig(fs, FSCONFIG_SET_FLAG, flag, NULL, 0) < 0)
		return -1;
	return kernel_fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
}

static napi_value favor_cgroup_moves(napi_env env, napi_callback_info info)
{
	char path[SPAWN_PATH_BYTES];
	napi_value argument;

	if (spawn_arguments(env, info, &argument, 1) < 0 || spawn_path(env, argument, "path", path) < 0)
		return NULL;
	return reconfigure(path, "favordynmods") < 0 ? spawn_throw(env, errno, "fsconfig") : undefined(env);
}

static const struct {
	const char *name;
	napi_callback function;
} functions[] = {
	{ "sealedProgram", sealed_program },
	{ "spawnMonitor", spawn_one },
	{ "waitChild", wait_child },
	{ "openDirectory", open_directory },
	{ "closeFd", close_fd },
	{ "flockExclusive", flock_exclusive },
	{ "pidfdOpen", pidfd_open_pid },
	{ "pidfdSendSignal", pidfd_send_signal_number },
	{ "pidfdExit", pidfd_exit },
	{ "readFileInRoot", read_file_in_root },
	{ "favorCgroupMoves", favor_cgroup_moves },
};

NAPI_MODULE_INIT()
{
	size_t i;

	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		napi_value function;

		if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function) !=
		    napi_ok)
			return NULL;
		set(env, exports, functions[i].name, function);
	}
	return exports;
}
