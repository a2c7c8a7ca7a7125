/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "confine.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the filter knows x86_64 and aarch64"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
/* Skips so many of the following steps when what was loaded is this, and when it is not. */
#define IF(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise)
#define ALLOW(name) IF(SYS_##name, 0, 1), RETURN(SECCOMP_RET_ALLOW)

/* In the order of how often they are called; a call that is not here ends the process. */
static const struct sock_filter filter[] = {
	LOAD(arch),
	IF(ARCHITECTURE, 1, 0),
	RETURN(SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	ALLOW(recvmmsg),
	ALLOW(sendmmsg),
#ifdef SYS_epoll_wait
	ALLOW(epoll_wait),
#endif
	ALLOW(epoll_pwait),
	ALLOW(epoll_ctl),
	ALLOW(sendto),
	ALLOW(recvfrom),
	ALLOW(connect),
	ALLOW(close),
	ALLOW(accept4),
	ALLOW(recvmsg),
	ALLOW(getrandom),
	ALLOW(clock_gettime), /* where the kernel's page of code cannot tell the time */
	/* Memory. */
	ALLOW(brk),
	ALLOW(mmap),
	ALLOW(mremap),
	ALLOW(munmap),
	ALLOW(madvise),
	/* Whether its file is still there. */
	ALLOW(fstat),
	ALLOW(exit_group),
	ALLOW(rt_sigreturn),
	ALLOW(restart_syscall),
	/* Sockets to other name servers: of the internet, and of no other family. */
	IF(SYS_socket, 0, 4),
	LOAD(args[0]),
	IF(AF_INET, 1, 0),
	IF(AF_INET6, 0, 1),
	RETURN(SECCOMP_RET_ALLOW),
	RETURN(SECCOMP_RET_KILL_PROCESS),
};

int confine_filter(void)
{
	const struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = (struct sock_filter *)filter,
	};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}
