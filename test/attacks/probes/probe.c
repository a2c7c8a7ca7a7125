/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks around inside a container and says what it finds, a line each. Linked statically.
 *
 *   probe fds                    descriptors and where they lead
 *   probe sys NR [ARG...]        a system call of the native ABI: "NR errno"; many triples may follow, parted by "--"
 *   probe socket32 DOMAIN        socketcall(SOCKET) and socket through int 0x80
 *   probe read PATH...           opens and reads: "PATH errno bytes"
 *   probe write PATH TEXT        opens for writing and writes
 *   probe mknod PATH MAJOR MINOR makes a block device and reads it
 *   probe umount PATH            takes a mount away
 *   probe remount PATH           makes a mount writable
 *   probe ids                    uid, gid, groups, capabilities, no_new_privs, seccomp
 *   probe ptys                   how many terminals can be had
 *   probe tiocsti                puts a character into the terminal's input
 *   probe self                   tries to write to what runs process 1
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static int fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!dir)
		return 1;
	while ((entry = readdir(dir))) {
		char target[512];
		ssize_t n;

		if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(dir))
			continue;
		n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = 0;
		printf("%s %s\n", entry->d_name, target);
	}
	return closedir(dir);
}

/* A child makes each call: one that succeeds may change the caller. */
static void call_in_child(long number, long *args)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		errno = 0;
		syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
		_exit(errno > 250 ? 250 : errno);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("%ld signal %d\n", number, WTERMSIG(status));
	else
		printf("%ld %d\n", number, WEXITSTATUS(status));
}

static int calls(int argc, char **argv)
{
	int i = 0;

	while (i < argc) {
		long args[6] = { 0 };
		long number = strtol(argv[i++], NULL, 0);
		int n = 0;

		for (; i < argc && strcmp(argv[i], "--") != 0; i++)
			if (n < 6)
				args[n++] = strtol(argv[i], NULL, 0);
		call_in_child(number, args);
		i++;
	}
	return 0;
}

#ifdef __x86_64__
static long int80(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static int socket32(int domain)
{
	uint32_t *args = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (args == MAP_FAILED)
		return 1;
	args[0] = (uint32_t)domain;
	args[1] = 1;
	args[2] = 0;
	printf("socketcall %ld\n", int80(102, 1, (long)(uintptr_t)args, 0));
	printf("socket %ld\n", int80(359, domain, 1, 0));
	return 0;
}
#else
static int socket32(int domain)
{
	(void)domain;
	printf("socketcall %d\nsocket %d\n", -ENOSYS, -ENOSYS);
	return 0;
}
#endif

static int read_paths(int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		char buffer[4096];
		int fd = open(argv[i], O_RDONLY | O_NONBLOCK);
		ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer));
		int code = n < 0 ? errno : 0;

		if (fd >= 0 && n < 0 && errno == EISDIR) {
			DIR *dir = fdopendir(fd);
			struct dirent *entry;

			n = 0;
			code = 0;
			while (dir && (entry = readdir(dir)))
				n += entry->d_name[0] != '.';
		}
		printf("%s %d %zd\n", argv[i], code, n < 0 ? 0 : n);
	}
	return 0;
}

static int say(const char *what, int result)
{
	printf("%s %d\n", what, result < 0 ? errno : 0);
	return 0;
}

static int write_path(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	return say("write", n < 0 ? -1 : 0);
}

static int make_node(const char *path, int major_number, int minor_number)
{
	char sector[512];
	int fd;

	say("mknod", mknod(path, S_IFBLK | 0600, makedev((unsigned int)major_number, (unsigned int)minor_number)));
	fd = open(path, O_RDONLY);
	say("open", fd);
	return say("read", fd < 0 ? -1 : (int)read(fd, sector, sizeof(sector)));
}

static int ids(void)
{
	char line[512];
	FILE *file = fopen("/proc/self/status", "re");

	if (!file)
		return 1;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, "Uid", 3) || !strncmp(line, "Gid", 3) || !strncmp(line, "Groups", 6) || !strncmp(line, "Cap", 3) ||
		    !strncmp(line, "NoNewPrivs", 10) || !strncmp(line, "Seccomp:", 8))
			fputs(line, stdout);
	return fclose(file);
}

static int ptys(void)
{
	int count = 0;

	while (count < 5000 && open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0)
		count++;
	printf("ptys %d\n", count);
	return 0;
}

static int self(void)
{
	int fd = open("/proc/1/exe", O_WRONLY);

	say("write", fd);
	fd = open("/proc/1/exe", O_PATH);
	if (fd >= 0) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		for (int i = 0; i < 1000; i++) {
			int again = open(path, O_WRONLY | O_TRUNC);

			if (again >= 0) {
				printf("reopened 0\n");
				return 0;
			}
		}
	}
	return say("reopened", -1);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(what, "fds"))
		return fds();
	if (!strcmp(what, "sys"))
		return calls(argc - 2, argv + 2);
	if (!strcmp(what, "socket32") && argc > 2)
		return socket32(atoi(argv[2]));
	if (!strcmp(what, "read"))
		return read_paths(argc - 2, argv + 2);
	if (!strcmp(what, "write") && argc > 3)
		return write_path(argv[2], argv[3]);
	if (!strcmp(what, "mknod") && argc > 4)
		return make_node(argv[2], atoi(argv[3]), atoi(argv[4]));
	if (!strcmp(what, "umount") && argc > 2)
		return say("umount", umount2(argv[2], MNT_DETACH));
	if (!strcmp(what, "remount") && argc > 2)
		return say("remount", mount(NULL, argv[2], NULL, MS_REMOUNT | MS_BIND, NULL));
	if (!strcmp(what, "ids"))
		return ids();
	if (!strcmp(what, "ptys"))
		return ptys();
	if (!strcmp(what, "tiocsti"))
		return say("tiocsti", ioctl(0, TIOCSTI, "x"));
	if (!strcmp(what, "self"))
		return self();
	return 2;
}
