/* SPDX-License-Identifier: Apache-2.0 */
#include "standard.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>

#include "descriptor.h"
#include "kernel.h"
#include "root.h"

#define DEFAULT_ROWS 24
#define DEFAULT_COLUMNS 80

/* The container's null device, or the one that the monitor was started with when the container has none. */
static int open_null(int root)
{
	autoclose int checked = root_open_null(root);
	int fd = checked < 0 ? -1 : root_open(root, "/dev/null", O_RDWR | O_NOCTTY);
	struct stat info;

	if (fd >= 0 && fstat(fd, &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3))
		return fd;
	descriptor_close(&fd);
	return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
}

static int make_pipe(int *own, int *peer, bool input)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	*own = ends[input ? 0 : 1];
	*peer = ends[input ? 1 : 0];
	return 0;
}

static int make_pipes(uint32_t flags, bool logged, int root, struct stdio *stdio, struct error *err)
{
	int i;

	for (i = 1; i < 3 && logged; i++)
		if (make_pipe(&stdio->own[i], &stdio->peer[stdio->peers++], false) < 0)
			return fail(err, STEP_STDIO, "make a pipe", NULL);
	if (logged)
		stdio->has |= STDIO_HAS_OUTPUT;
	if (flags & PLAN_STDIO_STDIN) {
		stdio->has |= STDIO_HAS_INPUT;
		if (make_pipe(&stdio->own[0], &stdio->peer[stdio->peers++], true) < 0)
			return fail(err, STEP_STDIO, "make a pipe", NULL);
	}
	for (i = 0; i < 3; i++) {
		if (stdio->own[i] < 0)
			stdio->own[i] = open_null(root);
		if (stdio->own[i] < 0)
			return fail(err, STEP_STDIO, "open", "/dev/null");
	}
	return 0;
}

/* The multiplexer of the container's own devpts: found by path, believed by what it is. */
static int open_multiplexer(int root)
{
	autoclose int fd = root_open(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
	struct statfs fs;
	struct stat info;

	if (fd < 0 || fstat(fd, &info) < 0 || fstatfs(fd, &fs) < 0)
		return -1;
	if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(5, 2) || fs.f_type != DEVPTS_SUPER_MAGIC) {
		errno = EXDEV;
		return -1;
	}
	return descriptor_take(&fd);
}

static void set_size(const struct record *record, int master)
{
	struct winsize size = { .ws_row = DEFAULT_ROWS, .ws_col = DEFAULT_COLUMNS };

	if (record_u16(record, 4) && record_u16(record, 6)) {
		size.ws_row = record_u16(record, 4);
		size.ws_col = record_u16(record, 6);
	}
	(void)ioctl(master, TIOCSWINSZ, &size);
}

/* The slave's own mount over /dev/console, from its descriptor: no name under /dev/pts is looked at. */
static int place_console(int root, int slave, struct error *err)
{
	autoclose int copy = kernel_open_tree(slave, "", OPEN_TREE_CLONE | AT_EMPTY_PATH), target = -1;

	if (copy < 0)
		return fail(err, STEP_STDIO, "copy the terminal", NULL);
	target = root_make(root, "/dev/console", true);
	if (target < 0 || kernel_move_mount(copy, target) < 0)
		return root_fail(err, STEP_STDIO, "mount", "/dev/console");
	return 0;
}

static int make_terminal(const struct record *record, int root, bool console, struct stdio *stdio, struct error *err)
{
	int unlocked = 0, slave, i;

	stdio->peer[0] = open_multiplexer(root);
	stdio->peers = 1;
	if (stdio->peer[0] < 0)
		return errno == EXDEV ? fail(err, STEP_UNSAFE, "not a terminal multiplexer:", "/dev/pts/ptmx") :
					root_fail(err, STEP_STDIO, "open", "/dev/pts/ptmx");
	if (ioctl(stdio->peer[0], TIOCSPTLCK, &unlocked) < 0)
		return fail(err, STEP_STDIO, "unlock the terminal", NULL);
	slave = ioctl(stdio->peer[0], TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return fail(err, STEP_STDIO, "open the terminal", NULL);
	stdio->own[0] = stdio->peer[1] = slave;
	stdio->peers = 2;
	stdio->has = STDIO_HAS_TERMINAL | (record_u32(record, 0) & PLAN_STDIO_STDIN ? STDIO_HAS_INPUT : 0);
	set_size(record, stdio->peer[0]);
	for (i = 1; i < 3; i++) {
		stdio->own[i] = fcntl(slave, F_DUPFD_CLOEXEC, 3);
		if (stdio->own[i] < 0)
			return fail(err, STEP_STDIO, "copy the terminal", NULL);
	}
	return console ? place_console(root, slave, err) : 0;
}

int stdio_make(const struct plan *plan, int root, bool console, struct stdio *stdio, struct error *err)
{
	struct record record, log;
	uint32_t flags = plan_find(plan, PLAN_STDIO, &record) ? record_u32(&record, 0) : 0;

	*stdio = (struct stdio){ .own = { -1, -1, -1 }, .peer = { -1, -1, -1 } };
	if (flags & PLAN_STDIO_TTY)
		return make_terminal(&record, root, console, stdio, err);
	return make_pipes(flags, plan_find(plan, PLAN_LOG, &log), root, stdio, err);
}

int stdio_own(const struct stdio *stdio, const struct user *user, struct error *err)
{
	int i;

	if (stdio->has & STDIO_HAS_TERMINAL) {
		if (fchown(stdio->own[0], user->uid, (gid_t)-1) < 0)
			return fail(err, STEP_STDIO, "give the terminal to the user", NULL);
		return 0;
	}
	for (i = 0; i < 3; i++) {
		if (!(stdio->has & (i ? STDIO_HAS_OUTPUT : STDIO_HAS_INPUT)))
			continue;
		if (fchown(stdio->own[i], user->uid, user->gid) < 0)
			return fail(err, STEP_STDIO, "give a pipe to the user", NULL);
	}
	return 0;
}

int stdio_install(const struct stdio *stdio, struct error *err)
{
	int i;

	if (stdio->has & STDIO_HAS_TERMINAL && ioctl(stdio->own[0], TIOCSCTTY, 0) < 0)
		return fail(err, STEP_STDIO, "control the terminal", NULL);
	for (i = 0; i < 3; i++)
		if (dup2(stdio->own[i], i) < 0)
			return fail(err, STEP_STDIO, "set a standard descriptor", NULL);
	return 0;
}
