/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks the kernel what a cgroup device program says.
 *
 *   device_probe PROGRAM CGROUP DEVICE...
 *
 * PROGRAM holds struct bpf_insn[]; it is attached to the version 2 directory CGROUP, a child moves into it, opens each
 * device for reading and writing, and prints its name and errno. The program goes away with its descriptor's process.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int load(const char *path)
{
	static struct bpf_insn program[4096];
	static char log[65536];
	union bpf_attr attr;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t bytes = fd < 0 ? -1 : read(fd, program, sizeof(program));
	int loaded;

	if (bytes <= 0)
		return -1;
	close(fd);
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)program;
	attr.insn_cnt = (uint32_t)((size_t)bytes / sizeof(program[0]));
	attr.license = (uint64_t)(uintptr_t)"Apache-2.0";
	attr.log_buf = (uint64_t)(uintptr_t)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	loaded = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (loaded < 0)
		fprintf(stderr, "load: %s\n%s", strerror(errno), log);
	return loaded;
}

static int attach(int program, int group, int command)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)group;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	return (int)syscall(SYS_bpf, command, &attr, sizeof(attr));
}

static int child(int group, char **devices)
{
	int procs = openat(group, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (procs < 0 || write(procs, "0", 1) != 1)
		return 3;
	for (; *devices != NULL; devices++) {
		int fd = open(*devices, O_RDWR | O_CLOEXEC | O_NONBLOCK);

		printf("%s %d\n", *devices, fd < 0 ? errno : 0);
	}
	fflush(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	int program, group, status;
	pid_t pid;

	if (argc < 4)
		return 2;
	program = load(argv[1]);
	group = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (program < 0 || group < 0)
		return 2;
	if (attach(program, group, BPF_PROG_ATTACH) < 0) {
		perror("attach");
		return 2;
	}
	pid = fork();
	if (pid == 0)
		_exit(child(group, argv + 3));
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 2;
	attach(program, group, BPF_PROG_DETACH);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
