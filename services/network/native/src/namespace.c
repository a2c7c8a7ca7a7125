/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "cleanup.h"
#include "thread.h"

struct task {
	int (*work)(void *argument, struct error *err);
	void *argument;
	struct error error;
	int result;
};

static void *run_task(void *argument)
{
	struct task *task = argument;

	task->result = task->work(task->argument, &task->error);
	return NULL;
}

int namespace_thread(int (*work)(void *argument, struct error *err), void *argument, struct error *err)
{
	struct task task = { .work = work, .argument = argument };
	pthread_t thread;

	if (thread_start(&thread, run_task, &task, err) < 0)
		return -1;
	pthread_join(thread, NULL);
	if (task.result < 0)
		*err = task.error;
	return task.result;
}

int namespace_enter(int namespace_fd, struct error *err)
{
	if (setns(namespace_fd, CLONE_NEWNET) < 0)
		return error_system(err, "setns");
	return 0;
}

int namespace_open(const char *pin, struct error *err)
{
	auto_close int fd = open(pin, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int type;

	if (fd < 0)
		return error_system(err, "open");
	type = ioctl(fd, NS_GET_NSTYPE);
	if (type < 0)
		return error_set(err, errno == ENOTTY ? EINVAL : errno, "ioctl");
	if (type != CLONE_NEWNET)
		return error_set(err, EINVAL, "ioctl");
	return take_fd(&fd);
}
