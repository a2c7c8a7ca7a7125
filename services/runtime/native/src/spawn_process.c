/* SPDX-License-Identifier: Apache-2.0
 *
 * A monitor is started by vfork: the service is large, and only page tables of a small process are worth copying. Between
 * vfork and exec the child borrows the service's memory, and does nothing but system calls.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "control.h"
#include "descriptor.h"
#include "kernel.h"
#include "spawn.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010u
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

/* Descriptors are moved above all that the monitor gets before they take their places. */
#define HIGH 32
#define CHILD_MONITOR (MONITOR_FD_INIT + 1)
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* A kernel before 6.3 does not know whether a file in memory may be executed, and refuses to be told. */
static int create_memory(const char *name, unsigned int flags)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

static int seal(int fd, int seals)
{
	if (fcntl(fd, F_ADD_SEALS, seals | F_SEAL_EXEC) == 0)
		return 0;
	return errno == EINVAL ? fcntl(fd, F_ADD_SEALS, seals) : -1;
}

static int copy_file(int from, int to)
{
	struct stat info;
	off_t at = 0;

	if (fstat(from, &info) < 0)
		return -1;
	if (!S_ISREG(info.st_mode)) {
		errno = EACCES;
		return -1;
	}
	while (at < info.st_size) {
		ssize_t n = sendfile(to, from, &at, (size_t)(info.st_size - at));

		if (n < 0 && errno != EINTR)
			return -1;
		if (n == 0) {
			errno = EIO;
			return -1;
		}
	}
	return 0;
}

/* Descriptors given to programs by number are opened for reading again: the memory's own one could write until sealed. */
int spawn_sealed_program(const char *path)
{
	autoclose int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), memory = -1;
	const char *slash = strrchr(path, '/');

	if (file < 0)
		return -errno;
	memory = create_memory(slash ? slash + 1 : path, MFD_EXEC);
	if (memory < 0 || copy_file(file, memory) < 0 || seal(memory, SEALS) < 0)
		return -errno;
	return descriptor_take(&memory);
}

static int plan_memory(const void *plan, size_t size)
{
	autoclose int memory = create_memory("plan", MFD_NOEXEC_SEAL);
	size_t at = 0;

	if (memory < 0)
		return -1;
	while (at < size) {
		ssize_t n = descriptor_write(memory, (const char *)plan + at, size - at);

		if (n < 0)
			return -1;
		at += (size_t)n;
	}
	if (lseek(memory, 0, SEEK_SET) < 0 || seal(memory, SEALS) < 0)
		return -1;
	return descriptor_take(&memory);
}

struct request {
	int monitor;
	int give[MONITOR_FD_INIT + 1]; /* by the number that each gets */
	const sigset_t *ignored;       /* what the service was started with; handlers end with the exec */
	volatile int error;
};

/* Signals that are ignored, which an exec would leave so. Node only sets handlers: it is found out once. */
static const sigset_t *ignored_signals(void)
{
	static sigset_t ignored;
	static bool known;
	struct sigaction action;
	int i;

	if (known)
		return &ignored;
	(void)sigemptyset(&ignored);
	for (i = 1; i < NSIG; i++)
		if (sigaction(i, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			(void)sigaddset(&ignored, i);
	known = true;
	return &ignored;
}

/* In the child, up to the exec. Returns errno when it fails. */
static int become_monitor(struct request *request)
{
	static char *const argv[] = { (char *)"caisson-monitor", NULL };
	static char *const envp[] = { NULL };
	struct sigaction by_default = { .sa_handler = SIG_DFL };
	int high[MONITOR_FD_INIT + 1], monitor, i;

	for (i = 1; i < NSIG; i++)
		if (sigismember(request->ignored, i) == 1)
			(void)sigaction(i, &by_default, NULL);
	monitor = fcntl(request->monitor, F_DUPFD_CLOEXEC, HIGH);
	if (monitor < 0)
		return errno;
	for (i = 0; i <= MONITOR_FD_INIT; i++) {
		high[i] = fcntl(request->give[i], F_DUPFD_CLOEXEC, HIGH);
		if (high[i] < 0)
			return errno;
	}
	for (i = 0; i <= MONITOR_FD_INIT; i++)
		if (dup2(high[i], i) < 0)
			return errno;
	if (dup3(monitor, CHILD_MONITOR, O_CLOEXEC) < 0 || kernel_close_range(CHILD_MONITOR + 1, ~0u, 0) < 0 ||
	    setsid() < 0 || chdir("/") < 0)
		return errno;
	(void)syscall(SYS_execveat, CHILD_MONITOR, "", argv, envp, AT_EMPTY_PATH);
	return errno;
}

static pid_t vfork_monitor(struct request *request)
{
	pid_t pid = vfork();

	if (pid == 0) {
		request->error = become_monitor(request);
		_exit(127);
	}
	return pid;
}

static int start(struct request *request, pid_t *pid)
{
	sigset_t all, before;
	siginfo_t info;

	/* A handler of the service must not run in the child, on the memory that both have. The monitor sets its own mask. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	*pid = vfork_monitor(request);
	if (*pid < 0)
		request->error = errno;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!request->error)
		return 0;
	if (*pid > 0)
		(void)waitid(P_PID, (id_t)*pid, &info, WEXITED);
	errno = request->error;
	return -1;
}

int spawn_monitor(int monitor, int init, const void *plan, size_t size, int state, struct spawned *spawned)
{
	autoclose int null = open("/dev/null", O_RDWR | O_CLOEXEC), memory = plan_memory(plan, size);
	autoclose int ours = -1, theirs = -1;
	struct request request = { .monitor = monitor, .ignored = ignored_signals() };
	int ends[2];

	if (null < 0 || memory < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	ours = ends[0];
	theirs = ends[1];
	request.give[0] = request.give[1] = request.give[2] = null;
	request.give[MONITOR_FD_CONTROL] = theirs;
	request.give[MONITOR_FD_PLAN] = memory;
	request.give[MONITOR_FD_STATE] = state;
	request.give[MONITOR_FD_INIT] = init < 0 ? null : init;
	if (start(&request, &spawned->pid) < 0)
		return -errno;
	/* It is not reaped before this service does it: the pid is its own. */
	spawned->pidfd = kernel_pidfd_open(spawned->pid);
	if (spawned->pidfd < 0)
		return -errno;
	spawned->control = descriptor_take(&ours);
	return 0;
}
