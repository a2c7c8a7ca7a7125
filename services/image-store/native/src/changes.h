/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists what an upper directory of the overlay file system changed against the layers below it: what is new, what is
 * different by its type, mode, owner, device, size or time, and what is gone. A directory is different also when
 * something in it is; it is named before that. What is in a directory that is gone is not named.
 */
#ifndef CAISSON_LAYER_CHANGES_H
#define CAISSON_LAYER_CHANGES_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "marks.h"

struct changes_options {
	int upper;
	const int *lowers; /* the topmost first */
	size_t lower_count;
	uint64_t max_entries;
	enum marks_space space;
};

/* `tell` gets A, C or D and the absolute path. */
struct changes_listener {
	void (*tell)(void *context, char kind, const char *path, size_t length);
	void *context;
};

int changes_list(const struct changes_options *options, const struct changes_listener *listener, struct error *err);

#endif
