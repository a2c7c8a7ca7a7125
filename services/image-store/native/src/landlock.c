/* SPDX-License-Identifier: Apache-2.0 */
#include "landlock.h"

#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"

/* The kernel's structure as of ABI 6, whatever headers this is built with; older kernels are given a prefix of it. */
struct ruleset {
	uint64_t files;
	uint64_t network;
	uint64_t scoped;
};

#define FILES_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FILES_ABI_1 ((1ull << 13) - 1)
#define FILE_REFER (1ull << 13)     /* ABI 2 */
#define FILE_TRUNCATE (1ull << 14)  /* ABI 3 */
#define FILE_IOCTL_DEV (1ull << 15) /* ABI 5 */
#define NETWORK_TCP 3ull            /* ABI 4: bind and connect */
#define SCOPED 3ull                 /* ABI 6: abstract sockets and signals */

static size_t rules_of(long abi, struct ruleset *rules)
{
	*rules = (struct ruleset){.files = FILES_ABI_1};
	if (abi >= 2)
		rules->files |= FILE_REFER;
	if (abi >= 3)
		rules->files |= FILE_TRUNCATE;
	if (abi >= 4)
		rules->network = NETWORK_TCP;
	if (abi >= 5)
		rules->files |= FILE_IOCTL_DEV;
	if (abi >= 6)
		rules->scoped = SCOPED;
	if (abi >= 6)
		return sizeof(*rules);
	return abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

static bool allow(int ruleset, int directory, uint64_t access)
{
	struct landlock_path_beneath_attr below = {.parent_fd = directory, .allowed_access = access};

	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0) == 0;
}

void landlock_confine(const struct sandbox_options *options)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset rules;
	AUTO_FD int fd = -1;
	size_t size;
	bool allowed;

	/* Before ABI 2 every link between directories would be refused. */
	if (abi < 2)
		return;
	size = rules_of(abi, &rules);
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	if (fd < 0)
		return;
	allowed = allow(fd, options->target, options->read_only ? FILES_READ : rules.files);
	for (size_t i = 0; i < options->more_count; i++)
		allowed = allowed && allow(fd, options->more[i], FILES_READ);
	if (allowed)
		syscall(SYS_landlock_restrict_self, fd, 0);
}
