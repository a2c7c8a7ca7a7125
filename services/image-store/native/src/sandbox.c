/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "landlock.h"

#define BIT(capability) (1ull << (capability))
#define WRITE_TREE                                                                                                     \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_MKNOD) | BIT(CAP_SETFCAP))
#define READ_TREE BIT(CAP_DAC_READ_SEARCH)

#if defined(__SANITIZE_ADDRESS__)
#define MEMORY_LIMIT RLIM_INFINITY /* the sanitizer reserves terabytes */
#else
#define MEMORY_LIMIT (320ull << 20) /* 64 MiB, a zstd window of 128 MiB, libraries, stacks */
#endif

#define FILES_LIMIT 1024u

static int set_capabilities(uint64_t effective, uint64_t permitted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
	struct __user_cap_data_struct data[2] = {
		{.effective = (uint32_t)effective, .permitted = (uint32_t)permitted},
		{.effective = (uint32_t)(effective >> 32), .permitted = (uint32_t)(permitted >> 32)},
	};

	return (int)syscall(SYS_capset, &header, data);
}

static int get_permitted(uint64_t *permitted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	*permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

void sandbox_drop_all(void)
{
	/* Giving up capabilities cannot fail. */
	(void)set_capabilities(0, 0);
}

int sandbox_privileged(bool on, struct error *err)
{
	uint64_t permitted;

	if (get_permitted(&permitted) < 0 ||
	    set_capabilities(on ? permitted : permitted & ~BIT(CAP_SYS_ADMIN), permitted) < 0)
		return error_system(err, errno, "setup", "cannot switch capabilities");
	return 0;
}

static int limit(int resource, rlim_t value)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)resource, &now) < 0)
		return -1;
	if (now.rlim_max != RLIM_INFINITY && value > now.rlim_max)
		value = now.rlim_max;
	now = (struct rlimit){.rlim_cur = value, .rlim_max = value};
	return setrlimit((__rlimit_resource_t)resource, &now);
}

static int keep_capabilities(const struct sandbox_options *options)
{
	uint64_t permitted;
	uint64_t wanted = options->read_only ? READ_TREE : WRITE_TREE;

	if (options->overlay_xattrs)
		wanted |= BIT(CAP_SYS_ADMIN);

	if (get_permitted(&permitted) < 0)
		return -1;
	permitted &= wanted;
	return set_capabilities(permitted & ~BIT(CAP_SYS_ADMIN), permitted);
}

int sandbox_enter(const struct sandbox_options *options, struct error *err)
{
	umask(0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_system(err, errno, "setup", "prctl");
	if (syscall(SYS_close_range, (unsigned)options->last_fd + 1, ~0u, 0) < 0)
		return error_system(err, errno, "setup", "close_range");
	if (limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_AS, MEMORY_LIMIT) < 0 || limit(RLIMIT_NOFILE, FILES_LIMIT + 64 * options->more_count) < 0)
		return error_system(err, errno, "setup", "setrlimit");
	landlock_confine(options);
	if (keep_capabilities(options) < 0)
		return error_system(err, errno, "setup", "capset");
	return 0;
}
