/* SPDX-License-Identifier: Apache-2.0 */
#include "sysctl.h"

#include <errno.h>

#include "descriptor.h"
#include "kernel.h"

static const char *const ipc_keys[] = { "fs/mqueue/", "kernel/msg", "kernel/sem", "kernel/shm" };

enum owner_of_key { KEY_NETWORK, KEY_JOINED_NETWORK, KEY_IPC, KEY_OTHER };

static enum owner_of_key owner_of(const struct plan *plan, const char *key)
{
	uint64_t own = plan->namespaces | plan->joined;
	size_t i;

	if (own & CLONE_NEWNET && strncmp(key, "net/", 4) == 0)
		return plan->joined & CLONE_NEWNET ? KEY_JOINED_NETWORK : KEY_NETWORK;
	for (i = 0; own & CLONE_NEWIPC && i < sizeof(ipc_keys) / sizeof(ipc_keys[0]); i++)
		if (strncmp(key, ipc_keys[i], strlen(ipc_keys[i])) == 0)
			return KEY_IPC;
	return KEY_OTHER;
}

static int write_key(const struct record *record)
{
	autoclose int dir = descriptor_open("/proc/sys", O_PATH | O_DIRECTORY);
	const char *key = record_string(record, 0), *value = string_after(key);
	autoclose int fd = -1;

	fd = kernel_openat2(dir, key, O_WRONLY, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
	return fd < 0 || descriptor_write(fd, value, strlen(value)) < 0 ? -1 : 0;
}

int sysctl_write_joined(const struct plan *plan, struct error *err)
{
	struct record record;
	uint32_t cursor = 0;

	while (plan_next(plan, PLAN_SYSCTL, &cursor, &record))
		if (owner_of(plan, record_string(&record, 0)) == KEY_JOINED_NETWORK && write_key(&record) < 0)
			return fail(err, STEP_SYSCTL, "write", record_string(&record, 0));
	return 0;
}

int sysctl_write_as_host(const struct plan *plan, bool *later, struct error *err)
{
	struct record record;
	uint32_t cursor = 0;

	*later = false;
	while (plan_next(plan, PLAN_SYSCTL, &cursor, &record)) {
		enum owner_of_key owner = owner_of(plan, record_string(&record, 0));

		if (owner == KEY_OTHER || owner == KEY_JOINED_NETWORK || write_key(&record) == 0)
			continue;
		if (owner != KEY_IPC || (errno != EACCES && errno != EPERM))
			return fail(err, STEP_SYSCTL, "write", record_string(&record, 0));
		*later = true;
	}
	return 0;
}

int sysctl_write_as_root(const struct plan *plan, bool later, struct error *err)
{
	struct record record;
	uint32_t cursor = 0;

	while (plan_next(plan, PLAN_SYSCTL, &cursor, &record)) {
		enum owner_of_key owner = owner_of(plan, record_string(&record, 0));

		if ((owner == KEY_OTHER || (owner == KEY_IPC && later)) && write_key(&record) < 0)
			return fail(err, STEP_SYSCTL, "write", record_string(&record, 0));
	}
	return 0;
}
