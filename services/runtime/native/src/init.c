/* SPDX-License-Identifier: Apache-2.0
 *
 * caisson-init: pid 1 of a container that asked for one. Its arguments are the number of a socket to report on (sync.h)
 * and the program with its arguments, which it runs as its child. It forwards signals to the child, reaps what nobody
 * else does, and ends as the child ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec_search.h"
#include "sync.h"

extern char **environ;

static _Noreturn void run(char **argv, int sync, const sigset_t *before)
{
	struct error err;

	/* On a terminal the program's process group is the one that reads, and that Ctrl-C goes to. */
	if (isatty(STDIN_FILENO)) {
		(void)setpgid(0, 0);
		(void)tcsetpgrp(STDIN_FILENO, getpid());
	}
	(void)sigprocmask(SIG_SETMASK, before, NULL);
	errno = exec_search(argv, environ);
	(void)fail(&err, STEP_EXEC, "execute", argv[0]);
	sync_send_error(sync, &err);
	_exit(errno == ENOENT ? 127 : 126);
}

/* Reaps all that ended. True when the child did. */
static int reap(pid_t child, int *code)
{
	int status, ended = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != child)
			continue;
		*code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		ended = 1;
	}
	return ended;
}

int main(int argc, char **argv)
{
	sigset_t all, before;
	int sync, code = 0;
	pid_t child;

	if (argc < 3)
		return 125;
	/* Until the program runs there is nobody here to hide the socket from, but for those who may trace. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_NAME, "caisson-init", 0, 0, 0);
	sync = atoi(argv[1]);
	(void)fcntl(sync, F_SETFD, FD_CLOEXEC);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	child = fork();
	if (child == 0)
		run(argv + 2, sync, &before);
	if (child < 0) {
		struct error err;

		(void)fail(&err, STEP_EXEC, "make a process for", argv[2]);
		sync_send_error(sync, &err);
		return 125;
	}
	(void)close(sync);
	for (;;) {
		siginfo_t info;
		int signal = sigwaitinfo(&all, &info);

		if (signal == SIGCHLD && reap(child, &code))
			return code;
		if (signal > 0 && signal != SIGCHLD)
			(void)kill(child, signal);
	}
}
