/* SPDX-License-Identifier: Apache-2.0 */
#include "quota.h"

#include <errno.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/quota.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif
#define XFS_MAGIC 0x58465342
#define BLOCK 1024u

/* By descriptor: the block device needs no name, and none may be there (Linux 5.14). */
static long control(int directory, int command, uint32_t project, void *argument)
{
	return syscall(SYS_quotactl_fd, directory, (unsigned int)QCMD(command, PRJQUOTA), project, argument);
}

static const char *filesystem_of(long magic)
{
	if (magic == EXT4_SUPER_MAGIC)
		return "ext4";
	return magic == XFS_MAGIC ? "xfs" : "other";
}

int quota_state(int directory, struct quota_state *state, struct error *err)
{
	struct fs_quota_statv found = {.qs_version = FS_QSTATV_VERSION1};
	struct statfs about;

	if (fstatfs(directory, &about) < 0)
		return error_system(err, errno, "quota", "cannot tell the file system");
	*state = (struct quota_state){.filesystem = filesystem_of(about.f_type)};
	/* Every refusal means that there are none: no kernel support, no mount option, no right. */
	if (control(directory, Q_XGETQSTATV, 0, &found) < 0)
		return 0;
	state->accounts = (found.qs_flags & FS_QUOTA_PDQ_ACCT) != 0;
	state->enforces = (found.qs_flags & FS_QUOTA_PDQ_ENFD) != 0;
	return 0;
}

int quota_assign(int directory, uint32_t project, struct error *err)
{
	struct fsxattr attributes;

	if (ioctl(directory, FS_IOC_FSGETXATTR, &attributes) < 0)
		return error_system(err, errno, "quota", "cannot read the project of a directory");
	attributes.fsx_projid = project;
	attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	if (ioctl(directory, FS_IOC_FSSETXATTR, &attributes) < 0)
		return error_system(err, errno, "quota", "cannot set the project of a directory");
	return 0;
}

int quota_limit(int directory, uint32_t project, uint64_t bytes, struct error *err)
{
	struct if_dqblk block = {
		.dqb_bhardlimit = bytes / BLOCK + (bytes % BLOCK != 0),
		.dqb_valid = QIF_BLIMITS,
	};

	if (control(directory, Q_SETQUOTA, project, &block) < 0)
		return error_system(err, errno, "quota", "cannot set the limit of a project");
	return 0;
}

int quota_usage(int directory, uint32_t project, struct quota_usage *usage, struct error *err)
{
	struct if_dqblk block;

	memset(&block, 0, sizeof(block));
	*usage = (struct quota_usage){0};
	/* One that nobody has used is not there. */
	if (control(directory, Q_GETQUOTA, project, &block) < 0)
		return errno == ENOENT ? 0 : error_system(err, errno, "quota", "cannot read what a project takes");
	usage->bytes = block.dqb_curspace;
	usage->inodes = block.dqb_curinodes;
	return 0;
}
