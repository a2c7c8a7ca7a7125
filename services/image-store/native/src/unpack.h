/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAISSON_LAYER_UNPACK_H
#define CAISSON_LAYER_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "input.h"
#include "tree.h"

struct unpack_options {
	struct input_options input;
	struct tree_options tree;
	int target;
	bool owned;       /* every entry belongs to uid and gid, whatever the archive says */
	uint64_t uid;
	uint64_t gid;
	bool sync;        /* the tree and the tee are on the disk when it returns */
	bool require_end; /* an archive without its end marker is TRUNCATED */
	bool progress;    /* report to standard output on the way */
};

struct unpack_result {
	struct input_sums sums;
	enum compression compression;
	uint64_t raw_bytes;
	uint64_t plain_bytes;
	uint64_t content_bytes;
	uint64_t entries;
	bool root_opaque;
	bool root_entry;
};

/* On failure threads may still be running: the process has to end without freeing anything. */
int unpack(const struct unpack_options *options, struct unpack_result *result, struct error *err);

#endif
