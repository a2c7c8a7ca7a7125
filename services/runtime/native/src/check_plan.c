/* SPDX-License-Identifier: Apache-2.0
 *
 * What the records of a plan must say together.
 */
#include <errno.h>

#include "check.h"
#include "kernel.h"

#define MAX_ID_LINES 340u

static int bad(struct error *err, const char *what, const char *name)
{
	return fail_code(err, STEP_PLAN, EINVAL, what, name);
}

/* Records that make no sense for a process that enters a container that exists. */
static const enum plan_record create_only[] = {
	PLAN_NAMESPACES, PLAN_JOIN, PLAN_UID_MAP, PLAN_GID_MAP, PLAN_CGROUP_WRITE, PLAN_CGROUP_DEVICES, PLAN_ROOT_OVERLAY,
	PLAN_ROOT_BIND, PLAN_ROOT_PROPAGATION, PLAN_MOUNT, PLAN_DEV_NODE, PLAN_DEV_LINK, PLAN_MASK, PLAN_READONLY,
	PLAN_HOSTNAME, PLAN_DOMAINNAME, PLAN_SYSCTL, PLAN_INIT,
};

static int check_exec(struct plan *plan, struct error *err)
{
	struct record record;
	size_t i;

	for (i = 0; i < sizeof(create_only) / sizeof(create_only[0]); i++)
		if (plan_find(plan, create_only[i], &record))
			return bad(err, "record that an exec cannot have", NULL);
	if (!plan_find(plan, PLAN_EXEC_TARGET, &record))
		return bad(err, "exec without a target", NULL);
	plan->namespaces = record_u64(&record, 12);
	return 0;
}

static int check_joins(struct plan *plan, struct error *err)
{
	struct record record;
	uint32_t cursor = 0;

	while (plan_next(plan, PLAN_JOIN, &cursor, &record)) {
		uint64_t flag = record_u64(&record, 0);

		if ((plan->joined | plan->namespaces) & flag)
			return bad(err, "namespace stands twice", record_string(&record, 8));
		plan->joined |= flag;
	}
	return 0;
}

static int check_maps(const struct plan *plan, struct error *err)
{
	uint32_t uids = plan_count(plan, PLAN_UID_MAP), gids = plan_count(plan, PLAN_GID_MAP);
	bool user = (plan->namespaces | plan->joined) & CLONE_NEWUSER;

	if (user != (uids > 0) || user != (gids > 0) || uids > MAX_ID_LINES || gids > MAX_ID_LINES)
		return bad(err, "id maps and user namespace do not go together", NULL);
	return 0;
}

static int check_create(struct plan *plan, struct error *err)
{
	struct record record;

	if (plan_find(plan, PLAN_EXEC_TARGET, &record))
		return bad(err, "target of exec in a create", NULL);
	if (!plan_find(plan, PLAN_NAMESPACES, &record) || !(record_u64(&record, 0) & CLONE_NEWNS))
		return bad(err, "container without a mount namespace", NULL);
	plan->namespaces = record_u64(&record, 0);
	if (plan_count(plan, PLAN_ROOT_OVERLAY) + plan_count(plan, PLAN_ROOT_BIND) != 1)
		return bad(err, "container must have one root", NULL);
	if (check_joins(plan, err) < 0)
		return -1;
	return check_maps(plan, err);
}

int check_plan(struct plan *plan, struct error *err)
{
	struct record record;

	if (!plan_find(plan, PLAN_LAUNCH, &record))
		return bad(err, "plan without a launch", NULL);
	plan->kind = (enum plan_kind)record_u32(&record, 0);
	plan->flags = record_u32(&record, 4);
	if (!plan_find(plan, PLAN_ARGV, &record))
		return bad(err, "plan without arguments", NULL);
	return plan->kind == PLAN_KIND_EXEC ? check_exec(plan, err) : check_create(plan, err);
}
