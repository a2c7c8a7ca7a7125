/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "kernel.h"

#define MAKEABLE (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | \
		  CLONE_NEWCGROUP | CLONE_NEWTIME)
#define JOINABLE (CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP)
#define MOUNT_ATTRIBUTES (PLAN_MOUNT_RDONLY | PLAN_MOUNT_NOSUID | PLAN_MOUNT_NODEV | PLAN_MOUNT_NOEXEC | \
			  PLAN_MOUNT_NOATIME | PLAN_MOUNT_NOSYMFOLLOW)
#define MOUNT_FLAGS (MOUNT_ATTRIBUTES | PLAN_MOUNT_RECURSIVE | PLAN_MOUNT_IDMAP | PLAN_MOUNT_OPTIONAL | PLAN_MOUNT_FILE)
#define SECCOMP_FLAGS (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW)
#define MAX_INSTRUCTIONS 4096u
#define MAX_DEVICE_BYTES (8u << 16)
#define MAX_HOSTNAME 64u
#define MAX_PATH 4095u

static int bad(struct error *err, const char *what, const char *name)
{
	return fail_code(err, STEP_PLAN, EINVAL, what, name);
}

/* No empty, "." or ".." component, so that a path says what it seems to say. */
static bool plain_components(const char *path)
{
	while (*path) {
		size_t length = strcspn(path, "/");

		if (!length || (length == 1 && path[0] == '.') || (length == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += length;
		if (*path == '/' && !*++path)
			return false;
	}
	return true;
}

static bool relative_path(const char *path)
{
	return *path && strlen(path) <= MAX_PATH && plain_components(path);
}

/* Absolute, and the root itself only as "/". */
static bool absolute_path(const char *path)
{
	return path[0] == '/' && strlen(path) <= MAX_PATH && plain_components(path + 1);
}

static bool host_path(const char *path)
{
	return path[0] == '/' && strlen(path) <= MAX_PATH;
}

static int check_id_map(const struct record *record, struct error *err)
{
	uint64_t inside = record_u32(record, 0), outside = record_u32(record, 4), count = record_u32(record, 8);

	if (!count || inside + count > UINT32_MAX || outside + count > UINT32_MAX)
		return bad(err, "id map out of range", NULL);
	return 0;
}

static int check_overlay(const struct record *record, struct error *err)
{
	uint32_t count = record_u32(record, 4), i;
	const char *upper = record_string(record, 8), *work = string_after(upper), *options = string_after(work);
	const char *lower = string_after(options), *end = record_string(record, record->size);

	if (record_u32(record, 0) & ~MOUNT_FLAGS || !count)
		return bad(err, "overlay with wrong flags or without layers", NULL);
	if (!*upper != !*work || (*upper && (!host_path(upper) || !host_path(work))))
		return bad(err, "overlay's upper directory", upper);
	for (i = 0; i < count; i++, lower = string_after(lower))
		if (lower >= end || !host_path(lower))
			return bad(err, "overlay's layers do not fit their number, or one is not absolute", NULL);
	return lower == end ? 0 : bad(err, "overlay with more layers than it says", NULL);
}

static int check_mount(const struct record *record, struct error *err)
{
	uint32_t kind = record_u32(record, 0), flags = record_u32(record, 4);
	const char *target = record_string(record, 8), *source = string_after(target);

	if (kind < PLAN_MOUNT_FS || kind > PLAN_MOUNT_CGROUP || flags & ~MOUNT_FLAGS)
		return bad(err, "mount of an unknown kind or with unknown flags", target);
	if (!absolute_path(target) || !target[1])
		return bad(err, "mount's target", target);
	if (kind == PLAN_MOUNT_BIND && !host_path(source))
		return bad(err, "mount's source", source);
	return kind == PLAN_MOUNT_FS && !*source ? bad(err, "mount without a type", target) : 0;
}

static int check_dev_node(const struct record *record, struct error *err)
{
	uint32_t mode = record_u32(record, 0);
	const char *name = record_string(record, 20);

	if ((!S_ISCHR(mode) && !S_ISBLK(mode)) || mode & ~(uint32_t)(S_IFMT | 0777))
		return bad(err, "device's mode", name);
	if (record_u32(record, 4) > 0xfff || record_u32(record, 8) > 0xfffff)
		return bad(err, "device's number", name);
	return relative_path(name) ? 0 : bad(err, "device's name", name);
}

static int check_rlimit(const struct record *record, struct error *err)
{
	if (record_u32(record, 0) >= RLIM_NLIMITS || record_u32(record, 4) ||
	    record_u64(record, 8) > record_u64(record, 16))
		return bad(err, "resource limit", NULL);
	return 0;
}

static int check_seccomp(const struct record *record, struct error *err)
{
	uint32_t bytes = record->size - 8;

	if (record_u32(record, 0) & ~(uint32_t)SECCOMP_FLAGS || record_u32(record, 4))
		return bad(err, "seccomp flags", NULL);
	return bytes && bytes <= MAX_INSTRUCTIONS * 8 ? 0 : bad(err, "seccomp program's size", NULL);
}

static int check_stdio(const struct record *record, struct error *err)
{
	uint32_t flags = record_u32(record, 0);

	if (flags & ~(PLAN_STDIO_TTY | PLAN_STDIO_STDIN | PLAN_STDIO_STDIN_ONCE))
		return bad(err, "stdio flags", NULL);
	return 0;
}

static int check_flagged_path(const struct record *record, uint32_t flags, struct error *err)
{
	const char *path = record_string(record, 4);

	if (record_u32(record, 0) & ~flags)
		return bad(err, "unknown flags of", path);
	return absolute_path(path) ? 0 : bad(err, "path", path);
}

static int check_target(const struct record *record, struct error *err)
{
	uint64_t flags = record_u64(record, 12);

	if ((int32_t)record_u32(record, 0) <= 0 || flags & ~(uint64_t)MAKEABLE)
		return bad(err, "target of exec", NULL);
	return 0;
}

static int check_join(const struct record *record, struct error *err)
{
	uint64_t flag = record_u64(record, 0);

	if (!flag || flag & ~(uint64_t)JOINABLE || flag & (flag - 1) || !host_path(record_string(record, 8)))
		return bad(err, "namespace to join", record_string(record, 8));
	return 0;
}

static int check_sysctl(const struct record *record, struct error *err)
{
	const char *key = record_string(record, 0);

	return relative_path(key) ? 0 : bad(err, "sysctl", key);
}

static int check_env(const struct record *record, struct error *err)
{
	const char *text = record_string(record, 0), *equals = strchr(text, '=');

	return equals && equals != text ? 0 : bad(err, "environment variable", text);
}

static int check_kinded_path(const struct record *record, uint32_t last, struct error *err)
{
	uint32_t kind = record_u32(record, 0);
	const char *path = record_string(record, 4);

	return kind && kind <= last && absolute_path(path) ? 0 : bad(err, "file to read", path);
}

static int check_in(bool good, const struct record *record, struct error *err, const char *what)
{
	(void)record;
	return good ? 0 : bad(err, what, NULL);
}

static int check_propagation(const struct record *record, struct error *err)
{
	uint32_t type = record_u32(record, 0);

	return check_in(type == MS_PRIVATE || type == MS_SLAVE || type == MS_SHARED, record, err, "propagation of the root");
}

static int check_score(const struct record *record, struct error *err)
{
	int32_t score = (int32_t)record_u32(record, 0);

	return check_in(score >= -1000 && score <= 1000, record, err, "oom score");
}

static int check_launch(const struct record *record, struct error *err)
{
	uint32_t kind = record_u32(record, 0), known = PLAN_LAUNCH_BARRIER | PLAN_LAUNCH_NO_NEW_PRIVS |
						       PLAN_LAUNCH_CLAMP_RLIMITS | PLAN_LAUNCH_KILL_CGROUP | PLAN_LAUNCH_VOLATILE;

	return check_in((kind == PLAN_KIND_CREATE || kind == PLAN_KIND_EXEC) && !(record_u32(record, 4) & ~known), record, err,
			"kind or flags of the launch");
}

int check_record(const struct record *record, struct error *err)
{
	switch (record->type) {
	case PLAN_LAUNCH:
		return check_launch(record, err);
	case PLAN_NAMESPACES:
		return check_in(!(record_u64(record, 0) & ~(uint64_t)MAKEABLE), record, err, "unknown namespaces");
	case PLAN_JOIN:
		return check_join(record, err);
	case PLAN_UID_MAP:
	case PLAN_GID_MAP:
		return check_id_map(record, err);
	case PLAN_EXEC_TARGET:
		return check_target(record, err);
	case PLAN_CGROUP_DIR:
		return check_flagged_path(record, PLAN_CGROUP_V2 | PLAN_CGROUP_REMOVE | PLAN_CGROUP_OPTIONAL | PLAN_CGROUP_EXISTS,
					  err);
	case PLAN_CGROUP_WRITE:
		return check_flagged_path(record, PLAN_CGROUP_OPTIONAL, err);
	case PLAN_CGROUP_DEVICES:
		return check_in(record->size <= MAX_DEVICE_BYTES, record, err, "device program's size");
	case PLAN_OOM_FILE:
		return check_kinded_path(record, 2, err);
	case PLAN_USAGE_FILE:
		return check_kinded_path(record, PLAN_USAGE_MEMORY_PEAK, err);
	case PLAN_ROOT_OVERLAY:
		return check_overlay(record, err);
	case PLAN_ROOT_BIND:
		return check_in(!(record_u32(record, 0) & ~MOUNT_FLAGS) && host_path(record_string(record, 4)), record, err,
				"root directory");
	case PLAN_ROOT_PROPAGATION:
		return check_propagation(record, err);
	case PLAN_MOUNT:
		return check_mount(record, err);
	case PLAN_DEV_NODE:
		return check_dev_node(record, err);
	case PLAN_DEV_LINK:
		return check_in(relative_path(record_string(record, 0)) && *string_after(record_string(record, 0)), record, err,
				"device link");
	case PLAN_MASK:
	case PLAN_READONLY:
		return check_in(absolute_path(record_string(record, 0)), record, err, "path to mask or to protect");
	case PLAN_HOSTNAME:
	case PLAN_DOMAINNAME:
		return check_in(record->size - 1 <= MAX_HOSTNAME, record, err, "host or domain name is too long");
	case PLAN_SYSCTL:
		return check_sysctl(record, err);
	case PLAN_ENV:
		return check_env(record, err);
	case PLAN_CWD:
		return check_in(!(record_u32(record, 0) & ~1u) && host_path(record_string(record, 4)), record, err,
				"working directory");
	case PLAN_USER:
		return check_in(!(record_u32(record, 0) & ~3u), record, err, "flags of the user");
	case PLAN_UMASK:
		return check_in(record_u32(record, 0) <= 0777, record, err, "umask");
	case PLAN_RLIMIT:
		return check_rlimit(record, err);
	case PLAN_SECCOMP:
		return check_seccomp(record, err);
	case PLAN_OOM_SCORE_ADJ:
		return check_score(record, err);
	case PLAN_STDIO:
		return check_stdio(record, err);
	case PLAN_LOG:
		return check_in(record_u64(record, 0) && record_u64(record, 0) <= INT64_MAX && record_u32(record, 8) &&
					record_u32(record, 12) <= PLAN_LOG_HELD,
				record, err, "log without room, or with flags that are unknown");
	case PLAN_ARGV:
	case PLAN_GROUP:
	case PLAN_CAPABILITIES:
	case PLAN_INIT:
		return 0;
	}
	return bad(err, "unknown record", NULL);
}
