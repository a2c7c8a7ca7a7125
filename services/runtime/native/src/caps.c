/* SPDX-License-Identifier: Apache-2.0 */
#include "caps.h"

#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>

#include "kernel.h"

#define LAST_CAPABILITY 63

#ifndef PR_CAP_AMBIENT
#define PR_CAP_AMBIENT 47
#define PR_CAP_AMBIENT_RAISE 2
#define PR_CAP_AMBIENT_CLEAR_ALL 4
#endif

struct sets {
	uint64_t bounding, effective, permitted, inheritable, ambient;
};

static struct __user_cap_header_struct header(void)
{
	return (struct __user_cap_header_struct){ .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
}

static int drop_bounding(uint64_t keep, struct error *err)
{
	int bit;

	for (bit = 0; bit <= LAST_CAPABILITY; bit++) {
		if (keep >> bit & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, bit, 0, 0, 0) == 0)
			continue;
		/* The kernel knows no more capabilities. */
		if (errno == EINVAL && bit > 0)
			return 0;
		return fail(err, STEP_CAPABILITY, "drop a bounding capability", NULL);
	}
	return 0;
}

static int permitted_now(uint64_t *permitted, struct error *err)
{
	struct __user_cap_header_struct head = header();
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return fail(err, STEP_CAPABILITY, "read capabilities", NULL);
	*permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	return 0;
}

static int set_capabilities(const struct sets *sets, struct error *err)
{
	struct __user_cap_header_struct head = header();
	struct __user_cap_data_struct data[2];
	int i;

	for (i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(sets->effective >> (32 * i));
		data[i].permitted = (uint32_t)(sets->permitted >> (32 * i));
		data[i].inheritable = (uint32_t)(sets->inheritable >> (32 * i));
	}
	if (syscall(SYS_capset, &head, data) < 0)
		return fail(err, STEP_CAPABILITY, "set capabilities", NULL);
	return 0;
}

static int set_ambient(uint64_t ambient, struct error *err)
{
	unsigned long bit;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return fail(err, STEP_CAPABILITY, "clear ambient capabilities", NULL);
	for (bit = 0; ambient >> bit; bit++) {
		if (ambient >> bit & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bit, 0, 0) < 0)
			return fail(err, STEP_CAPABILITY, "raise an ambient capability", NULL);
		if (bit == LAST_CAPABILITY)
			break;
	}
	return 0;
}

/* Leaves out what this process does not have itself, so that a plan for a stronger host still runs. */
static void clip(struct sets *sets, uint64_t permitted)
{
	sets->permitted &= permitted;
	sets->effective &= sets->permitted;
	sets->inheritable &= permitted & sets->bounding;
	sets->ambient &= sets->permitted & sets->inheritable;
}

static int load_filter(const struct plan *plan, struct error *err)
{
	struct sock_fprog program;
	struct record record;

	if (!plan_find(plan, PLAN_SECCOMP, &record))
		return 0;
	program.len = (unsigned short)((record.size - 8) / sizeof(struct sock_filter));
	program.filter = (struct sock_filter *)(uintptr_t)(record.payload + 8);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, record_u32(&record, 0), &program) < 0)
		return fail(err, STEP_SECCOMP, "load the filter", NULL);
	return 0;
}

static int set_ids(const struct user *user, struct error *err)
{
	if (setgroups((size_t)user->group_count, user->groups) < 0)
		return fail(err, STEP_USER, "set groups", NULL);
	if (syscall(SYS_setresgid, user->gid, user->gid, user->gid) < 0)
		return fail(err, STEP_USER, "set group", NULL);
	if (syscall(SYS_setresuid, user->uid, user->uid, user->uid) < 0)
		return fail(err, STEP_USER, "set user", NULL);
	return 0;
}

static int set_capability_sets(const struct plan *plan, const struct user *user, struct error *err)
{
	struct sets sets = { 0 };
	struct record record;
	uint64_t permitted = 0;
	bool given = plan_find(plan, PLAN_CAPABILITIES, &record);

	if (given) {
		memcpy(&sets, record.payload, sizeof(sets));
		if (permitted_now(&permitted, err) < 0 || drop_bounding(sets.bounding, err) < 0)
			return -1;
		clip(&sets, permitted);
		/* Otherwise a change of the user would take them all. */
		if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
			return fail(err, STEP_CAPABILITY, "keep capabilities", NULL);
	}
	if (set_ids(user, err) < 0)
		return -1;
	if (!given)
		return 0;
	return set_capabilities(&sets, err) < 0 ? -1 : set_ambient(sets.ambient, err);
}

int caps_become(const struct plan *plan, const struct user *user, struct error *err)
{
	bool no_new_privs = plan->flags & PLAN_LAUNCH_NO_NEW_PRIVS;

	/* Without no_new_privs, only who has CAP_SYS_ADMIN may load a filter: before it is given up. */
	if (!no_new_privs && load_filter(plan, err) < 0)
		return -1;
	if (set_capability_sets(plan, user, err) < 0)
		return -1;
	/* A change of ids may make a process dumpable, by a setting of the host. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (!no_new_privs)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(err, STEP_CAPABILITY, "set no_new_privs", NULL);
	return load_filter(plan, err);
}
