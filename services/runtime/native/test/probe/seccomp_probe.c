/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks the kernel what a seccomp filter says to system calls.
 *
 *   seccomp_probe FILTER < CALLS > ANSWERS
 *
 * FILTER holds struct sock_filter[]; it must answer every call with an errno (a test turns ALLOW into an errno of its
 * own), so that no call has an effect. CALLS holds struct call[], ANSWERS gets an int32 errno for each. The first line on
 * stderr is the time that loading took, in nanoseconds.
 *
 *   seccomp_probe FILTER PROGRAM ARGS...   loads the filter as it is and executes the program under it
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_CALLS 65536
#define ABI_NATIVE 0u
#define ABI_I386 1u

struct call {
	uint32_t abi;
	uint32_t number;
	uint64_t args[6];
};

struct shared {
	long load_ns;
	uint32_t done;
	int32_t answers[MAX_CALLS];
};

static int load(const char *path)
{
	static struct sock_filter filter[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t bytes = fd < 0 ? -1 : read(fd, filter, sizeof(filter));
	struct sock_fprog program = { .filter = filter };

	if (bytes <= 0)
		return -1;
	close(fd);
	program.len = (unsigned short)((size_t)bytes / sizeof(filter[0]));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static int32_t ask(const struct call *call)
{
	const uint64_t *a = call->args;
	long result;

#if defined(__x86_64__)
	if (call->abi == ABI_I386) {
		/* rbp holds the sixth argument of int 0x80; it is left alone. */
		__asm__ volatile("int $0x80"
				 : "=a"(result)
				 : "a"((long)call->number), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
				 : "memory", "r8", "r9", "r10", "r11");
		return (int32_t)-(int32_t)result;
	}
	register uint64_t r10 __asm__("r10") = a[3];
	register uint64_t r8 __asm__("r8") = a[4];
	register uint64_t r9 __asm__("r9") = a[5];

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"((long)call->number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "memory", "rcx", "r11");
	return (int32_t)-result;
#else
	result = syscall((long)call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
	return result < 0 ? errno : 0;
#endif
}

static void child(const char *path, const struct call *calls, uint32_t count, struct shared *shared)
{
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	if (load(path) < 0)
		_exit(2);
	clock_gettime(CLOCK_MONOTONIC, &end);
	shared->load_ns = (end.tv_sec - start.tv_sec) * 1000000000L + end.tv_nsec - start.tv_nsec;
	for (uint32_t n = 0; n < count; n++) {
		shared->answers[n] = ask(&calls[n]);
		shared->done = n + 1;
	}
	__builtin_trap(); /* the filter refuses exit as well */
}

static int run_under(const char *path, char **argv)
{
	if (load(path) < 0) {
		perror("load");
		return 2;
	}
	execv(argv[0], argv);
	perror("execv");
	return 127;
}

int main(int argc, char **argv)
{
	static struct call calls[MAX_CALLS];
	struct shared *shared;
	size_t count;
	int status;
	pid_t pid;

	if (argc < 2)
		return 2;
	if (argc > 2)
		return run_under(argv[1], argv + 2);
	count = fread(calls, sizeof(calls[0]), MAX_CALLS, stdin);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	pid = fork();
	if (pid < 0)
		return 2;
	if (pid == 0)
		child(argv[1], calls, (uint32_t)count, shared);
	if (waitpid(pid, &status, 0) < 0 || shared->done != count) {
		fprintf(stderr, "%u of %zu calls answered, status %d\n", shared->done, count, status);
		return 1;
	}
	fprintf(stderr, "%ld\n", shared->load_ns);
	return fwrite(shared->answers, sizeof(int32_t), count, stdout) == count ? 0 : 2;
}
