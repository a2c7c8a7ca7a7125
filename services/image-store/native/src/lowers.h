/* SPDX-License-Identifier: Apache-2.0
 *
 * One directory as the layers below an upper directory show it: the directories that are merged into it, topmost first.
 */
#ifndef CAISSON_LAYER_LOWERS_H
#define CAISSON_LAYER_LOWERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "error.h"
#include "marks.h"

struct lowers {
	int *fds;
	size_t count;
};

/* 1 and what the name is in the layers, and when that is a directory, the ones that it is merged of: to be closed with
 * lowers_close. 0: there is none. `below` is empty but for directories. */
int lowers_find(const struct lowers *lowers, enum marks_space space, const char *name, struct stat *about,
		struct lowers *below, struct error *err);
void lowers_close(struct lowers *lowers);

/* Calls for every name that the merged directory has, once. */
int lowers_each(const struct lowers *lowers, enum marks_space space, uint64_t max,
		int (*each)(void *context, const char *name, struct error *err), void *context, struct error *err);

#endif
