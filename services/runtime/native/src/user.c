/* SPDX-License-Identifier: Apache-2.0 */
#include "user.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "descriptor.h"
#include "kernel.h"
#include "passwd.h"
#include "root.h"

#define SET_HOME 1u
#define REFUSE_ROOT 2u

/* The two files, read when they are first needed. The memory goes with the exec. */
struct files {
	int root;
	struct slice passwd, group;
};

static int is_readable(int fd, struct stat *info)
{
	struct statfs fs;

	if (fstat(fd, info) < 0 || fstatfs(fd, &fs) < 0)
		return -1;
	if (!S_ISREG(info->st_mode) || fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC) {
		errno = EXDEV;
		return -1;
	}
	if (info->st_size > PASSWD_MAX_BYTES) {
		errno = EFBIG;
		return -1;
	}
	return 0;
}

static int read_all(int fd, size_t size, struct slice *text)
{
	char *memory = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t at = 0;
	ssize_t n = 1;

	if (memory == MAP_FAILED)
		return -1;
	while (at < size && n > 0) {
		n = descriptor_read(fd, memory + at, size - at);
		if (n < 0)
			return -1;
		at += (size_t)n;
	}
	*text = (struct slice){ memory, at };
	return 0;
}

/* Reads a file once. One that is missing is empty. */
static int load(const struct files *files, const char *path, struct slice *text, struct error *err)
{
	autoclose int fd = -1;
	struct stat info;

	if (text->at)
		return 0;
	*text = (struct slice){ "", 0 };
	fd = root_open(files->root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : root_fail(err, STEP_USER, "open", path);
	if (is_readable(fd, &info) < 0)
		return fail(err, errno == EXDEV ? STEP_UNSAFE : STEP_USER, "not a file to read users from:", path);
	return read_all(fd, (size_t)info.st_size, text) < 0 ? fail(err, STEP_USER, "read", path) : 0;
}

static int load_passwd(struct files *files, struct error *err)
{
	return load(files, "/etc/passwd", &files->passwd, err);
}

static int load_group(struct files *files, struct error *err)
{
	return load(files, "/etc/group", &files->group, err);
}

/* The entry of passwd for the user part. 1 found, 0 a number without an entry. */
static int find_user(struct files *files, struct slice name, struct passwd_entry *entry, const char *text,
		     struct error *err)
{
	enum id_kind kind = id_parse(name, &entry->uid);
	int found;

	if (kind == ID_MALFORMED)
		return fail_code(err, STEP_USER, EINVAL, "malformed user", text);
	if (load_passwd(files, err) < 0)
		return -1;
	found = kind == ID_NUMBER ? passwd_find_uid(files->passwd, entry->uid, entry) :
				    passwd_find_name(files->passwd, name, entry);
	if (found < 0)
		return fail(err, STEP_USER, "bad entry or too many lines in /etc/passwd for user", text);
	if (found == 0 && kind == ID_NAME)
		return fail_code(err, STEP_USER, ENOENT, "no such user:", text);
	return found;
}

static int find_group(struct files *files, struct slice name, uint32_t *gid, const char *text, struct error *err)
{
	enum id_kind kind = id_parse(name, gid);
	int found;

	if (kind == ID_NUMBER)
		return 0;
	if (kind == ID_MALFORMED)
		return fail_code(err, STEP_USER, EINVAL, "malformed group", text);
	if (load_group(files, err) < 0)
		return -1;
	found = group_find_name(files->group, name, gid);
	if (found < 0)
		return fail(err, STEP_USER, "bad entry or too many lines in /etc/group for group", text);
	return found ? 0 : fail_code(err, STEP_USER, ENOENT, "no such group:", text);
}

static void set_home(struct user *user, struct slice home)
{
	if (!home.length || home.length >= USER_HOME_BYTES || memchr(home.at, 0, home.length))
		home = (struct slice){ "/", 1 };
	memcpy(user->home, "HOME=", 5);
	memcpy(user->home + 5, home.at, home.length);
	user->home[5 + home.length] = 0;
}

static int resolve_text(struct files *files, const char *text, struct user *user, struct error *err)
{
	const char *colon = strchr(text, ':');
	struct slice name = { text, colon ? (size_t)(colon - text) : strlen(text) };
	struct passwd_entry entry = { .gid = 0, .home = { "/", 1 } };
	int found = find_user(files, name, &entry, text, err);

	if (found < 0)
		return -1;
	user->uid = entry.uid;
	user->gid = found ? entry.gid : 0;
	set_home(user, found ? entry.home : (struct slice){ "/", 1 });
	if (colon)
		return find_group(files, (struct slice){ colon + 1, strlen(colon + 1) }, &user->gid, text, err);
	if (!found)
		return 0;
	if (load_group(files, err) < 0)
		return -1;
	if (group_find_member(files->group, entry.name, user->groups, &user->group_count, USER_MAX_GROUPS) < 0)
		return fail(err, STEP_USER, "too many groups or lines in /etc/group for user", text);
	return 0;
}

static int add_groups(const struct plan *plan, struct files *files, struct user *user, struct error *err)
{
	struct record record;
	uint32_t cursor = 0;

	while (plan_next(plan, PLAN_GROUP, &cursor, &record)) {
		const char *text = record_string(&record, 0);
		uint32_t gid;

		if (find_group(files, (struct slice){ text, strlen(text) }, &gid, text, err) < 0)
			return -1;
		if (!group_add(user->groups, &user->group_count, USER_MAX_GROUPS, gid))
			return fail_code(err, STEP_USER, E2BIG, "too many groups", NULL);
	}
	return 0;
}

static bool has_home(const struct plan *plan)
{
	struct record record;
	uint32_t cursor = 0;

	while (plan_next(plan, PLAN_ENV, &cursor, &record))
		if (strncmp(record_string(&record, 0), "HOME=", 5) == 0)
			return true;
	return false;
}

int user_resolve(const struct plan *plan, int root, struct user *user, struct error *err)
{
	struct files files = { .root = root };
	struct record record;
	uint32_t flags = 0;
	const char *text = "";

	user->uid = user->gid = 0;
	user->group_count = 0;
	user->home[0] = 0;
	if (plan_find(plan, PLAN_USER, &record)) {
		flags = record_u32(&record, 0);
		text = record_string(&record, 4);
	}
	if (*text ? resolve_text(&files, text, user, err) < 0 :
		    flags & SET_HOME && !has_home(plan) && resolve_text(&files, "0", user, err) < 0)
		return -1;
	if (!*text) {
		user->gid = 0;
		user->group_count = 0;
	}
	if (!(flags & SET_HOME) || has_home(plan))
		user->home[0] = 0;
	if (flags & REFUSE_ROOT && user->uid == 0)
		return fail_code(err, STEP_USER, EPERM, "the user must not be root", NULL);
	return add_groups(plan, &files, user, err);
}
