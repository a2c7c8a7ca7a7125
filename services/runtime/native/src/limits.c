/* SPDX-License-Identifier: Apache-2.0
 *
 * Resource limits. Only a process with CAP_SYS_RESOURCE on the host may raise a hard one: the monitor tries it for the
 * child, the child sets what is left.
 */
#include <errno.h>
#include <sys/resource.h>

#include "caps.h"
#include "kernel.h"

struct limit {
	uint64_t soft, hard;
};

static int change(pid_t pid, uint32_t resource, const struct limit *set, struct limit *old)
{
	return (int)syscall(SYS_prlimit64, pid, resource, set, old);
}

void caps_raise_limits(const struct plan *plan, pid_t pid)
{
	struct record record;
	uint32_t cursor = 0;

	while (plan_next(plan, PLAN_RLIMIT, &cursor, &record)) {
		uint32_t resource = record_u32(&record, 0);
		uint64_t hard = record_u64(&record, 16);
		struct limit limit;

		if (change(pid, resource, NULL, &limit) < 0 || hard <= limit.hard)
			continue;
		limit.hard = hard;
		(void)change(pid, resource, &limit, NULL);
	}
}

static int set_limit(uint32_t resource, struct limit limit, bool clamp)
{
	struct limit now;

	if (change(0, resource, &limit, NULL) == 0)
		return 0;
	if (errno != EPERM || !clamp || change(0, resource, NULL, &now) < 0)
		return -1;
	limit.hard = limit.hard < now.hard ? limit.hard : now.hard;
	limit.soft = limit.soft < limit.hard ? limit.soft : limit.hard;
	return change(0, resource, &limit, NULL);
}

int caps_limit(const struct plan *plan, struct error *err)
{
	struct record record;
	uint32_t cursor = 0;

	while (plan_next(plan, PLAN_RLIMIT, &cursor, &record)) {
		struct limit limit = { record_u64(&record, 8), record_u64(&record, 16) };

		if (set_limit(record_u32(&record, 0), limit, plan->flags & PLAN_LAUNCH_CLAMP_RLIMITS) < 0)
			return fail(err, STEP_RLIMIT, "set a resource limit", NULL);
	}
	return 0;
}
