/* SPDX-License-Identifier: Apache-2.0
 *
 * Project quotas of ext4 and xfs: what is below a directory counts for a number, and has a limit.
 */
#ifndef CAISSON_LAYER_QUOTA_H
#define CAISSON_LAYER_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

struct quota_state {
	const char *filesystem; /* ext4, xfs, or other */
	bool accounts;          /* what projects take is counted */
	bool enforces;          /* limits of projects hold */
};

struct quota_usage {
	uint64_t bytes;
	uint64_t inodes;
};

/* Descriptors are of directories on the file system that is meant. */
int quota_state(int directory, struct quota_state *state, struct error *err);

/* What is made below the directory from now on counts for the project too. */
int quota_assign(int directory, uint32_t project, struct error *err);

/* Bytes are rounded up to 1 KiB. 0: no limit. */
int quota_limit(int directory, uint32_t project, uint64_t bytes, struct error *err);

int quota_usage(int directory, uint32_t project, struct quota_usage *usage, struct error *err);

#endif
