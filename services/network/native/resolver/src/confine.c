/* SPDX-License-Identifier: Apache-2.0 */
#include "confine.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -1;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

static int drop_user(void)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(CONFINED_ID, CONFINED_ID, CONFINED_ID) < 0)
		return -1;
	return setresuid(CONFINED_ID, CONFINED_ID, CONFINED_ID);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };

	return (int)syscall(SYS_capset, &header, none);
}

/* Others of the same user may not look inside or take over. */
static int close_up(void)
{
	struct rlimit no_core = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &no_core) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int confine(const char **what)
{
	const struct {
		const char *name;
		int (*give_up)(void);
	} steps[] = {
		{ "descriptors", raise_descriptors },
		{ "user", drop_user },
		{ "capabilities", drop_capabilities },
		{ "privileges", close_up },
		{ "system calls", confine_filter },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		*what = steps[i].name;
		if (steps[i].give_up() < 0)
			return -1;
	}
	return 0;
}
